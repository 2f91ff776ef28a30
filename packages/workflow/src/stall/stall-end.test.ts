import type { WorkerResult } from "@agentcore/contract";
import { testResult } from "@agentcore/scheduler/testing";
import { describe, expect, it } from "vitest";
import type { Stall } from "../definition.ts";
import { testReaction, testStall } from "../testing/test-workflow.ts";
import { stallEnd, type StallEnd } from "./stall-end.ts";

const common = { outcome: "stalled", errorClass: "stalled", summary: "it stood still" } as const;
const silent = testResult({ ...common, code: "AC_STALLED" });
const found = {
  by: "answer" as const,
  fingerprints: ["db/locked"],
  reasons: ["no row"],
  summary: null,
};
const stalled = testResult({ ...common, code: "AC_PROBE_STALLED", probe: { ...found, class: "stalled" } });
const terminal = testResult({ ...common, code: "AC_PROBE_TERMINAL", probe: { ...found, class: "terminal" } });

const stall = testStall({
  onStall: testReaction({ fingerprintPrefix: ["phase/build"] }),
  onTerminal: testReaction({ action: "fail", errorClass: "NON_RETRYABLE" }),
});

describe("the end of a job that stood still", () => {
  it.each<[string, WorkerResult, Stall | null, Partial<StallEnd>]>([
    [
      "silence, without a guard",
      silent,
      null,
      {
        trigger: "no_output",
        action: "interrupt",
        errorClass: "stalled",
        fingerprints: ["stall/no-output"],
        reasons: ["it stood still"],
      },
    ],
    [
      "silence, by on_stall",
      silent,
      stall,
      { trigger: "no_output", fingerprints: ["phase/build", "stall/no-output"], asIncomplete: false },
    ],
    [
      "no progress, by on_stall, with what the probe found",
      stalled,
      stall,
      {
        trigger: "no_progress",
        action: "interrupt",
        fingerprints: ["phase/build", "stall/no-progress", "db/locked"],
        reasons: ["no row"],
      },
    ],
    [
      "a terminal state, by on_terminal",
      terminal,
      stall,
      {
        trigger: "terminal",
        action: "fail",
        errorClass: "NON_RETRYABLE",
        fingerprints: ["stall/terminal", "db/locked"],
      },
    ],
    [
      "silence beyond the runtime's limit, where the guard ignores it",
      silent,
      testStall({ onStall: testReaction({ action: "ignore" }) }),
      { action: "interrupt" },
    ],
  ])("%s", (_what, result, guard, expected) => {
    expect(stallEnd(result, guard)).toMatchObject(expected);
  });

  it.each([null, testResult(), testResult({ outcome: "failed", errorClass: "timeout", code: "AC_TIMEOUT" })])(
    "is not that of any other job",
    (result) => {
      expect(stallEnd(result, stall)).toBeNull();
    },
  );
});

it.each<[action: "interrupt" | "fail", errorClass: string | null, final: "step" | "run" | undefined]>([
  ["interrupt", null, undefined],
  ["interrupt", "RETRYABLE_TRANSIENT", undefined],
  ["interrupt", "hung", undefined],
  ["interrupt", "task_failed", undefined],
  ["interrupt", "NON_RETRYABLE", "step"],
  ["interrupt", "auth", "step"],
  ["interrupt", "FATAL", "run"],
  ["fail", null, "step"],
  ["fail", "RETRYABLE_TRANSIENT", "step"],
  ["fail", "FATAL", "run"],
])("action %s with the error_class %s is final for %s", (action, errorClass, final) => {
  const guard = testStall({ onStall: testReaction({ action, errorClass }) });
  expect(stallEnd(silent, guard)?.final).toBe(final);
});
