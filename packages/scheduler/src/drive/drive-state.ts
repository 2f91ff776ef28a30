/**
 * Decides what the drive loop does next: a pure function of its state and the last event. `DriveLoop` performs the effects
 * and reports their results as further events.
 *
 * ```
 * resting ─► gathering ─► [reconciling] ─► planning ─► writing ─► [holding] ─► resting, or gathering again
 *                ▲              └──────── the store failed ─┴─► backing_off ─┐
 *                └───────────────────────────────────────────────────────────┘
 * ```
 *
 * A turn goes from gathering to resting. Its one call to the store includes all ends of attempts so far; events during the
 * call belong to the next turn.
 */
import { backOffMs } from "@agentcore/contract";
import type { JobRecord } from "../job-record.ts";
import { excludeNothing, type SettledAndClaimed, type Settlement } from "../job-store.ts";
import { deferral } from "./settlement.ts";
import type { ClaimStep } from "./throttle.ts";

export interface DriveState {
  /** The owner that claims; null: claims nothing, and writes the ends of running attempts. */
  readonly owner: string | null;
  /** Ends of attempts that must be written. */
  readonly outbox: readonly Outgoing[];
  readonly wanted: Wanted;
  readonly doubt: Doubt;
  /** Failed turns in a row. */
  readonly failures: number;
  readonly phase: Phase;
}

/** A settlement to write, and the callback for when it is written. */
export interface Outgoing {
  readonly settlement: Settlement;
  readonly written: () => void;
}

/**
 * Whether another turn is needed. `submitted`: this process is submitting jobs, and a claim that follows at once can share their
 * commit.
 */
type Wanted = "nothing" | "turn" | "submitted";

/**
 * Which jobs the store may have given to this owner in a call whose answer was lost. `claims`: those of a failed claim; they are
 * put back. `takeovers`: also those of another owner; recovery must handle them.
 */
type Doubt = "none" | "claims" | "takeovers";

export type Phase =
  /** Until an event wakes it. */
  | { readonly kind: "resting" }
  /** A turn begins: at once, or after one round of the event loop, so that attempts that end together are written together. */
  | { readonly kind: "gathering"; readonly until: "round" | "now" }
  /** The store was asked which jobs this owner runs. */
  | { readonly kind: "reconciling"; readonly doubt: Doubt }
  /** The throttle decides what may be claimed. */
  | { readonly kind: "planning" }
  | Writing
  /** Claimed jobs wait a round: the same commit answers their submitters, which must see all of their events. */
  | { readonly kind: "holding"; readonly call: Writing; readonly answered: Answered }
  /** No call to the store before the timer, regardless of events: a failed call may itself have woken the loop. */
  | { readonly kind: "backing_off" };

/** The store is writing and claiming. */
interface Writing {
  readonly kind: "writing";
  readonly owner: string | null;
  readonly sent: readonly Outgoing[];
  readonly step: ClaimStep | undefined;
  /** Claims to make after this one. */
  readonly later: readonly ClaimStep[];
  readonly isSubmit: boolean;
}

interface Answered {
  readonly answer: SettledAndClaimed;
  /** Wall clock. */
  readonly at: number;
}

export type DriveEvent =
  | { readonly type: "resumed"; readonly owner: string }
  | { readonly type: "paused" }
  /** There may be jobs to claim. `by`: the owner whose claims and settlements are all that changed; null: anything else did. */
  | { readonly type: "woken"; readonly by: string | null }
  | { readonly type: "submitting" }
  | { readonly type: "ended"; readonly outgoing: Outgoing }
  /** The answer to a takeover was lost. */
  | { readonly type: "takeover_unanswered" }
  /** The round of `wait_round` is over. */
  | { readonly type: "round" }
  /** Jobs of this owner in the store that nobody here knows. `isTakingOver`: a takeover is not answered yet. */
  | {
      readonly type: "found";
      readonly unknown: readonly JobRecord[];
      readonly isTakingOver: boolean;
      readonly at: number;
    }
  | { readonly type: "planned"; readonly steps: readonly ClaimStep[] }
  | ({ readonly type: "answered" } & Answered)
  /** The store rejected a call. The call may have taken effect all the same. */
  | { readonly type: "failed"; readonly error: unknown }
  | { readonly type: "retry_due" };

