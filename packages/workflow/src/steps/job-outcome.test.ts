import type { WorkerResult } from "@agentcore/contract";
import type { JobEnd } from "@agentcore/scheduler";
import { testResult } from "@agentcore/scheduler/testing";
import { describe, expect, it } from "vitest";
import type { Stall, StallReaction } from "../definition.ts";
import { testReaction, testStall } from "../testing/test-workflow.ts";
import { workEnd, type WorkEnd } from "./job-outcome.ts";

const end = (state: JobEnd["state"], result: Partial<WorkerResult> | null): JobEnd => ({
  jobId: "j",
  state,
  reason: state === "succeeded" ? null : { code: "AC_X", message: "why", evidence: {} },
  result: result === null ? null : testResult(result),
  attempts: 1,
  spent: { costUsd: 0, tokens: 0 },
});
const refused = (code: string, result: Partial<WorkerResult> | null): JobEnd => ({
  ...end("dead", result),
  reason: { code, message: "why", evidence: {} },
});
const stall = (rest: Partial<StallReaction>): Stall =>
  testStall({ onStall: testReaction({ errorClass: "hung", fingerprintPrefix: ["quiet"], ...rest }) });
const failure = {
  outcome: "failed",
  errorClass: "task_failed",
  code: "AC_WORKER_EXIT",
  exitCode: 3,
  summary: "no",
} as const;
const silence = {
  outcome: "stalled",
  errorClass: "stalled",
  code: "AC_STALLED",
  exitCode: null,
  summary: "silent",
} as const;

describe("the end of a job, as the end of an attempt", () => {
  it.each<[string, JobEnd, Stall | null, Partial<WorkEnd>]>([
    [
      "a success",
      end("succeeded", { summary: "done" }),
      null,
      { outcome: "succeeded", reason: "done", errorClass: null },
    ],
    [
      "a cancel says who asked",
      end("cancelled", { summary: "half" }),
      null,
      { outcome: "cancelled", reason: "why" },
    ],
    [
      "a failure says exit code and code",
      end("dead", failure),
      null,
      { outcome: "failed", reason: "exit code 3: no (AC_WORKER_EXIT)", errorClass: "task_failed" },
    ],
    [
      "a refusal has no result",
      end("dead", null),
      null,
      { outcome: "failed", reason: "why (AC_X)", errorClass: null },
    ],
    [
      "a refusal for lack of budget is the budget's",
      refused("AC_BUDGET_TOKENS", null),
      null,
      { reason: "why (AC_BUDGET_TOKENS)", errorClass: "budget_exhausted", code: "AC_BUDGET_TOKENS" },
    ],
    [
      "a loss that used up the ceiling is the budget's",
      refused("AC_COST_CEILING", { outcome: "lost", errorClass: "lost", code: "AC_RUNTIME_LOST" }),
      null,
      { reason: "why (AC_COST_CEILING)", errorClass: "budget_exhausted", code: "AC_COST_CEILING" },
    ],
    [
      "silence is a failure",
      end("dead", silence),
      null,
      { outcome: "failed", errorClass: "stalled", violations: [] },
    ],
    [
      "silence has the class that the step names",
      end("dead", silence),
      stall({}),
      { outcome: "failed", errorClass: "hung" },
    ],
    [
      "silence may count as an iteration that failed",
      end("dead", silence),
      stall({ asIncomplete: true }),
      { outcome: "succeeded", violations: ["quiet", "stall/no-output"], code: "AC_STALLED" },
    ],
    [
      "silence may fail the step for good",
      end("dead", silence),
      stall({ action: "fail" }),
      { outcome: "failed", final: "step", reason: "silent (AC_STALLED)" },
    ],
  ])("%s", (_name, job, rules, expected) => {
    expect(workEnd(job, rules)).toMatchObject(expected);
  });
});
