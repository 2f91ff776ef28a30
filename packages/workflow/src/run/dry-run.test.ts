import { expect, it } from "vitest";
import { dryRun } from "./dry-run.ts";
import {
  shellLoop,
  shellStep,
  shellWork,
  subWorkflow,
  testStep,
  testWorkflow,
} from "../testing/test-workflow.ts";

const agent = (id: string, rest = {}) =>
  testStep(id, { kind: "worker", work: shellWork("x", { worker: "codex" }) }, rest);

it("a dry run names each combination, what waits for what, and what a condition about inputs decides", () => {
  const workflow = testWorkflow(
    [
      shellStep("build", "x", { matrix: new Map([["os", ["linux", "mac"]]]) }),
      shellStep("test", "x", { dependsOn: ["build"], loop: shellLoop("x") }),
      shellStep("deploy", "x", { dependsOn: ["test"], condition: "inputs.deploy" }),
      shellStep("rollback", "x", { dependsOn: ["test"], condition: "failure()" }),
      shellStep("report", "x", { dependsOn: ["deploy"], condition: "steps.test.status == 'SUCCEEDED'" }),
      testStep("sub", subWorkflow(testWorkflow([shellStep("in", "x")]))),
    ],
    {
      inputs: new Map([["deploy", { type: "boolean", default: false, required: false, description: null }]]),
    },
  );
  const rounds = (deploy: boolean) =>
    dryRun({ workflow, inputs: { deploy } }).steps.map(({ id, round, skipped }) => [id, round, skipped]);
  expect(rounds(false)).toEqual([
    ["build[os=linux]", 1, null],
    ["build[os=mac]", 1, null],
    ["test", 2, null],
    ["deploy", null, "condition not met: inputs.deploy (inputs.deploy is false)"],
    ["rollback", 4, null],
    ["report", 4, null],
    ["sub", 1, null],
  ]);
  expect(rounds(true)[3]).toEqual(["deploy", 4, null]);
  expect(
    dryRun({ workflow })
      .steps.at(-1)
      ?.inner.map(({ id }) => id),
  ).toEqual(["in"]);
  expect(() => dryRun({ workflow, inputs: { other: 1 } })).toThrow("other");
});

it("a dry run says what each step may spend", () => {
  const workflow = testWorkflow(
    [
      agent("a"),
      agent("b"),
      agent("c", { dependsOn: ["a", "b"], budget: { costUsd: 1, tokens: null } }),
      shellStep("d", "x"),
    ],
    { budget: { costUsd: 8, tokens: null } },
  );
  const shares = dryRun({ workflow }).steps.map(({ id, budget }) => [id, budget?.costUsd ?? null]);
  expect(shares).toEqual([
    ["a", 4],
    ["b", 4],
    ["c", 1],
    ["d", null],
  ]);
});

it("a dry run of many steps takes as many rounds as their concurrency allows", () => {
  const steps = Array.from({ length: 400 }, (_, index) => shellStep(`s${index}`, "x"));
  const { steps: found } = dryRun({ workflow: testWorkflow(steps, { concurrency: 100 }) });
  expect(Math.max(...found.map(({ round }) => round ?? 0))).toBe(4);
});
