/**
 * The states of a step instance. Only `transition` changes them; it is pure, and an event that does not fit the state is
 * ignored, so that a journal read twice gives the same state.
 *
 * | state      | meaning                                              | leaves by                                        |
 * | ---------- | ---------------------------------------------------- | ------------------------------------------------ |
 * | `waiting`  | its dependencies have not ended                       | `work_started`, `approval_asked`, `skipped`, …   |
 * | `expanded` | the instances of its matrix took its place             | `joined`: all of them have ended                 |
 * | `ready`    | its next piece (work or check) may start              | `work_started`, `check_started`, `cancelled`     |
 * | `working`  | an attempt at one iteration is a job                  | `work_ended`, `interrupted`                      |
 * | `checking` | the completion check of an iteration is a job         | `check_ended`, `interrupted`                     |
 * | `awaiting` | somebody has to approve it                            | `approval_answered`, `cancelled`                 |
 * | `ended`    | one final status                                      | `reset`: somebody retries the run                |
 */
import type { ConvergenceRules, EndedStatus, PlanStep, StepStatus } from "./plan-step.ts";

/** The position of a step in its loop; carried from piece to piece. */
export interface Progress {
  /** From 1. */
  readonly iteration: number;
  /** Attempts at this iteration so far, including the running one. */
  readonly attempt: number;
  /** Attempts of all iterations, for the record. Numbers are never reused. */
  readonly attemptsInAll: number;
  /** Undecided checks of this iteration so far. */
  readonly undecided: number;
  /** Stage of convergence, from 0; its text is appended to the instructions. */
  readonly stage: number;
  /** The last set of fingerprints, sorted, and how often in a row it returned. */
  readonly fingerprints: readonly string[];
  readonly sameFor: number;
}

/** A further attempt that waits for its time. */
export interface Retry {
  /** Wall clock, in ms. */
  readonly at: number;
  /** Why the attempt before it failed. */
  readonly reason: string;
}

export type StepState =
  /** `progress`: set for a step that was reset. */
  | { readonly kind: "waiting"; readonly progress?: Progress }
  | { readonly kind: "expanded"; readonly progress?: Progress }
  | {
      readonly kind: "ready";
      readonly piece: "work" | "check";
      readonly progress: Progress;
      /** It may not start before, after a failure. */
      readonly retry?: Retry;
    }
  | { readonly kind: "working"; readonly jobId: string; readonly progress: Progress }
  | { readonly kind: "checking"; readonly jobId: string; readonly progress: Progress }
  /** `waitId`: what an answer refers to. */
  | { readonly kind: "awaiting"; readonly waitId: string; readonly progress: Progress }
  | {
      readonly kind: "ended";
      readonly status: EndedStatus;
      readonly reason: string;
      readonly progress: Progress;
      /** Its dependents may run. */
      readonly passes: boolean;
    };

export type EndedState = Extract<StepState, { readonly kind: "ended" }>;

export type WorkOutcome = "succeeded" | "failed" | "cancelled";
/** `failed`: decided, but the step cannot count as succeeded, for example because an output is missing. */
export type CheckDecision = "complete" | "incomplete" | "undecided" | "failed";

export type ApprovalDecision = "approved" | "rejected" | "timed_out";

