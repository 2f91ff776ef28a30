/** A worker whose model has no price, through the whole command line: each value of `unpriced`. */
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

/** A worker that prints its tokens and no cost, and whose adapter imports nothing. */
const adapter = `const unknown = { inputTokens: null, cachedInputTokens: null, outputTokens: null };
export default {
  contractVersion: 1, name: "house", title: "House agent", provider: "house", capabilities: ["read"],
  program: { command: "house-agent", versionArgs: [], install: "-", credentialEnv: [], loginPaths: [] },
  plan: (task, { program }) => ({ command: program, args: [], env: {}, stdin: task.instructions, home: "own" }),
  createReader() {
    const usage = { inputTokens: 9, cachedInputTokens: null, outputTokens: 9 };
    return {
      stdout: () => [{ type: "usage", usage, costUsd: null }],
      stderr: () => [],
      end: () => ({ terminal: "not-applicable", error: null, deniedTools: [], summary: "done", session: null,
        model: null, usage, costUsd: null, costBasis: "none", malformedLines: 0 }),
    };
  },
};
`;

function house(settings: string): readonly string[] {
  const program = join(scratch.root, "house-agent");
  writeFileSync(program, "#!/bin/sh\n: > started\necho hello\n");
  chmodSync(program, 0o755);
  writeFileSync(join(scratch.root, "house.js"), adapter);
  writeFileSync(join(scratch.root, "package.json"), '{ "type": "module" }');
  const config = join(scratch.root, "agentcore.yaml");
  writeFileSync(
    config,
    `workers:\n  house: { adapter: ./house.js, program: ${program}, settings: { model: house-1 } }\n${settings}`,
  );
  return ["--config", config, "--state-dir", scratch.stateDir];
}

function workflowFile(): string {
  const file = join(scratch.root, "one.yaml");
  const step = "{ worker: house, instructions: hello, capabilities: [READ] }";
  writeFileSync(file, `name: one\nversion: '1'\ntimeout: 1m\nsteps:\n  a: ${step}\n`);
  return file;
}

const limits = "limits: { global: { cost_usd: { day: 5 } } }\n";
const task = ["--worker", "house", "--capabilities", "read"];

it.each([
  ["", 2, "cost unknown: no price for model house-1; the ceiling of $2 was charged", "$2.00  $3.00"],
  ["unpriced: zero\n", 0, "no price for model house-1; counted as $0 by `unpriced: zero`", "$0  $5.00"],
])(
  "%s is said before the run, in its result, in the budget and by why",
  async (setting, costUsd, note, spent) => {
    const at = house(`${setting}${limits}`);
    const model = ["--model", "house-1"];
    const run = await agentcore(scratch, [
      "run",
      ...at,
      ...task,
      ...model,
      "--max-cost",
      "2",
      "--json",
      "hello",
    ]);
    const lines = jsonLinesOf(run.stdout);
    const warning = lines.findIndex(
      ({ type, event }) => type === "worker_event" && (event as { type?: string }).type === "warning",
    );
    const usage = lines.findIndex(
      ({ type, event }) => type === "worker_event" && (event as { type?: string }).type === "usage",
    );
    expect(warning).toBeGreaterThan(-1);
    expect(usage).toBeGreaterThan(warning);
    const result = lines.at(-1);
    expect(result).toMatchObject({ outcome: "succeeded", costUsd, costBasis: "estimated" });
    expect(result?.["summary"]).toContain(note);
    const [budget, why] = await Promise.all([
      agentcore(scratch, ["budget", ...at]),
      agentcore(scratch, ["why", ...at, String(result?.["jobId"])]),
    ]);
    expect(budget.stdout).toContain(spent);
    expect(budget.stdout).toContain("unpriced: ");
    expect(why.stdout).toContain(note);
    expect(why.stdout).toContain("unpriced: ");
  },
);

it("unpriced: refuse refuses run, submit and workflow run before anything starts, with the cure", async () => {
  const at = house("unpriced: refuse\n");
  const file = workflowFile();
  const runs = await Promise.all([
    agentcore(scratch, ["run", ...at, ...task, "hello"]),
    agentcore(scratch, ["submit", ...at, ...task, "hello"]),
    agentcore(scratch, ["workflow", "run", ...at, file]),
  ]);
  for (const { code, stderr } of runs) {
    expect(stderr).toContain("no price is known for model house-1 of worker house");
    expect(stderr).toContain(
      "AC_MODEL_UNPRICED: Name a model that has a price, set its price under `prices`",
    );
    expect(code).toBe(2);
  }
  expect(existsSync(join(scratch.workspace, "started"))).toBe(false);
});

it("a workflow warns of a model without a price before its first step, if a limit on cost applies", async () => {
  const at = house(limits);
  const { code, stderr } = await agentcore(scratch, ["workflow", "run", ...at, workflowFile()]);
  expect(code).toBe(0);
  expect(stderr).toContain(
    "worker house: no price for model house-1: a run that does not use the spend gate and whose worker reports no cost is charged its whole ceiling (unpriced: charge_ceiling)",
  );
});
