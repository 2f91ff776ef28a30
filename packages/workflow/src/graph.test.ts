import { describe, expect, it } from "vitest";
import { nodesWithin, workflowGraph } from "./graph.ts";
import {
  shellStep,
  shellWork,
  subWorkflow,
  testLoop,
  testStep,
  testWorkflow,
} from "./testing/test-workflow.ts";

describe("the way between two steps says", () => {
  const cases = [
    ["nothing where the first has to succeed", {}, {}, { label: null, conditional: false }],
    [
      "the condition that looks at the first",
      {},
      { condition: "steps.a.status == 'FAILED'" },
      { label: "steps.a.status == 'FAILED'", conditional: true },
    ],
    [
      "the status function that decides after it",
      {},
      { condition: "failure()" },
      { label: "failure()", conditional: true },
    ],
    [
      "nothing of a condition that looks elsewhere",
      {},
      { condition: "inputs.x" },
      { label: null, conditional: true },
    ],
    [
      "that a failure does not stop it",
      { onFailure: "continue" },
      {},
      { label: "even after a failure", conditional: false },
    ],
    [
      "that used up iterations do not stop it",
      { loop: { ...testLoop(shellWork("true")), onExhausted: "continue" } },
      {},
      { label: "even when incomplete", conditional: false },
    ],
  ] as const;
  it.each(cases)("%s", (_what, first, second, way) => {
    const steps = [shellStep("a", "true", first), shellStep("b", "true", { ...second, dependsOn: ["a"] })];
    expect(workflowGraph(testWorkflow(steps)).edges).toEqual([{ from: "a", to: "b", ...way }]);
  });
});

it("a condition stands at its step where no way shows it", () => {
  const steps = [
    shellStep("a", "true", { condition: "inputs.x" }),
    shellStep("b", "true", { dependsOn: ["a"], condition: "steps.a.status == 'FAILED'" }),
  ];
  expect(workflowGraph(testWorkflow(steps)).nodes.map(({ condition }) => condition)).toEqual([
    "inputs.x",
    null,
  ]);
});

it("sub-workflows are graphs inside their step, however deep, and a matrix is counted", () => {
  const innermost = testWorkflow([shellStep("x", "true"), shellStep("y", "true", { dependsOn: ["x"] })], {
    name: "innermost",
  });
  const middle = testWorkflow([testStep("m", subWorkflow(innermost))], { name: "middle" });
  const matrix = new Map([
    ["os", ["a", "b"]],
    ["node", ["20", "22", "24"]],
  ]);
  const graph = workflowGraph(testWorkflow([testStep("top", subWorkflow(middle), { matrix })]));
  expect(nodesWithin(graph).map(({ path, worker, instances }) => [path, worker, instances])).toEqual([
    ["top", "middle", 6],
    ["top/m", "innermost", 1],
    ["top/m/x", "shell", 1],
    ["top/m/y", "shell", 1],
  ]);
  expect(graph.nodes[0]?.inner?.nodes[0]?.inner?.edges).toMatchObject([{ from: "top/m/x", to: "top/m/y" }]);
});
