import type { StepReport } from "@agentcore/workflow";
import { describe, expect, it } from "vitest";
import { textOf } from "../screen/line.ts";
import { testReport as step, testRunResult as result } from "../testing/workflow-run.ts";
import { stepLine, stepTable, summary } from "./workflow-screen.ts";

const asked = { message: "Ship\nit?", who: ["ann"], expiresAt: null, answer: null };

describe("a step's line", () => {
  it.each<[Partial<StepReport>, string]>([
    [{}, "PASS       build  2.3s"],
    [{ status: "RUNNING", endedAt: null }, "RUNNING    build"],
    [{ status: "RUNNING", loops: true, iterations: 3, endedAt: null }, "RUNNING    build  iteration 3"],
    [
      { status: "READY", retryAt: 1_700_000_024_100, endedAt: null, reason: "exit\ncode 1" },
      "READY      build  attempt 2 in 25s  exit code 1",
    ],
    [{ status: "RUNNING", attempts: 2, endedAt: null }, "RUNNING    build  attempt 2"],
    [{ loops: true, iterations: 3, costUsd: 0.25 }, "PASS       build  (3 iterations)  2.3s  $0.2500"],
    [{ status: "FAILED", reason: "no\nway" }, "FAIL       build  2.3s  no way"],
    [
      { status: "SKIPPED", startedAt: null, endedAt: null, reason: "condition not met" },
      "SKIP       build  condition not met",
    ],
    [{ status: "INCOMPLETE", loops: true, reason: "left" }, "INCOMPLETE build  (1 iteration)  2.3s  left"],
    [{ status: "CANCELLED", reason: "stop" }, "CANCELLED  build  2.3s  stop"],
    [
      { id: "ok[env=prod]", status: "WAITING", approval: asked, endedAt: null },
      "WAITING    ok[env=prod]  Ship it?  agentcore workflow approve run-1 'ok[env=prod]'  (or reject)",
    ],
    [
      { taken: true, startedAt: null, endedAt: null, reason: "taken from an earlier run" },
      "SKIP       build  taken from an earlier run",
    ],
    [{ approval: asked, reason: "approved by ann: fine" }, "PASS       build  2.3s  approved by ann: fine"],
  ])("for %j is %j", (rest, line) => {
    expect(textOf(stepLine(step(rest), 1_700_000_000_000, "run-1"))).toBe(line);
  });
});

it("the summary shows what failed steps printed last, their job and their log", () => {
  const steps = [
    step({ id: "a", status: "FAILED", jobId: "job-1", log: "/logs/stderr.log", output: "one\ntwo" }),
    step({ id: "b", output: "nobody asks" }),
  ];
  const lines = summary(result(steps)).map(textOf);
  const at = lines.indexOf("a  job job-1, log /logs/stderr.log");
  expect(lines.slice(at + 1, at + 3)).toEqual(["  | one", "  | two"]);
  expect(lines.join("\n")).not.toContain("nobody asks");
});

it("the table and the summary say how each step and the run ended", () => {
  const steps = [
    step({ id: "a", loops: true, iterations: 2 }),
    step({ id: "b", status: "FAILED", reason: "exit code 1" }),
  ];
  expect(stepTable(steps).map(textOf)[1]).toMatch(/^PASS {4}a \(2 iterations\) +2\.3s/);
  const lines = summary(result(steps)).map(textOf);
  expect(lines).toContain("Workflow: FAILED  (5s)  $0.5000  run run-1");
  expect(lines.slice(-2)).toEqual([
    'step "b" failed',
    "begin what failed again: agentcore workflow retry run-1",
  ]);
});