export type StepEvent =
  | { readonly type: "work_started"; readonly jobId: string }
  | {
      readonly type: "work_ended";
      readonly outcome: WorkOutcome;
      readonly reason: string;
      /** Why a succeeded attempt counts as a failed iteration, such as a change outside `allowed_paths`. */
      readonly violations: readonly string[];
      /** A failure after which nothing is tried again: for this step, or for the whole run. */
      readonly final?: "step" | "run";
      /** With a failure that is followed by another attempt: when that one may start, on the wall clock. */
      readonly retryAt?: number;
      /** With a success: it did not run, and the result in the cache is that of the whole step. */
      readonly cached?: true;
    }
  | { readonly type: "check_started"; readonly jobId: string }
  | {
      readonly type: "check_ended";
      readonly decision: CheckDecision;
      readonly reason: string;
      readonly fingerprints: readonly string[];
      /** With `failed`: stops the run, regardless of the step's rules about failures. */
      readonly final?: "run";
    }
  | { readonly type: "approval_asked"; readonly waitId: string }
  | { readonly type: "approval_answered"; readonly decision: ApprovalDecision; readonly reason: string }
  | { readonly type: "skipped"; readonly reason: string; readonly passes: boolean }
  /** It does not run: an earlier run left what others need of it. */
  | { readonly type: "taken"; readonly reason: string }
  | { readonly type: "cancelled"; readonly reason: string }
  /** It cannot begin, and has failed. */
  | { readonly type: "refused"; readonly reason: string }
  /** Its job was stopped with the run. The piece starts again, and that does not count as a failure. */
  | { readonly type: "interrupted" }
  /** Begins from the start again, in any state. */
  | { readonly type: "reset" };

export const noProgress: Progress = {
  iteration: 1,
  attempt: 0,
  attemptsInAll: 0,
  undecided: 0,
  stage: 0,
  fingerprints: [],
  sameFor: 0,
};

export function transition(step: PlanStep, state: StepState, event: StepEvent): StepState {
  switch (event.type) {
    case "work_started":
      return startWork(state, event.jobId);
    case "check_started":
      return state.kind === "ready" && state.piece === "check"
        ? { kind: "checking", jobId: event.jobId, progress: state.progress }
        : state;
    case "work_ended":
      return state.kind === "working" ? afterWork(step, state.progress, event) : state;
    case "check_ended":
      return state.kind === "checking" ? afterCheck(step, state.progress, event) : state;
    case "approval_asked":
      return state.kind === "waiting"
        ? { kind: "awaiting", waitId: event.waitId, progress: progressOf(state) }
        : state;
    case "approval_answered": {
      if (state.kind !== "awaiting") return state;
      const { decision, reason } = event;
      return decision === "approved"
        ? end("SUCCEEDED", reason, state.progress, true)
        : end("FAILED", reason, state.progress, step.onFailure === "continue");
    }
    case "skipped":
      return state.kind === "waiting"
        ? {
            kind: "ended",
            status: "SKIPPED",
            reason: event.reason,
            progress: progressOf(state),
            passes: event.passes,
          }
        : state;
    case "taken":
      return state.kind === "waiting" ? end("SUCCEEDED", event.reason, progressOf(state), true) : state;
    case "refused":
      return state.kind === "waiting"
        ? end("FAILED", event.reason, progressOf(state), step.onFailure === "continue")
        : state;
    case "cancelled":
      return state.kind === "ended" ? state : end("CANCELLED", event.reason, progressOf(state), false);
    case "interrupted":
      return interrupted(state);
    case "reset":
      return state.kind === "ended" ? { kind: "waiting", progress: restarted(state.progress) } : state;
  }
}

function interrupted(state: StepState): StepState {
  const { kind } = state;
  if (kind === "checking") return { kind: "ready", piece: "check", progress: state.progress };
  if (kind !== "working") return state;
  const { progress } = state;
  return { kind: "ready", piece: "work", progress: { ...progress, attempt: progress.attempt - 1 } };
}

/** Numbers of attempts are never reused. */
export function restarted({ attemptsInAll }: Progress): Progress {
  return { ...noProgress, attemptsInAll };
}

function startWork(state: StepState, jobId: string): StepState {
  const begins = state.kind === "waiting" || (state.kind === "ready" && state.piece === "work");
  if (!begins) return state;
  const before = progressOf(state);
  const progress = { ...before, attempt: before.attempt + 1, attemptsInAll: before.attemptsInAll + 1 };
  return { kind: "working", jobId, progress };
}

