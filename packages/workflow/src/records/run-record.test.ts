import { expect, it } from "vitest";
import { stepInstances } from "../plan/step-instance.ts";
import type { StepEvent } from "../plan/step-state.ts";
import { shellStep, testWorkflow } from "../testing/test-workflow.ts";
import type { RunCreated, RunEntry } from "./entry-types.ts";
import { durationMsOf, stepReport } from "./record-files.ts";
import { foldEntry, newRecord } from "./run-record.ts";

const workflow = testWorkflow([
  shellStep("first", "true"),
  shellStep("long", "true"),
  shellStep("ask", "true", { action: { kind: "approval", message: "?", who: [], timeoutMs: null } }),
]);
const instances = stepInstances(workflow, {});
const created: RunCreated = {
  type: "created",
  version: 1,
  at: 0,
  name: "w",
  file: workflow.file,
  hash: workflow.hash,
  workspace: "/w",
  contextDir: "/w/context",
  inputs: {},
  budget: null,
  parent: null,
  root: null,
  base: null,
  startBranch: null,
  timeoutMs: 1000,
  caller: null,
};
const of = (at: number, step: string, event: StepEvent): RunEntry => ({
  type: "event",
  at,
  event: { type: "step", step, event },
});
const succeeded = { type: "work_ended", outcome: "succeeded", reason: "", violations: [] } as const;

it("the time of a step and of the run leaves out when no process worked on it", () => {
  const record = newRecord(
    instances.map(({ plan }) => plan),
    created,
  );
  const approval = { waitId: "w", message: "?", who: [], expiresAt: null };
  const asked = { ...of(20, "ask", { type: "approval_asked", waitId: "w" }), approval } as RunEntry;
  const entries: RunEntry[] = [
    of(0, "first", { type: "work_started", jobId: "1" }),
    of(10, "first", succeeded),
    of(15, "long", { type: "work_started", jobId: "2" }),
    asked,
    of(25, "long", { type: "interrupted" }),
    { type: "interrupted", at: 25, message: "Ctrl-C" },
    { type: "resumed", at: 1000 },
    of(1000, "long", { type: "work_started", jobId: "3" }),
    of(1005, "long", succeeded),
    of(1010, "ask", { type: "approval_answered", decision: "approved", reason: "" }),
    { type: "event", at: 1010, event: { type: "run_ended", outcome: "SUCCEEDED" } },
  ];
  for (const entry of entries) foldEntry(record, entry);
  const durations = instances.map((instance) => durationMsOf(stepReport(record, instance)));
  expect(durations).toEqual([10, 15, 990]);
  expect(record).toMatchObject({ endedAt: 1010, downtimeMs: 975 });
  foldEntry(record, { type: "event", at: 2010, event: { type: "retried", steps: ["long"] } });
  expect(record.downtimeMs).toBe(1975);
});
