import { describe, expect, it } from "vitest";
import type { PlanStep } from "./plan-step.ts";
import { statusOf, transition, type StepEvent, type StepState } from "./step-state.ts";

const plain: PlanStep = {
  id: "a",
  dependsOn: [],
  maxRetries: 0,
  onFailure: "abort",
  loop: null,
  spends: false,
};
const looping: PlanStep = {
  ...plain,
  loop: { maxIterations: 3, onExhausted: "abort", undecidedMax: 2, convergence: null },
};
const converging: PlanStep = {
  ...plain,
  loop: {
    maxIterations: 20,
    onExhausted: "abort",
    undecidedMax: 2,
    convergence: { stallThreshold: 2, maxStage: 2, failOnMaxStage: true },
  },
};

const started: StepEvent = { type: "work_started", jobId: "j" };
const worked: StepEvent = { type: "work_ended", outcome: "succeeded", reason: "", violations: [] };
const failed: Extract<StepEvent, { type: "work_ended" }> = {
  type: "work_ended",
  outcome: "failed",
  reason: "broken",
  violations: [],
};
const checking: StepEvent = { type: "check_started", jobId: "c" };
const decided = (
  decision: "complete" | "incomplete" | "undecided",
  fingerprints: string[] = [],
): StepEvent => ({
  type: "check_ended",
  decision,
  reason: decision,
  fingerprints,
});

function live(step: PlanStep, events: readonly StepEvent[]): StepState {
  return events.reduce<StepState>((state, event) => transition(step, state, event), { kind: "waiting" });
}

/** One whole iteration that is checked and found incomplete, with these fingerprints. */
const around = (...fingerprints: string[]) => [
  started,
  worked,
  checking,
  decided("incomplete", fingerprints),
];

describe("a step", () => {
  it.each<[string, PlanStep, readonly StepEvent[], string, boolean]>([
    ["that works", plain, [started, worked], "SUCCEEDED", true],
    ["that fails", plain, [started, failed], "FAILED", false],
    ["that may fail", { ...plain, onFailure: "continue" }, [started, failed], "FAILED", true],
    [
      "that works at the second try",
      { ...plain, maxRetries: 1 },
      [started, failed, started, worked],
      "SUCCEEDED",
      true,
    ],
    [
      "that fails twice with one retry",
      { ...plain, maxRetries: 1 },
      [started, failed, started, failed],
      "FAILED",
      false,
    ],
    [
      "that fails for good, whatever retries it has",
      { ...plain, maxRetries: 3, onFailure: "continue" },
      [started, { ...failed, final: "step" }],
      "FAILED",
      true,
    ],
    [
      "that fails fatally, though it may fail",
      { ...plain, maxRetries: 3, onFailure: "continue" },
      [started, { ...failed, final: "run" }],
      "FAILED",
      false,
    ],
    [
      "whose check fails fatally, though it may fail",
      { ...looping, onFailure: "continue" },
      [
        started,
        worked,
        checking,
        { type: "check_ended", decision: "failed", reason: "", fingerprints: [], final: "run" },
      ],
      "FAILED",
      false,
    ],
    [
      "that is cancelled",
      plain,
      [started, { type: "work_ended", outcome: "cancelled", reason: "", violations: [] }],
      "CANCELLED",
      false,
    ],
    ["whose condition is false", plain, [{ type: "skipped", reason: "", passes: true }], "SKIPPED", true],
    ["complete at once", looping, [started, worked, checking, decided("complete")], "SUCCEEDED", true],
    [
      "complete at the third iteration",
      looping,
      [...around(), ...around(), started, worked, checking, decided("complete")],
      "SUCCEEDED",
      true,
    ],
    ["never complete", looping, [...around(), ...around(), ...around()], "FAILED", false],
    [
      "never complete, which is allowed",
      { ...looping, loop: { ...looping.loop!, onExhausted: "continue" } },
      [...around(), ...around(), ...around()],
      "INCOMPLETE",
      true,
    ],
    [
      "whose check never decides",
      looping,
      [started, worked, checking, decided("undecided"), checking, decided("undecided")],
      "FAILED",
      false,
    ],
    [
      "whose check decides at the second try",
      looping,
      [started, worked, checking, decided("undecided"), checking, decided("complete")],
      "SUCCEEDED",
      true,
    ],
  ])("%s ends as it should", (_name, step, events, status, passes) => {
    expect(live(step, events)).toMatchObject({ kind: "ended", status, passes });
  });

  it("does not count failures of one iteration against the next", () => {
    const step = { ...looping, maxRetries: 1 };
    const state = live(step, [
      started,
      failed,
      ...around(),
      started,
      failed,
      started,
      worked,
      checking,
      decided("complete"),
    ]);
    expect(state).toMatchObject({ status: "SUCCEEDED", progress: { iteration: 2, attemptsInAll: 4 } });
  });

  it("counts a violation of its allowed paths as an incomplete iteration, without asking the check", () => {
    const state = live(looping, [
      started,
      { type: "work_ended", outcome: "succeeded", reason: "touched x", violations: ["path:x"] },
    ]);
    expect(state).toMatchObject({ kind: "ready", piece: "work", progress: { iteration: 2 } });
  });

  it("raises its stage when the same fingerprints come back, and starts counting anew", () => {
    expect(live(converging, [...around("a", "b"), ...around("b", "a")])).toMatchObject({
      progress: { stage: 1, sameFor: 0 },
    });
    expect(live(converging, [...around("a"), ...around("b"), ...around("a")])).toMatchObject({
      progress: { stage: 0, sameFor: 1 },
    });
  });

  it("gives up when nothing moves at the last stage", () => {
    const same = Array.from({ length: 6 }, () => around("a")).flat();
    const state = live(converging, same);
    expect(state).toMatchObject({ kind: "ended", status: "FAILED", progress: { stage: 2 } });
    expect(state.kind === "ended" && state.reason).toContain("no progress at the last stage");
  });

  it("ignores events that do not fit, so that a journal may be read twice", () => {
    const ended = live(plain, [started, worked]);
    for (const event of [
      started,
      worked,
      failed,
      checking,
      decided("complete"),
      { type: "cancelled", reason: "" } as const,
    ]) {
      expect(transition(plain, ended, event)).toBe(ended);
    }
    const waiting: StepState = { kind: "waiting" };
    for (const event of [worked, failed, checking, decided("complete")])
      expect(transition(plain, waiting, event)).toBe(waiting);
  });

  it("shows people one status for each state", () => {
    expect(statusOf({ kind: "waiting" })).toBe("PENDING");
    expect(statusOf(live(plain, [started]))).toBe("RUNNING");
    expect(statusOf(live(looping, [started, worked]))).toBe("READY");
    expect(statusOf(live(looping, [started, worked, checking]))).toBe("CHECKING");
    expect(statusOf(live(plain, [started, worked]))).toBe("SUCCEEDED");
  });
});