export type DriveEffect =
  | { readonly type: "wait_round"; readonly until: "round" | "now" }
  | { readonly type: "find_unknown"; readonly owner: string }
  /** Recovery handles these. */
  | { readonly type: "inherit"; readonly records: readonly JobRecord[] }
  | { readonly type: "plan" }
  | { readonly type: "write"; readonly call: Writing }
  | {
      readonly type: "tell";
      readonly sent: readonly Outgoing[];
      readonly settled: SettledAndClaimed["settled"];
    }
  | { readonly type: "begin"; readonly record: JobRecord }
  /** `nextRunAt`: when the next delayed job is due, by the wall clock. `hasLooked`: this turn called the store. */
  | { readonly type: "rest"; readonly nextRunAt: number | null; readonly hasLooked: boolean }
  | { readonly type: "cancel_timer" }
  | {
      readonly type: "back_off";
      readonly delayMs: number;
      readonly error: unknown;
      readonly isFirst: boolean;
    };

export interface Transition {
  readonly state: DriveState;
  readonly effects: readonly DriveEffect[];
}

const retryMsMin = 50;
const retryMsMax = 5000;

export const initialState: DriveState = {
  owner: null,
  outbox: [],
  wanted: "nothing",
  doubt: "none",
  failures: 0,
  phase: { kind: "resting" },
};

/** No call is in progress and none is about to begin. */
export function isAtRest({ phase }: DriveState): boolean {
  return phase.kind === "resting" || phase.kind === "backing_off";
}

/** An answer is ignored in a phase that did not ask for it. */
export function next(state: DriveState, event: DriveEvent): Transition {
  const { phase } = state;
  switch (event.type) {
    case "resumed":
      return want({ ...state, owner: event.owner }, "turn");
    case "paused":
      return { state: { ...state, owner: null, doubt: "none" }, effects: [] };
    case "woken":
      return isOwnChange(state, event.by) ? { state, effects: [] } : want(state, "turn");
    case "submitting":
      return want(state, "submitted");
    case "ended":
      return want({ ...state, outbox: [...state.outbox, event.outgoing] }, "turn");
    case "takeover_unanswered":
      return want({ ...state, doubt: "takeovers" }, "turn");
    case "round":
      if (phase.kind === "gathering") return beginTurn(state);
      if (phase.kind === "holding") return takeClaimed(state, phase.call, phase.answered);
      break;
    case "found":
      if (phase.kind === "reconciling") return settleDoubt(state, phase.doubt, event);
      break;
    case "planned":
      if (phase.kind === "planning") return write(state, event.steps);
      break;
    case "answered":
      if (phase.kind === "writing") return takeAnswer(state, phase, event);
      break;
    case "failed":
      return backOff(state, event.error);
    case "retry_due":
      if (phase.kind === "backing_off") return gather(state);
  }
  return { state, effects: [] };
}

/** Whether the change is only that of the call under way. Its claim saw that change and left nothing that could be claimed. */
function isOwnChange({ phase }: DriveState, by: string | null): boolean {
  if (by === null || phase.kind !== "writing" || phase.owner !== by || phase.step === undefined) return false;
  return phase.later.length === 0 && phase.step.exclude === excludeNothing;
}

function want(before: DriveState, wanted: "turn" | "submitted"): Transition {
  const state: DriveState = { ...before, wanted: before.wanted === "submitted" ? "submitted" : wanted };
  const { phase } = state;
  if (phase.kind === "resting") return gather(state);
  const mayHurry = phase.kind === "gathering" && phase.until === "round";
  return mayHurry && isHurried(state) ? gather(state) : { state, effects: [] };
}

/** A claim that begins at once shares the commit of a submit. If an end is waiting, it waits for others. */
function isHurried({ wanted, outbox }: DriveState): boolean {
  return wanted === "submitted" && outbox.length === 0;
}

function gather(state: DriveState): Transition {
  const until = isHurried(state) ? "now" : "round";
  return {
    state: { ...state, phase: { kind: "gathering", until } },
    effects: [{ type: "cancel_timer" }, { type: "wait_round", until }],
  };
}

function beginTurn(state: DriveState): Transition {
  const { owner, doubt } = state;
  if (owner === null || doubt === "none") return plan(state);
  return {
    state: { ...state, doubt: "none", phase: { kind: "reconciling", doubt } },
    effects: [{ type: "find_unknown", owner }],
  };
}

