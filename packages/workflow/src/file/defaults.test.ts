import { expect, it } from "vitest";
import type { Step } from "../definition.ts";
import { parseWorkflow } from "./parse-workflow.ts";
import { formatProblem } from "@agentcore/yaml-file";

const head = 'name: w\nversion: "1"\ntimeout: 5m\n';
const agents = `version: "1"
agents:
  reviewer: { worker: codex, model: small, capabilities: [read], timeout: 7m }
`;

async function parse(text: string) {
  const files: Readonly<Record<string, string>> = {
    "/w/main.yaml": head + text,
    "/w/agents.yaml": agents,
    "/w/child.yaml": `${head}steps:\n  in: { worker: shell, instructions: x, capabilities: [read] }\n`,
  };
  return parseWorkflow({ file: "/w/main.yaml", readFile: async (path) => files[path] ?? null });
}

async function stepsOf(text: string): Promise<Readonly<Record<string, Step>>> {
  const parsed = await parse(text);
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join("\n"));
  return Object.fromEntries(parsed.workflow.steps.map((step) => [step.id, step]));
}

async function problemsOf(text: string): Promise<string[]> {
  const parsed = await parse(text);
  return parsed.ok ? [] : parsed.problems.map((one) => formatProblem(one).replace("/w/main.yaml:", ""));
}

const workOf = (step: Step | undefined) => (step?.action.kind === "worker" ? step.action.work : null);

it("a step has the defaults of its file for the keys that it omits", async () => {
  const steps = await stepsOf(`
defaults: { worker: CUSTOM, capabilities: [READ], timeout: 1m, max_retries: 2, on_failure: retry, budget: { tokens: 5 } }
steps:
  a: { instructions: x }
  b: { instructions: x, timeout: 2m, capabilities: [edit], budget: { cost_usd: 1 } }
`);
  const retries = { maxRetries: 2, onFailure: "retry" };
  expect(steps["a"]).toMatchObject({ timeoutMs: 60_000, budget: { costUsd: null, tokens: 5 }, ...retries });
  expect(workOf(steps["a"])).toMatchObject({ worker: "shell", capabilities: ["read"] });
  expect(steps["b"]).toMatchObject({ timeoutMs: 120_000, budget: { costUsd: 1, tokens: null }, ...retries });
  expect(workOf(steps["b"])?.capabilities).toEqual(["edit"]);
});

it("a default does not reach a step that it does not fit", async () => {
  const steps = await stepsOf(`
defaults: { worker: claude-code, model: large, variant: high, capabilities: [edit], isolation: worktree, merge: none, max_retries: 3, on_failure: retry, timeout: 9m }
steps:
  same: { instructions: x }
  script: { worker: shell, instructions: x }
  profile: { agent: reviewer, instructions: x }
  child: { workflow: ./child.yaml }
  once: { instructions: x, on_failure: abort }
  here: { instructions: x, isolation: none }
`);
  const large = { worker: "claude-code", model: "large", variant: "high" };
  expect(workOf(steps["same"])).toMatchObject(large);
  expect(steps["same"]).toMatchObject({ isolation: "worktree", merge: "none" });
  expect(workOf(steps["script"])).toMatchObject({ model: null, variant: null, capabilities: ["edit"] });
  const profile = { worker: "codex", model: "small", variant: null, capabilities: ["read"] };
  expect(workOf(steps["profile"])).toMatchObject(profile);
  expect(steps["profile"]).toMatchObject({ timeoutMs: 420_000, maxRetries: 3 });
  expect(steps["child"]).toMatchObject({ isolation: "none", maxRetries: 3, timeoutMs: 540_000 });
  expect(steps["once"]).toMatchObject({ maxRetries: 0, onFailure: "abort" });
  expect(steps["here"]).toMatchObject({ isolation: "none", merge: "none" });
});

it("a default about retries gives way to the step's own way to say it", async () => {
  const steps = await stepsOf(`
defaults: { worker: shell, capabilities: [read], retry: { max: 4, delay: 3s, on: [timeout] } }
steps:
  a: { instructions: x }
  b: { instructions: x, max_retries: 1 }
  c: { instructions: x, retry: { max: 2 } }
`);
  const retry = { delayMs: 3000, backoff: "exponential", on: ["timeout"] };
  expect(steps["a"]).toMatchObject({ maxRetries: 4, retry, onFailure: "abort" });
  expect(steps["b"]).toMatchObject({ maxRetries: 1, retry: null });
  expect(steps["c"]).toMatchObject({ maxRetries: 2, retry: { delayMs: 1000, on: null } });
});

it("an error in a default names the step and the line of the default", async () => {
  const text = `defaults:
  agent: reviewr
  max_retries: 1
steps:
  a: { instructions: x, on_failure: abort }
  b: { instructions: x, worker: shell }
`;
  expect(await problemsOf(text)).toEqual([
    '5:10: steps.a.agent: no agent profile has the id "reviewr"; did you mean "reviewer"? (from defaults)',
    "9:3: steps.b: needs capabilities: some of read, edit, run_tests, run_commands",
  ]);
});

it("a key that no default can be is an error with the names that can", async () => {
  expect(
    await problemsOf("defaults: { instructions: x }\nsteps:\n  a: { workflow: ./child.yaml }\n"),
  ).toEqual(["4:13: defaults.instructions: unknown setting; leave it out"]);
});

it("keys that begin with x- hold anchors, and an error is where the text stands", async () => {
  const text = `x-work: &work
  worker: shell
  capabilities: [read]
  timeout: 5 minutes
steps:
  a: { <<: *work, instructions: x }
`;
  expect(await problemsOf(text)).toEqual([expect.stringMatching(/^7:12: steps\.a\.timeout: /) as string]);
  const steps = await stepsOf(text.replace("5 minutes", "5m"));
  expect(steps["a"]).toMatchObject({ timeoutMs: 300_000 });
  expect(await problemsOf("y-work: 1\nsteps:\n  a: { workflow: ./child.yaml }\n")).toEqual([
    "4:1: y-work: unknown setting; leave it out",
  ]);
});

it("a matrix that an alias names keeps the spelling of its numbers", async () => {
  const steps = await stepsOf(`x-versions: &versions [3.10, 007]
steps:
  a: { worker: shell, instructions: x, capabilities: [], matrix: { v: *versions } }
  b: { worker: shell, instructions: x, capabilities: [], matrix: { v: *versions, w: [1.0] } }
`);
  expect(steps["a"]?.matrix.get("v")).toEqual(["3.10", "007"]);
  expect(steps["b"]?.matrix.get("v")).toEqual(["3.10", "007"]);
});
