/** The rules of a file about `env` and the values of steps, each mistake with its place. */
import { describe, expect, it } from "vitest";
import type { Workflow } from "../definition.ts";
import { parseWorkflow } from "./parse-workflow.ts";
import { formatProblem } from "@agentcore/yaml-file";

type Files = Readonly<Record<string, string>>;

async function parse(files: Files | string) {
  const all: Files = typeof files === "string" ? { "/w/main.yaml": files } : files;
  return parseWorkflow({ file: "/w/main.yaml", readFile: async (path) => all[path] ?? null });
}

async function accepted(files: Files | string): Promise<Workflow> {
  const result = await parse(files);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.workflow;
}

async function problemsOf(files: Files | string): Promise<string[]> {
  const result = await parse(files);
  if (result.ok) throw new Error("the workflow was accepted");
  return result.problems.map((problem) => formatProblem(problem).replace("/w/main.yaml:", ""));
}

const head = 'name: w\nversion: "1"\ntimeout: 5m\n';
const work = "worker: shell, instructions: x, capabilities: []";
/** The first step is in line 5. */
const withSteps = (...steps: string[]) => `${head}steps:\n${steps.map((step) => `  ${step}\n`).join("")}`;
const maker = `a: { ${work}, outputs: [{ name: v, value: true }, { name: w, value: W.key, optional: true }, { name: f, path: f }] }`;

describe("`env`", () => {
  it("of a step overrides the workflow's, and a check inherits the step's", async () => {
    const check =
      "completion_check: { worker: shell, instructions: x, capabilities: [], env: { C: c, B: check } }";
    const { steps } = await accepted(
      `defaults: { env: { A: default, Z: z } }\nenv: { A: a, B: b }\n${withSteps(`s: { ${work}, env: { B: step, D: d }, ${check} }`)}`,
    );
    expect([...(steps[0]?.env ?? [])]).toEqual([
      ["A", "a"],
      ["Z", "z"],
      ["B", "step"],
      ["D", "d"],
    ]);
    expect(Object.fromEntries(steps[0]?.loop?.checkEnv ?? [])).toEqual({
      A: "a",
      Z: "z",
      B: "check",
      C: "c",
      D: "d",
    });
  });

  it("keeps the spelling of numbers", async () => {
    const { steps } = await accepted(
      `env: { A: 3.10 }\n${withSteps(`s: { ${work}, env: { B: 007, C: true } }`)}`,
    );
    expect([...(steps[0]?.env ?? [])]).toEqual([
      ["A", "3.10"],
      ["B", "007"],
      ["C", "true"],
    ]);
  });

  it.each([
    ["LD_PRELOAD", "LD_PRELOAD is passed to no worker: it would make the programs that contain"],
    ["AGENTCORE_X", "AGENTCORE_X is set by the run; choose another name"],
    ["ROBOPPI_X", "ROBOPPI_X is set by the run; choose another name"],
    ["BASE_SHA", "BASE_SHA is set by the run; choose another name"],
    ["A-B", "is not the name of an environment variable"],
  ])("may not set %s, for the workflow, a step or a check", async (name, message) => {
    const env = `env: { ${name}: x }`;
    const check = `completion_check: { worker: shell, instructions: x, capabilities: [], ${env} }`;
    const problems = await problemsOf(`${env}\n${withSteps(`s: { ${work}, ${env}, ${check} }`)}`);
    expect(problems).toEqual([
      expect.stringContaining(message),
      expect.stringContaining(message),
      expect.stringContaining(message),
    ]);
    expect(problems[0]).toMatch(/^1:8: /);
  });

  it("of a step with a sub-workflow is refused", async () => {
    const files = {
      "/w/main.yaml": withSteps("s: { workflow: c.yaml, env: { A: a } }"),
      "/w/c.yaml": withSteps(maker),
    };
    expect(await problemsOf(files)).toEqual([
      expect.stringMatching(/^5:.*steps\.s\.env: "env" cannot be used with workflow/),
    ]);
  });

  it("of the workflow may use inputs only", async () => {
    expect(
      await problemsOf(`env: { A: "\${{ matrix.m }}", B: "\${{ steps.a.outputs.v }}" }\n${withSteps(maker)}`),
    ).toEqual([
      expect.stringMatching(/^1:11: env\.A: "matrix\.m" cannot be used here; available here: inputs\.\*/),
      expect.stringMatching(/^1:33: env\.B: "steps\.a\.outputs\.v" cannot be used here/),
    ]);
  });
});

