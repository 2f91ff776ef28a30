/** Which scripts of a file are refused because bash would run what a value contains. */
import { formatProblem } from "@agentcore/yaml-file";
import { describe, expect, it } from "vitest";
import { parseWorkflow } from "./parse-workflow.ts";

async function problemsOf(text: string, agents = ""): Promise<readonly string[]> {
  const files: Readonly<Record<string, string>> = { "/w/w.yaml": text, "/w/agents.yaml": agents };
  const parsed = await parseWorkflow({
    file: "/w/w.yaml",
    readFile: async (path) => (files[path] === "" ? null : (files[path] ?? null)),
  });
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
}

const head = `name: w
version: "1"
timeout: 5m
secrets: [TOKEN]
inputs: { x: {}, n: { type: number, default: 1 }, b: { type: boolean, default: false } }
`;
const sum = (expression: string): string => `'echo $(( \${{ ${expression} }} ))'`;
const shell = (instructions: string): string =>
  `worker: CUSTOM, instructions: ${instructions}, capabilities: []`;
const steps = (...all: readonly string[]): string =>
  `${head}steps:\n${all.map((step) => `  ${step}\n`).join("")}`;
const values = `v: { ${shell("x")}, outputs: [{ name: o, value: true }] }`;

describe("a value in arithmetic is refused", () => {
  it.each<[string, string, string]>([
    ["instructions", steps(`s: { ${shell(sum("inputs.x"))} }`), "steps.s.instructions"],
    ["verify", steps(`s: { ${shell("x")}, verify: ${sum("inputs.x")} }`), "steps.s.verify"],
    [
      "a check",
      steps(`s: { ${shell("x")}, completion_check: { ${shell(sum("inputs.x"))} } }`),
      "steps.s.completion_check.instructions",
    ],
    [
      "finally",
      `${steps(`s: { ${shell("x")} }`)}finally:\n  f: { ${shell(sum("inputs.x"))} }\n`,
      "finally.f.instructions",
    ],
    [
      "defaults",
      `defaults: { worker: shell }\n${steps(`s: { instructions: ${sum("inputs.x")}, capabilities: [] }`)}`,
      "steps.s.instructions",
    ],
    [
      "notify",
      `${steps(`s: { ${shell("x")} }`)}notify: [{ on: [failed], command: ${sum("secrets.TOKEN")} }]\n`,
      "notify[0].command",
    ],
    [
      "the value of a step",
      steps(values, `s: { depends_on: [v], ${shell(sum("steps.v.outputs.o"))} }`),
      "steps.s.instructions",
    ],
    [
      "a list of a step",
      steps(
        values,
        `s: { depends_on: [v], matrix: { m: "\${{ steps.v.outputs.o }}" }, ${shell(sum("matrix.m"))} }`,
      ),
      "steps.s.instructions",
    ],
    [
      "the variable of an input",
      steps(`s: { ${shell("'echo $((AGENTCORE_INPUT_X + 1))'")} }`),
      "steps.s.instructions",
    ],
  ])("in or from %s", async (_what, text, place) => {
    const problems = await problemsOf(text);
    const before = text.slice(0, text.indexOf("'echo")).split("\n");
    const at = `${before.length}:${before.at(-1)!.length + 1}`;
    expect(problems).toEqual([
      expect.stringContaining(`${at}: ${place}: in (( … )), bash runs commands that the value of`),
    ]);
    expect(problems[0]).toMatch(/: n="\$.*"; case \$n in "" \| \*\[!0-9\]\*\) exit 1 ;; esac; and use \$n$/);
  });

  it("of an agent profile with the shell", async () => {
    const profile = `version: "1"\nagents: { p: { worker: shell, capabilities: [read], base_instructions: ${sum("inputs.x")} } }\n`;
    expect(await problemsOf(steps(`s: { agent: p, instructions: ${sum("inputs.x")} }`), profile)).toEqual([
      expect.stringContaining("7:15: steps.s.agent: in (( … ))"),
      expect.stringContaining("7:32: steps.s.instructions: in (( … ))"),
    ]);
  });
});

it("a value in a script for another shell is refused, with the way to pass it", async () => {
  const script = "'bash -c \"echo ${{ inputs.x }}\"'";
  expect(await problemsOf(steps(`s: { ${shell(script)} }`))).toEqual([
    `/w/w.yaml:7:38: steps.s.instructions: in bash -c, bash runs the value of \${{ inputs.x }} as code; pass it as an argument or a variable, as in bash -c 'echo "$1"' _ "\${{ inputs.x }}"`,
  ]);
});

it.each<[string, string]>([
  ["a number or a boolean", shell("'echo $(( ${{ inputs.n }} + ${{ inputs.b }} + AGENTCORE_INPUT_N ))'")],
  ["a comparison", shell("'eval ${{ inputs.x == \"a\" }}'").replaceAll('"a"', "''a''")],
  ["a list in the file", `${shell(sum("matrix.m"))}, matrix: { m: [1, 2] }`],
  ["an agent", `worker: claude-code, instructions: ${sum("inputs.x")}, capabilities: []`],
  ["a script that passes the variable on", shell("bash -c 'echo \"$AGENTCORE_INPUT_X\"'")],
  [
    "a value that is checked first",
    shell(`'n="\${{ inputs.x }}"; case $n in "" | *[!0-9]*) exit 1 ;; esac; echo $((n))'`),
  ],
])("%s is no code", async (_what, step) => {
  expect(await problemsOf(steps(`s: { ${step} }`))).toEqual([]);
});
