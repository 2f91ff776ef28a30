import type { TaskOption } from "@agentcore/contract";
import { expect, it } from "vitest";
import type { KnownWorkers, LookUpWorkers } from "./check-workers.ts";
import { parseWorkflow } from "./parse-workflow.ts";
import { formatProblem } from "@agentcore/yaml-file";

const has: Readonly<Record<string, readonly TaskOption[]>> = {
  shell: [],
  codex: ["variant"],
  opencode: ["variant", "maxSteps", "maxCommandTimeMs"],
};
const known: KnownWorkers = {
  options: (worker) => has[worker] ?? null,
  problem: (worker) => (worker === "nobody" ? 'there is no worker "nobody"' : null),
  argsProblem: (worker, args) => (args.includes("--loud") ? `${worker} refuses --loud` : null),
};

/** The workers that were looked up. */
let lookedUp: readonly string[] = [];
const workers: LookUpWorkers = async (names) => {
  lookedUp = names;
  return known;
};

const agents = `version: "1"
agents:
  fast: { worker: CODEX_CLI, capabilities: [read], max_steps: 3, defaultArgs: [--loud] }
`;

/** The messages about a file with these steps: mistakes, or else warnings, each with its place. */
async function said(...steps: string[]): Promise<string[]> {
  const files: Readonly<Record<string, string>> = {
    "/w/main.yaml": `name: w\nversion: "1"\ntimeout: 5m\nsteps:\n${steps.map((step) => `  ${step}\n`).join("")}`,
    "/w/agents.yaml": agents,
  };
  const parsed = await parseWorkflow({
    file: "/w/main.yaml",
    readFile: async (path) => files[path] ?? null,
    workers,
  });
  const problems = parsed.ok ? parsed.warnings : parsed.problems;
  return problems.map((problem) => `${parsed.ok ? "warning" : "mistake"} ${formatProblem(problem)}`);
}

const base = "instructions: x, capabilities: [read]";

it.each<[what: string, step: string, told: string[]]>([
  [
    "a worker that there is not",
    `a: { worker: nobody, ${base} }`,
    ['mistake /w/main.yaml:5:16: steps.a.worker: there is no worker "nobody"'],
  ],
  [
    "a setting that the worker has is not mentioned",
    `a: { worker: opencode, ${base}, variant: high, max_steps: 3, max_command_time: 1m }`,
    [],
  ],
  [
    "max_steps for a worker without",
    `a: { worker: CODEX_CLI, ${base}, max_steps: 3 }`,
    ['warning /w/main.yaml:5:66: steps.a.max_steps: "max_steps" has no effect: codex has no such setting'],
  ],
  [
    "max_command_time for a worker without",
    `a: { worker: codex, ${base}, max_command_time: 1m }`,
    [
      'warning /w/main.yaml:5:62: steps.a.max_command_time: "max_command_time" has no effect: codex has no such setting',
    ],
  ],
  [
    "variant for a worker without",
    `a: { worker: shell, ${base}, variant: high }`,
    ['warning /w/main.yaml:5:62: steps.a.variant: "variant" has no effect: shell has no such setting'],
  ],
  [
    "max_command_time limits the script of the shell worker",
    `a: { worker: shell, ${base}, max_command_time: 1m }`,
    [],
  ],
  ["of an unknown worker nothing is known", `a: { worker: other, ${base}, max_steps: 3, variant: high }`, []],
  [
    "a completion check is looked at too",
    `a: { worker: shell, ${base}, completion_check: { worker: codex, ${base}, decision_file: d, variant: high, defaultArgs: [--loud] } }`,
    ["mistake /w/main.yaml:5:182: steps.a.completion_check.defaultArgs: codex refuses --loud"],
  ],
  [
    "arguments that the worker refuses are a mistake",
    `a: { worker: codex, ${base}, defaultArgs: [--loud] }`,
    ["mistake /w/main.yaml:5:75: steps.a.defaultArgs: codex refuses --loud"],
  ],
  [
    "what an agent profile asks for is told where it is named",
    `a: { agent: fast, instructions: x }`,
    ["mistake /w/main.yaml:5:15: steps.a.agent: codex refuses --loud"],
  ],
  [
    "a step's own arguments replace the profile's",
    `a: { agent: fast, instructions: x, defaultArgs: [] }`,
    ['warning /w/main.yaml:5:8: steps.a.agent: "max_steps" has no effect: codex has no such setting'],
  ],
])("%s", async (_what, step, told) => {
  expect(await said(step)).toEqual(told);
});

it("tells the warnings of sub-workflows with their file", async () => {
  const file = (steps: string) => `name: w\nversion: "1"\ntimeout: 5m\nsteps:\n${steps}\n`;
  const files: Readonly<Record<string, string>> = {
    "/w/main.yaml": file("  sub: { workflow: ./child.yaml }"),
    "/w/child.yaml": file(`  a: { worker: codex, ${base}, max_steps: 3 }`),
  };
  const parsed = await parseWorkflow({
    file: "/w/main.yaml",
    readFile: async (path) => files[path] ?? null,
    workers,
  });
  expect(parsed.ok && parsed.warnings.map(({ file: where }) => where)).toEqual(["/w/child.yaml"]);
});

it("looks up each worker once", async () => {
  lookedUp = [];
  await said(`a: { worker: codex, ${base} }`, `b: { worker: OPENCODE, ${base}, variant: high }`);
  expect(lookedUp).toEqual(["codex", "opencode"]);
});