describe("inputs and matrix keys", () => {
  it("that become the same variable are refused", async () => {
    const step = `s: { ${work}, matrix: { os-x: [a], OS_X: [b] } }`;
    expect(await problemsOf(`inputs: { a-b: {}, a_B: {} }\n${withSteps(step)}`)).toEqual([
      expect.stringMatching(
        /^1:20: inputs\.a_B: "a_B" and "a-b" both become AGENTCORE_INPUT_A_B; rename one/,
      ),
      expect.stringMatching(/^6:.*matrix\.OS_X: "OS_X" and "os-x" both become AGENTCORE_MATRIX_OS_X/),
    ]);
  });
});

describe("the values of a step", () => {
  it("have a name, and another in the file if `value` names one", async () => {
    const { steps } = await accepted(withSteps(maker));
    expect(steps[0]?.values).toEqual([
      { name: "v", key: "v", optional: false },
      { name: "w", key: "W.key", optional: true },
    ]);
    expect(steps[0]?.outputs.map(({ name }) => name)).toEqual(["f"]);
  });

  it("may be used in instructions, scripts, `env`, `with`, `if`, `verify` and checks of steps that wait for it", async () => {
    const use = '"${{ steps.a.outputs.v }}"';
    const check = `completion_check: { worker: shell, instructions: ${use}, capabilities: [], env: { X: ${use} } }`;
    const all = `worker: shell, instructions: ${use}, capabilities: [], verify: ${use}, env: { X: ${use} }, ${check}`;
    const child = `${head}inputs: { p: {} }\nsteps: { x: { ${work} } }\n`;
    const files = {
      "/w/main.yaml": withSteps(
        maker,
        `b: { depends_on: [a], ${all}, if: steps.a.outputs.v == '1' }`,
        `c: { depends_on: [b], workflow: c.yaml, with: { p: ${use} } }`,
      ),
      "/w/c.yaml": child,
    };
    const { steps } = await accepted(files);
    expect(steps.map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });

  it.each([
    [
      "b: { ${work}, env: { X: '${{ steps.a.outputs.v }}' } }",
      'step "b" does not wait for "a"; add it to depends_on',
    ],
    ["b: { ${work}, depends_on: [a], verify: '${{ steps.a.outputs.z }}' }", 'step "a" has no output "z"'],
    ["b: { ${work}, depends_on: [a], verify: '${{ steps.z.outputs.v }}' }", 'no step has the id "z"'],
    [
      "b: { ${work}, depends_on: [a], inputs: [{ from: a, artifact: v }] }",
      '"v" is a value, not a file; use ${{ steps.a.outputs.v }}',
    ],
    ["b: { ${work}, outputs: [{ name: x }] }", "needs path, for a file, or value, for a text"],
    ["b: { ${work}, outputs: [{ name: x, path: x, value: true }] }", "may have only one of path, value"],
    ["b: { ${work}, outputs: [{ name: x, value: false }] }", "steps.b.outputs[0].value"],
    [
      "b: { ${work}, depends_on: [a], outputs: [{ name: x, path: '${{ steps.a.outputs.v }}' }] }",
      '"steps.a.outputs.v" cannot be used here; available here: inputs.*, matrix.*',
    ],
    [
      "b: { ${work}, outputs: [{ name: x, path: x }, { name: x, value: true }] }",
      'step "b" has two outputs named "x"',
    ],
  ])("are checked: %s", async (step, message) => {
    const problems = await problemsOf(withSteps(maker, step.replace("${work}", work)));
    expect(problems).toEqual([expect.stringContaining(message)]);
    expect(problems[0]).toMatch(/^6:\d+: steps\.b/);
  });

  it("of a sub-workflow are exported by `value`, with the name of the step there", async () => {
    const parent = (exports: string) => ({
      "/w/main.yaml": withSteps(
        `s: { workflow: c.yaml, exports: [${exports}] }`,
        `t: { depends_on: [s], ${work}, verify: "\${{ steps.s.outputs.out }}" }`,
      ),
      "/w/c.yaml": withSteps(maker),
    });
    const { steps } = await accepted(parent("{ from: a, value: v, as: out }, { from: a, artifact: f }"));
    expect(steps[0]?.action).toMatchObject({
      exports: [{ from: "a", artifact: "f", as: "f" }],
      valueExports: [{ from: "a", value: "v", as: "out" }],
    });
    const wrong =
      "{ from: a, artifact: v, as: out }, { from: a, value: f }, { from: a, value: z }, { from: a }";
    expect(await problemsOf(parent(wrong))).toEqual([
      expect.stringContaining('has no output "v"; "v" is a value: write value: v'),
      expect.stringContaining('has no value "f"; "f" is an artifact: write artifact: f'),
      expect.stringContaining('has no value "z"'),
      expect.stringContaining("needs exactly one of artifact, value"),
    ]);
  });
});

describe("`secrets`", () => {
  it("of the workflow and of a step are the step's, and none is a sub-workflow's", async () => {
    const files = {
      "/w/main.yaml": `secrets: [A, B]\n${withSteps(`s: { ${work}, secrets: [C, A] }`, "t: { workflow: c.yaml }")}`,
      "/w/c.yaml": withSteps(maker),
    };
    const { steps } = await accepted(files);
    expect(steps.map(({ secrets }) => secrets)).toEqual([["A", "B", "C"], []]);
  });

  it("are no texts: a placeholder for one says what to write", async () => {
    const step = `s: { ${work}, verify: "x \${{ secrets.TOKEN }}", env: { E: "\${{ secrets.TOKEN }}" }, if: secrets.TOKEN }`;
    const message = "a secret is a variable and no text: write secrets: [TOKEN] and use $TOKEN in the script";
    expect(await problemsOf(withSteps(step))).toEqual(Array(3).fill(expect.stringContaining(message)));
  });

  it.each([
    ["LD_AUDIT", "LD_AUDIT is passed to no worker"],
    ["AGENTCORE_X", "AGENTCORE_X is set by the run"],
    ["A B", "is not the name of an environment variable"],
    ["E", "E is also in env; leave out one of the two"],
    ["X, X", '"X" is listed twice'],
  ])("may not name %s", async (name, message) => {
    const step = `s: { ${work}, secrets: [${name}], env: { E: e } }`;
    expect(await problemsOf(withSteps(step))).toEqual([expect.stringContaining(message)]);
    const ofFile = `secrets: [${name}]\n${withSteps(`s: { ${work}, env: { E: e } }`)}`;
    expect(await problemsOf(ofFile)).toEqual([expect.stringMatching(/^1:/)]);
  });
});

describe("a list of a `matrix`", () => {
  const withList = (list: string, more = "depends_on: [a]"): string =>
    withSteps(maker, `b: { ${work}, ${more}, matrix: { os: [x, y], part: ${list} } }`);

  it("is one value of a step that it waits for", async () => {
    const { steps } = await accepted(withList('"${{ steps.a.outputs.v }}"'));
    expect([...(steps[1]?.matrix ?? [])]).toEqual([["os", ["x", "y"]]]);
    expect([...(steps[1]?.matrixLists ?? [])]).toEqual([["part", "${{ steps.a.outputs.v }}"]]);
  });

  it.each([
    ["a text", "parts", "is neither a list nor ${{ steps.ID.outputs.NAME }} and nothing else"],
    ["more than one", '"${{ steps.a.outputs.v }},x"', "is neither a list nor"],
    ["an input", '"${{ inputs.x }}"', '"inputs.x" is no list; use ${{ steps.ID.outputs.NAME }}'],
    ["a status", '"${{ steps.a.status }}"', '"steps.a.status" is no list'],
    ["a comparison", "\"${{ steps.a.outputs.v == 'x' }}\"", "is no list"],
    ["a file", '"${{ steps.a.outputs.f }}"', '"f" is a file, not a value; declare it with value: true'],
    ["an unknown value", '"${{ steps.a.outputs.z }}"', 'step "a" has no output "z"'],
    ["a status function", '"${{ always() }}"', "is no list"],
  ])("is not %s", async (_what, list, message) => {
    const problems = await problemsOf(withList(list));
    expect(problems).toEqual([expect.stringContaining(message)]);
    expect(problems[0]).toMatch(/^6:\d+: steps\.b\.matrix\.part: /);
  });

  it("is of no step that it does not wait for", async () => {
    const list = '"${{ steps.a.outputs.v }}"';
    expect(await problemsOf(withList(list, "depends_on: []"))).toEqual([
      expect.stringContaining('step "b" does not wait for "a"; add it to depends_on'),
    ]);
  });
});
