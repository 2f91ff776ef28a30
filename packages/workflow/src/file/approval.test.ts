import { expect, it } from "vitest";
import { parseWorkflow } from "./parse-workflow.ts";
import { formatProblem } from "@agentcore/yaml-file";

const build =
  '{ worker: shell, instructions: "true", capabilities: [read], outputs: [{ name: v, value: true }] }';

/** A file with the step `build`, and in line 6 the step `ok`. */
async function parsed(step: string, rest = "") {
  const text = `name: w\nversion: "1"\ntimeout: 5m\nsteps:\n  build: ${build}\n  ok: ${step}\n${rest}`;
  const result = await parseWorkflow({
    file: "/w/main.yaml",
    readFile: async (path) => (path === "/w/main.yaml" ? text : null),
  });
  if (result.ok) return { step: result.workflow.steps[1], problems: [] };
  const problems = result.problems.map((problem) => formatProblem(problem).replace("/w/main.yaml:", ""));
  return { step: undefined, problems };
}

it("an approval says what it asks, of whom and for how long", async () => {
  const message = "Ship ${{ steps.build.outputs.v }} to ${{ matrix.env }}?";
  const { step, problems } = await parsed(
    `{ depends_on: [build], matrix: { env: [prod] }, on_failure: continue, if: success(), approval: { message: "${message}", who: [ann], timeout: 2h } }`,
  );
  expect(problems).toEqual([]);
  expect(step?.action).toEqual({ kind: "approval", message, who: ["ann"], timeoutMs: 7_200_000 });
  const { step: least } = await parsed("{ approval: { message: Go? } }");
  expect(least?.action).toEqual({ kind: "approval", message: "Go?", who: [], timeoutMs: null });
});

it.each([
  [
    "two ways to work",
    "{ approval: { message: x }, worker: shell }",
    'step "ok" may have only one of worker, approval',
  ],
  [
    "instructions",
    "{ approval: { message: x }, instructions: y }",
    '"instructions" cannot be used with approval',
  ],
  [
    "capabilities",
    "{ approval: { message: x }, capabilities: [read] }",
    '"capabilities" cannot be used with approval',
  ],
  [
    "a timeout of the step",
    "{ approval: { message: x }, timeout: 5m }",
    '"timeout" cannot be used with approval; set it inside approval',
  ],
  [
    "retries",
    "{ approval: { message: x }, on_failure: retry }",
    "an approval is not repeated; write abort or continue",
  ],
  ["no message", "{ approval: {} }", "message"],
  ["an empty list of users", "{ approval: { message: x, who: [] } }", "who"],
  ["a placeholder for nothing", '{ approval: { message: "${{ inputs.x }}" } }', 'there is no input "x"'],
])("an approval is refused with %s", async (_what, step, problem) => {
  expect((await parsed(step)).problems).toEqual([expect.stringContaining(problem)]);
});

it("an approval is refused in finally, which waits for nobody", async () => {
  const { problems } = await parsed(build, "finally:\n  ask: { approval: { message: x } }\n");
  expect(problems).toEqual([
    "8:10: finally.ask.approval: cannot be used in finally, which must not wait for anybody",
  ]);
});
