import type { StepReport } from "@agentcore/workflow";
import { describe, expect, it } from "vitest";
import { textOf } from "../screen/line.ts";
import { junitReport } from "./junit.ts";
import { stepLine, stepTable, summary } from "./workflow-screen.ts";

const step = (rest: Partial<StepReport>): StepReport => ({
  id: "build",
  status: "SUCCEEDED",
  reason: "",
  errorClass: null,
  code: null,
  attempts: 1,
  iterations: 1,
  loops: false,
  startedAt: 1_700_000_000_000,
  endedAt: 1_700_000_002_300,
  costUsd: 0,
  tokens: 0,
  artifacts: [],
  ...rest,
});
const result = (steps: readonly StepReport[]) => ({
  run: "run-1",
  outcome: "FAILED" as const,
  reason: 'step "b" failed',
  code: null,
  steps,
  spent: { costUsd: 0.5, tokens: 10 },
  startedAt: 1_700_000_000_000,
  endedAt: 1_700_000_005_000,
});

describe("a step's line", () => {
  it.each<[Partial<StepReport>, string]>([
    [{}, "PASS       build  2.3s"],
    [{ status: "RUNNING", endedAt: null }, "RUNNING    build"],
    [{ status: "RUNNING", loops: true, iterations: 3, endedAt: null }, "RUNNING    build  iteration 3"],
    [{ status: "RUNNING", attempts: 2, endedAt: null }, "RUNNING    build  attempt 2"],
    [{ loops: true, iterations: 3, costUsd: 0.25 }, "PASS       build  (3 iterations)  2.3s  $0.2500"],
    [{ status: "FAILED", reason: "no\nway" }, "FAIL       build  2.3s  no way"],
    [
      { status: "SKIPPED", startedAt: null, endedAt: null, reason: "its condition is false" },
      "SKIP       build  its condition is false",
    ],
    [{ status: "INCOMPLETE", loops: true, reason: "left" }, "INCOMPLETE build  (1 iteration)  2.3s  left"],
    [{ status: "CANCELLED", reason: "stop" }, "CANCELLED  build  2.3s  stop"],
  ])("for %j is %j", (rest, line) => {
    expect(textOf(stepLine(step(rest)))).toBe(line);
  });
});

it("the table and the summary say how each step and the run ended", () => {
  const steps = [
    step({ id: "a", loops: true, iterations: 2 }),
    step({ id: "b", status: "FAILED", reason: "exit code 1" }),
  ];
  expect(stepTable(steps).map(textOf)[1]).toMatch(/^PASS {4}a \(2 iterations\) +2\.3s/);
  const lines = summary(result(steps)).map(textOf);
  expect(lines).toContain("Workflow: FAILED  (5s)  $0.5000  run run-1");
  expect(lines.at(-1)).toBe('step "b" failed');
});

it("the JUnit report has a case for each step, and holds any text", () => {
  const steps = [
    step({ id: "a" }),
    step({ id: "b<c>", status: "FAILED", reason: 'said "no" & left\u0007', errorClass: "task_failed" }),
    step({ id: "d", status: "SKIPPED", reason: "x", startedAt: null, endedAt: null }),
    step({ id: "e", status: "CANCELLED", reason: "y" }),
  ];
  expect(junitReport("ci", result(steps)).split("\n")).toEqual([
    '<?xml version="1.0" encoding="UTF-8"?>',
    "<testsuites>",
    '<testsuite name="ci" tests="4" failures="1" errors="1" skipped="1" time="5.000" timestamp="2023-11-14T22:13:20.000Z">',
    '<testcase classname="ci" name="a" time="2.300"/>',
    '<testcase classname="ci" name="b&lt;c&gt;" time="2.300"><failure type="task_failed" message="said &quot;no&quot; &amp; left"/></testcase>',
    '<testcase classname="ci" name="d" time="0.000"><skipped message="x"/></testcase>',
    '<testcase classname="ci" name="e" time="2.300"><error type="cancelled" message="y"/></testcase>',
    "</testsuite>",
    "</testsuites>",
    "",
  ]);
});