function settleDoubt(
  state: DriveState,
  doubt: Doubt,
  { unknown, isTakingOver, at }: Extract<DriveEvent, { type: "found" }>,
): Transition {
  if (!isTakingOver && doubt !== "takeovers" && state.doubt !== "takeovers")
    return plan(putBack(state, unknown, at, "claimed by a call whose answer was lost"));
  const { state: planning, effects } = plan(state);
  return { state: planning, effects: [{ type: "inherit", records: unknown }, ...effects] };
}

function plan(state: DriveState): Transition {
  if (state.owner === null) return write(state, []);
  return { state: { ...state, phase: { kind: "planning" } }, effects: [{ type: "plan" }] };
}

function write(state: DriveState, steps: readonly ClaimStep[]): Transition {
  const isSubmit = state.wanted === "submitted";
  // A doubt that arose since the call requires another turn.
  const isInDoubt = state.doubt !== "none" && state.owner !== null;
  const begun: DriveState = { ...state, wanted: isInDoubt ? "turn" : "nothing" };
  if (state.outbox.length === 0 && steps.length === 0) return rest(begun, null, false);
  return ask(begun, steps, isSubmit);
}

function ask(state: DriveState, [step, ...later]: readonly ClaimStep[], isSubmit: boolean): Transition {
  const { owner, outbox } = state;
  const call: Writing = { kind: "writing", owner, sent: outbox, step, later, isSubmit };
  return { state: { ...state, outbox: [], phase: call }, effects: [{ type: "write", call }] };
}

function takeAnswer(state: DriveState, call: Writing, { answer, at }: Answered): Transition {
  const tell: DriveEffect = { type: "tell", sent: call.sent, settled: answer.settled };
  if (call.isSubmit && answer.claimed.length > 0) {
    const phase: Phase = { kind: "holding", call, answered: { answer, at } };
    return { state: { ...state, phase }, effects: [tell, { type: "wait_round", until: "round" }] };
  }
  const { state: after, effects } = takeClaimed(state, call, { answer, at });
  return { state: after, effects: [tell, ...effects] };
}

function takeClaimed(state: DriveState, call: Writing, { answer, at }: Answered): Transition {
  const { claimed, nextRunAt } = answer;
  if (state.owner !== call.owner)
    return rest(putBack(state, claimed, at, "claimed while the scheduler was stopping"), nextRunAt, true);
  const begin = claimed.map((record): DriveEffect => ({ type: "begin", record }));
  const isFull = call.step !== undefined && claimed.length >= call.step.limit;
  const after =
    isFull && call.later.length > 0 ? ask(state, call.later, call.isSubmit) : rest(state, nextRunAt, true);
  return { state: after.state, effects: [...begin, ...after.effects] };
}

function rest(state: DriveState, nextRunAt: number | null, hasLooked: boolean): Transition {
  const after: DriveState = { ...state, failures: 0 };
  if (after.wanted !== "nothing") return gather(after);
  return {
    state: { ...after, phase: { kind: "resting" } },
    effects: [{ type: "rest", nextRunAt, hasLooked }],
  };
}

/** The whole call is repeated. Jobs that it claimed all the same are put back before the next claim. */
function backOff(state: DriveState, error: unknown): Transition {
  const { phase, failures, outbox, wanted } = state;
  if (phase.kind !== "writing" && phase.kind !== "reconciling") return { state, effects: [] };
  const inDoubt = phase.kind === "reconciling" ? phase.doubt : "claims";
  const delayMs = backOffMs(failures + 1, { minMs: retryMsMin, maxMs: retryMsMax });
  return {
    state: {
      ...state,
      outbox: phase.kind === "writing" ? [...phase.sent, ...outbox] : outbox,
      wanted: wanted === "nothing" ? "turn" : wanted,
      doubt: state.doubt === "takeovers" ? "takeovers" : inDoubt,
      failures: failures + 1,
      phase: { kind: "backing_off" },
    },
    effects: [{ type: "back_off", delayMs, error, isFirst: failures === 0 }],
  };
}

/** Puts back claims that nobody here will run. */
function putBack(state: DriveState, records: readonly JobRecord[], at: number, message: string): DriveState {
  if (records.length === 0) return state;
  const outgoing = records.map((record): Outgoing => {
    const reason = { code: "AC_DRAINING", message, evidence: {} } as const;
    return { settlement: deferral(record, { at, delayMs: 0, reason }), written: () => {} };
  });
  const wanted = state.wanted === "nothing" ? "turn" : state.wanted;
  return { ...state, outbox: [...state.outbox, ...outgoing], wanted };
}
