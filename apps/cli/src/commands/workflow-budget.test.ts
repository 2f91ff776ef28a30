/** The budget of a run with the real runtime: contained agents, the durable ledger, and what the process exits with. */
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

/** From the first step at its ceiling to the end of the last one: these agents end when they are asked to. */
const stopMsMax = 10_000;
const agents = 20;
const capUsd = 2;
const partUsd = capUsd / agents;
const answerUsd = 0.02;

/** A billed worker. Its instructions are a script; each line `spent=0.1` reports the cost so far. */
const spender = `
  const usage = { inputTokens: 100, cachedInputTokens: null, outputTokens: 10 };
  function createReader() {
    let costUsd = 0;
    return {
      stdout(line) {
        const said = /^spent=(.*)$/.exec(line);
        if (said === null) return [];
        costUsd = Number(said[1]);
        return [{ type: "usage", usage, costUsd }];
      },
      stderr: () => [],
      end: () => ({
        terminal: "success", error: null, deniedTools: [], summary: "", session: null, model: null,
        usage, costUsd, costBasis: "reported", malformedLines: 0,
      }),
    };
  }
  export default {
    contractVersion: 1, name: "spender", title: "Spender", provider: "acme", capabilities: ["edit"],
    program: { command: "sh", versionArgs: [], install: "none", credentialEnv: [], loginPaths: [] },
    plan: (task) => ({ command: "/bin/sh", args: ["-c", task.instructions], env: {}, stdin: "", home: "own" }),
    createReader,
  };`;
writeFileSync(join(scratch.root, "spender.mjs"), spender);
const config = join(scratch.root, "agentcore.yaml");
writeFileSync(
  config,
  `workers: { spender: { adapter: ./spender.mjs } }
limits: { global: { concurrency: ${agents}, cost_usd: { day: ${capUsd} } } }
`,
);

/** In no other run of this test. */
const idle = `sleep ${100_000 + process.pid}`;

/** Each records what it spends where AgentCore does not see it; only one of them continues to its share. */
const script = `
      spend() { echo "$1" >> bills; echo "spent=$2"; }
      spend ${answerUsd} ${answerUsd}
      test "\${{ matrix.n }}" = 7 || ${idle}
      until test -e go; do sleep 0.05; done
      spend ${partUsd - answerUsd} ${partUsd}
      ${idle}`.trimStart();
const file = join(scratch.root, "fan-out.yaml");
writeFileSync(
  file,
  `name: fan-out
version: "1"
timeout: 5m
budget: { cost_usd: ${capUsd} }
steps:
  spend:
    worker: spender
    capabilities: [edit]
    matrix: { n: [${Array.from({ length: agents }, (_unused, index) => index).join(", ")}] }
    instructions: |
      ${script}
`,
);

it("5 budget exhausted: 20 agents under one cap stop together, and none spends more than was set aside", async () => {
  const started = startAgentcore(scratch, ["workflow", "run", file, "--config", config, "--json"]);
  const claimed: number[] = [];
  while (started.child.exitCode === null && started.child.signalCode === null) {
    const allRun = billsOf(scratch.workspace).length === agents;
    claimed.push(await claimedUsd());
    if (allRun) writeFileSync(join(scratch.workspace, "go"), "");
  }
  const { code, stdout, stderr } = await started.finished;
  expect({ code, stderr }).toEqual({ code: 5, stderr: "" });

  const result = jsonLinesOf(stdout).at(-1) as unknown as Result;
  expect(result).toMatchObject({ type: "result", outcome: "FAILED", code: "AC_COST_CEILING" });
  const ends = (status: string) => result.steps.filter((step) => step.status === status);
  expect(ends("FAILED")).toMatchObject([{ id: "spend[n=7]", errorClass: "budget_exhausted" }]);
  expect(ends("CANCELLED")).toHaveLength(agents - 1);
  const times = result.steps.map(({ endedAt }) => Date.parse(endedAt));
  expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(stopMsMax);
  expect(findSurvivors([idle])).toEqual([]);

  const billed = billsOf(scratch.workspace).reduce((sum, bill) => sum + Number(bill), 0);
  expect(result.costUsd).toBeCloseTo(billed, 9);
  // All of it is reserved while the 20 run.
  expect(Math.max(...claimed)).toBeCloseTo(capUsd, 9);
  expect(await claimedUsd()).toBeCloseTo(billed, 9);
  const shown = await agentcore(scratch, ["workflow", "show", result.run]);
  expect(shown.stdout).toMatch(/spend\[n=7\]" failed: .*ceiling is \$0\.1 \(AC_COST_CEILING\)/);
});

interface Result {
  readonly run: string;
  readonly costUsd: number;
  readonly steps: readonly { readonly id: string; readonly status: string; readonly endedAt: string }[];
}

/** The amount that the ledger has as spent and held, as another process sees it. */
async function claimedUsd(): Promise<number> {
  const { stdout } = await agentcore(scratch, ["budget", "--config", config, "--json"]);
  const lines = jsonLinesOf(stdout).filter(({ type }) => type === "budget");
  return (lines as unknown as { held: number; spent: number }[]).reduce(
    (sum, { held, spent }) => sum + held + spent,
    0,
  );
}

function billsOf(workspace: string): readonly string[] {
  const file = join(workspace, "bills");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
}
