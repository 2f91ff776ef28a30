import { describe, expect, it } from "vitest";
import { parseWorkflow } from "./parse-workflow.ts";
import { formatProblem } from "@agentcore/yaml-file";

const shell = (rest = ""): string => `{ worker: shell, instructions: "true", capabilities: [read]${rest} }`;
const child = `name: child\nversion: "1"\ntimeout: 1m\nsteps:\n  one: ${shell()}\n`;

/** A file whose steps are `build` and, in line 7 and after, these of `finally`. */
async function parsed(...final: readonly string[]) {
  const text = [
    'name: w\nversion: "1"\ntimeout: 5m\nsteps:',
    `  build: ${shell(", outputs: [{ name: out, path: out }]")}`,
    "finally:",
    ...final.map((step) => `  ${step}`),
    "",
  ].join("\n");
  const files: Readonly<Record<string, string>> = { "/w/main.yaml": text, "/w/child.yaml": child };
  const result = await parseWorkflow({
    file: "/w/main.yaml",
    readFile: async (path) => files[path] ?? null,
  });
  if (result.ok) return { steps: result.workflow.steps, problems: [] };
  const problems = result.problems.map((problem) => formatProblem(problem).replace("/w/main.yaml:", ""));
  return { steps: [], problems };
}

describe("finally", () => {
  it("holds steps like any other, last in order, each with five minutes unless it says otherwise", async () => {
    const { steps, problems } = await parsed(
      `plain: ${shell()}`,
      `own: ${shell(", timeout: 20m, depends_on: [plain], env: { A: 1.0 }, matrix: { v: [3.10] }")}`,
      "sub: { workflow: ./child.yaml }",
    );
    expect(problems).toEqual([]);
    expect(steps.map(({ id, isFinal, timeoutMs }) => [id, isFinal, timeoutMs])).toEqual([
      ["build", false, null],
      ["plain", true, 300_000],
      ["own", true, 1_200_000],
      ["sub", true, 300_000],
    ]);
    expect(steps[2]?.env.get("A")).toBe("1.0");
    expect([...(steps[2]?.matrix ?? [])]).toEqual([["v", ["3.10"]]]);
  });

  it("may ask in `if` about any step, and take its artifacts", async () => {
    const asks = `steps.build.status == 'FAILED' || steps.build.outputs.out || cancelled()`;
    const { problems } = await parsed(
      `report: ${shell(`, if: "${asks}", inputs: [{ from: build, artifact: out }]`)}`,
    );
    expect(problems).toEqual([]);
  });

  it.each([
    ["the id of a step", `build: ${shell()}`, '7:3: finally.build: a step has the id "build" already'],
    [
      "a dependency on a step outside it",
      `clean: ${shell(", depends_on: [build]")}`,
      '7:84: finally.clean.depends_on[0]: steps of finally begin after all others have ended; leave out "build"',
    ],
    [
      "an unknown dependency",
      `clean: ${shell(", depends_on: [bild]")}`,
      '7:84: finally.clean.depends_on[0]: no step has the id "bild"; did you mean "build"?',
    ],
    [
      "a step without a worker",
      "clean: {}",
      '7:3: finally.clean: step "clean" needs one of worker, agent, workflow or approval',
    ],
    ["an unknown key", `clean: ${shell(", need: []")}`, expect.stringContaining("finally.clean.need")],
    [
      "a condition on a step that does not exist",
      `clean: ${shell(", if: steps.bild.status == 'FAILED'")}`,
      expect.stringContaining('finally.clean.if: no step has the id "bild"'),
    ],
  ])("refuses %s", async (_what, step, problem) => {
    expect((await parsed(step)).problems).toEqual([problem]);
  });

  it("is not what a step outside it can wait for, and its cycles are found", async () => {
    const text = `name: w\nversion: "1"\ntimeout: 5m\nsteps:\n  a: ${shell(", depends_on: [z]")}\nfinally:\n  y: ${shell(", depends_on: [z]")}\n  z: ${shell(", depends_on: [y]")}\n`;
    const result = await parseWorkflow({
      file: "/w/main.yaml",
      readFile: async (path) => (path === "/w/main.yaml" ? text : null),
    });
    const messages = result.ok ? [] : result.problems.map(({ message }) => message);
    expect(messages).toEqual([
      'steps.a.depends_on[0]: step "z" is in finally, which begins after this step has ended',
      "finally.y.depends_on: the steps wait for each other: y → z → y",
    ]);
  });
});
