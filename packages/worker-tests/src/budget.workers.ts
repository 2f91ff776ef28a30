/**
 * Steps side by side under the budget of one run, each a real Claude Code that is metered from its events: when one is at its
 * part, all stop together.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startModelServer, type ModelServer, type Script } from "@agentcore/model-server";
import { afterAll, beforeAll, expect, it } from "vitest";
import { configurationText, startCli } from "./agentcore-cli.ts";
import { stopMsMax } from "./cases.ts";
import { installationPaths } from "./installation.ts";
import { cacheFolder } from "./places.ts";
import { processesOf } from "./process-scan.ts";
import { positionOf } from "./review-team.ts";
import { prepareCase, type CasePlace } from "./start-run.ts";

const steps = 6;
const capUsd = 0.06;
/** List price of one answer: 1000 tokens in, 500 of the cache, 100 out. */
const answerUsd = 0.00465;
const usage = { inputTokens: 1000, cachedInputTokens: 500, outputTokens: 100 };
const spender = 3;

let server: ModelServer;
let folder: string;

beforeAll(async () => {
  server = await startModelServer();
  folder = await mkdtemp(join(tmpdir(), "agentcore-budget-"));
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface StepEnd {
  readonly id: string;
  readonly status: string;
  readonly endedAt: string;
}

it("budget: six agents under one cap stop together", async ({ task }) => {
  const place = await prepareCase({ folder }, "budget");
  const team = spendingTeam(place.workspace);
  server.run({ key: place.id, script: team.script });
  const startedAt = performance.now();
  const { code, stdout, stderr } = await runFanOut(place);
  const result = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as {
    readonly steps: readonly StepEnd[];
    readonly costUsd: number;
  };
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const billed = team.answers() * answerUsd;
  Object.assign(task.meta, {
    note: `exit ${code}, ${seconds} s, $${billed.toFixed(5)} of $${capUsd} billed`,
    story: { code, result, stderr },
  });
  expect({ code, stderr }).toEqual({ code: 5, stderr: "" });
  expect(result).toMatchObject({ type: "result", outcome: "FAILED", code: "AC_COST_CEILING" });
  const ended = (status: string) => result.steps.filter((step) => step.status === status);
  expect(ended("FAILED")).toMatchObject([{ id: `spend[n=${spender}]`, errorClass: "budget_exhausted" }]);
  expect(ended("CANCELLED")).toHaveLength(steps - 1);
  const times = result.steps.map(({ endedAt }) => Date.parse(endedAt));
  expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(stopMsMax);
  expect(billed).toBeGreaterThan(capUsd / steps);
  expect(billed).toBeLessThanOrEqual(capUsd);
  // Of a stopped worker, the answer that it was waiting for is charged too: it may have been billed.
  expect(result.costUsd).toBeGreaterThanOrEqual(billed);
  expect(result.costUsd).toBeLessThanOrEqual(billed + steps * answerUsd);
  expect(await processesOf(place.id)).toEqual([]);
});

async function runFanOut({ id, workspace, userHome }: CasePlace) {
  const file = join(userHome, "fan-out.yaml");
  const configFile = join(userHome, "agentcore.yaml");
  const { programs } = installationPaths(cacheFolder);
  const config = JSON.parse(configurationText(programs, server.url)) as object;
  const limits = { global: { concurrency: steps } };
  await writeFile(configFile, JSON.stringify({ ...config, limits, spend_gate: "off" }));
  await writeFile(file, fanOut);
  const keys = { "claude-code": id, codex: id, opencode: id };
  const place = { configFile, stateDir: join(userHome, "state"), home: userHome, cwd: workspace, keys };
  return startCli(place, ["workflow", "run", file, "--json", "--allow-protected-branch"]).ended;
}

const fanOut = `name: fan-out
version: "1"
timeout: 5m
budget: { cost_usd: ${capUsd} }
steps:
  spend:
    worker: claude-code
    capabilities: [edit]
    matrix: { n: [${Array.from({ length: steps }, (_unused, index) => index).join(", ")}] }
    instructions: "Part number \${{ matrix.n }}: write part-\${{ matrix.n }}.txt."
`;

/** All but one get one answer and then none. That one is kept busy for nothing until they wait, and then is billed. */
function spendingTeam(workspace: string): { readonly script: Script; answers(): number } {
  let billed = 0;
  let waiting = 0;
  const script: Script = (request) => {
    const number = Number(/Part number (\d+)/.exec(JSON.stringify(request.messages))?.[1]);
    const position = positionOf(request);
    if (number !== spender && position > 0) {
      waiting += 1;
      return { hang: "before-headers" };
    }
    const path = join(workspace, `part-${number}-${position}.txt`);
    const toolCall = { name: "write_file", input: { path, content: `${number}\n` } };
    if (number === spender && waiting < steps - 1) {
      return { toolCall, usage: { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 } };
    }
    billed += 1;
    return { toolCall, usage };
  };
  return { script, answers: () => billed };
}