function afterWork(
  step: PlanStep,
  progress: Progress,
  event: Extract<StepEvent, { type: "work_ended" }>,
): StepState {
  switch (event.outcome) {
    case "cancelled":
      return end("CANCELLED", event.reason, progress, false);
    case "failed":
      if (event.final === undefined && progress.attempt <= step.maxRetries)
        return { kind: "ready", piece: "work", progress, ...retryOf(event) };
      return end("FAILED", event.reason, progress, event.final !== "run" && step.onFailure === "continue");
    case "succeeded":
      if (event.violations.length > 0) return nextIteration(step, progress, event.violations, event.reason);
      if (step.loop === null || event.cached === true) return end("SUCCEEDED", event.reason, progress, true);
      return { kind: "ready", piece: "check", progress };
  }
}

function retryOf({ retryAt, reason }: { readonly retryAt?: number; readonly reason: string }) {
  return retryAt === undefined ? {} : { retry: { at: retryAt, reason } };
}

function afterCheck(
  step: PlanStep,
  progress: Progress,
  event: Extract<StepEvent, { type: "check_ended" }>,
): StepState {
  switch (event.decision) {
    case "complete":
      return end("SUCCEEDED", event.reason, progress, true);
    case "incomplete":
      return nextIteration(step, progress, event.fingerprints, event.reason);
    case "failed":
      return end("FAILED", event.reason, progress, event.final !== "run" && step.onFailure === "continue");
    case "undecided": {
      const undecided = progress.undecided + 1;
      if (undecided < (step.loop?.undecidedMax ?? 1)) {
        return { kind: "ready", piece: "check", progress: { ...progress, undecided } };
      }
      const reason = `the completion check did not decide: ${event.reason}`;
      return end("FAILED", reason, { ...progress, undecided }, step.onFailure === "continue");
    }
  }
}

/** After an iteration that did not complete the step: another one, at a higher stage if nothing changed, or the end. */
function nextIteration(
  step: PlanStep,
  progress: Progress,
  fingerprints: readonly string[],
  reason: string,
): StepState {
  const converging = observe(step.loop?.convergence ?? null, progress, fingerprints);
  if (converging.gaveUp) {
    return end(
      "FAILED",
      `no progress at the last stage: ${reason}`,
      converging.progress,
      step.onFailure === "continue",
    );
  }
  const maxIterations = step.loop?.maxIterations ?? 1;
  if (progress.iteration >= maxIterations) {
    const text = `not complete after ${maxIterations} iterations: ${reason}`;
    return step.loop?.onExhausted === "continue"
      ? end("INCOMPLETE", text, converging.progress, true)
      : end("FAILED", text, converging.progress, step.onFailure === "continue");
  }
  const next = { ...converging.progress, iteration: progress.iteration + 1, attempt: 0, undecided: 0 };
  return { kind: "ready", piece: "work", progress: next };
}

function observe(rules: ConvergenceRules | null, progress: Progress, seen: readonly string[]) {
  if (rules === null || seen.length === 0) {
    return { gaveUp: false, progress: { ...progress, fingerprints: [], sameFor: 0 } };
  }
  const fingerprints = [...new Set(seen)].sort();
  const same = fingerprints.join("\n") === progress.fingerprints.join("\n");
  const sameFor = same ? progress.sameFor + 1 : 1;
  if (sameFor < rules.stallThreshold) {
    return { gaveUp: false, progress: { ...progress, fingerprints, sameFor } };
  }
  if (progress.stage >= rules.maxStage) {
    return { gaveUp: rules.failOnMaxStage, progress: { ...progress, fingerprints, sameFor } };
  }
  // The count starts again at the higher stage, which gets its own chance.
  return { gaveUp: false, progress: { ...progress, stage: progress.stage + 1, fingerprints, sameFor: 0 } };
}

export function progressOf(state: StepState): Progress {
  return state.progress ?? noProgress;
}

function end(status: EndedStatus, reason: string, progress: Progress, passes: boolean): StepState {
  return { kind: "ended", status, reason, progress, passes };
}

/** The status that people see. */
export function statusOf(state: StepState): StepStatus {
  switch (state.kind) {
    case "waiting":
      return "PENDING";
    case "expanded":
      return "RUNNING";
    case "ready":
      return "READY";
    case "working":
      return "RUNNING";
    case "checking":
      return "CHECKING";
    case "awaiting":
      return "WAITING";
    case "ended":
      return state.status;
  }
}
