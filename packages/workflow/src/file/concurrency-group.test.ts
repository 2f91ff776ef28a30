import { expect, it } from "vitest";
import { parseWorkflow } from "./parse-workflow.ts";
import { formatProblem } from "@agentcore/yaml-file";

async function parsed(group: string) {
  const step = '{ worker: shell, instructions: "true", capabilities: [read] }';
  const text = `name: w\nversion: "1"\ntimeout: 5m\nconcurrency_group: ${group}\ninputs: { to: {} }\nsteps:\n  a: ${step}\n`;
  const result = await parseWorkflow({
    file: "/w/main.yaml",
    readFile: async (path) => (path === "/w/main.yaml" ? text : null),
  });
  if (result.ok) return result.workflow.group;
  return result.problems.map((problem) => formatProblem(problem).replace("/w/main.yaml:", ""));
}

it("a concurrency group is a name, or a name and what happens while it is busy", async () => {
  expect(await parsed('"deploy-${{ inputs.to }}"')).toEqual({
    name: "deploy-${{ inputs.to }}",
    whenBusy: "wait",
  });
  expect(await parsed("{ name: x, when_busy: cancel_other }")).toEqual({
    name: "x",
    whenBusy: "cancel_other",
  });
  expect(await parsed("{ name: x }")).toEqual({ name: "x", whenBusy: "wait" });
});

it("a concurrency group is refused with what it cannot know or do", async () => {
  expect(await parsed('"${{ inputs.too }}"')).toEqual([
    '4:20: concurrency_group: there is no input "too"; did you mean "to"?',
  ]);
  expect(await parsed('{ name: "${{ matrix.x }}" }')).toEqual([
    expect.stringContaining('concurrency_group.name: "matrix.x" cannot be used here'),
  ]);
  expect(await parsed("{ name: x, when_busy: queue }")).toHaveLength(1);
});
