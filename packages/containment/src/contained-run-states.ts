/**
 * The life of a contained run as a pure function: in which state it is, what an event makes of it, and what is to be done
 * then. `contained-run.ts` performs the effects and reports what came of them as further events.
 *
 * | state    | means                                                 | leaves by                            |
 * |----------|-------------------------------------------------------|--------------------------------------|
 * | held     | the box waits for `go`                                | go, cancel, death of the box         |
 * | running  | the payload runs                                      | its end, cancel                      |
 * | stopping | the payload was asked to end: TERM, TERM again        | its end, end of the grace, force     |
 * | emptying | everything left is being killed, again and again      | empty, or time is up                 |
 * | ended    | the receipt is there                                  |                                      |
 */
import type { ContainedCommand } from "./port.ts";
import type { SignalOutcome } from "./proc.ts";

interface Stopping {
  readonly kind: "stopping";
  readonly sinceMs: number;
  readonly termsSent: number;
  /** Since when the next TERM is due. It may find no payload that has been forked yet. Null: none is due. */
  readonly termDueSinceMs: number | null;
}

interface Emptying {
  readonly kind: "emptying";
  readonly sinceMs: number;
  /** When its end was first requested, or came. */
  readonly endingSinceMs: number;
  /** Until then, a box in which nothing is left may end on its own. */
  readonly leaveAloneUntilMs: number;
  /** Number of the next killing pass. */
  readonly pass: number;
  /** Whether processes had time to end since the last pass. */
  readonly waited: boolean;
  /** Its time is up; the next look decides. */
  readonly isLast: boolean;
}

export type RunState = { readonly kind: "held" | "running" | "ended" } | Stopping | Emptying;

export type RunEvent =
  | { readonly type: "go" }
  | { readonly type: "cancel"; readonly force: boolean }
  /** `left`: the number of processes left; null if they could not be counted. */
  | { readonly type: "payload_ended"; readonly left: number | null }
  | { readonly type: "term_tried"; readonly outcome: SignalOutcome }
  /** The time of `wake` has passed, or the outermost process has ended. */
  | { readonly type: "woken" }
  | { readonly type: "ready_read" }
  | { readonly type: "looked"; readonly isEmpty: boolean };

export type RunEffect =
  | { readonly do: "release" | "hang_up" }
  /** TERM to the payload; answered by `term_tried`. */
  | { readonly do: "term" }
  /** Answered by `woken`. Replaces an earlier one. */
  | { readonly do: "wake"; readonly afterMs: number }
  | { readonly do: "kill"; readonly pass: number }
  /** Checks whether the box is empty. Answered by `looked`. */
  | { readonly do: "look" }
  /** Reads what is ready: the end may be known already but not read yet. Answered by `ready_read`. */
  | { readonly do: "read_ready" }
  /** `emptyAfterMs`: null if the run is given up with processes left. */
  | { readonly do: "end"; readonly emptyAfterMs: number | null };

/** The effects are performed in order. An effect that is answered is always the last. */
export interface RunStep {
  readonly state: RunState;
  readonly effects: readonly RunEffect[];
}

export interface StopTiming {
  readonly graceMs: number;
  readonly secondTermAfterMs: number;
}

const emptyWithinMs = 10_000;
/** Waits between looks while emptying; the last one repeats. */
const lookAfterMs = [1, 2, 4, 8, 15, 25] as const;
/** How long a box in which nothing is left may take to end on its own. */
const closeWithinMs = 500;
/** How long to search for a payload that has been released but not forked yet. */
const payloadWithinMs = 1_000;

/** Fills in the defaults; a negative duration counts as 0. */
export function stopTiming(command: Pick<ContainedCommand, "graceMs" | "secondTermAfterMs">): StopTiming {
  const { graceMs = 5_000, secondTermAfterMs = 2_000 } = command;
  return { graceMs: Math.max(0, graceMs), secondTermAfterMs: Math.max(0, secondTermAfterMs) };
}

export function next(state: RunState, event: RunEvent, nowMs: number, timing: StopTiming): RunStep {
  switch (state.kind) {
    case "held":
      if (event.type === "go") return { state: { kind: "running" }, effects: [{ do: "release" }] };
      if (event.type === "cancel" || event.type === "payload_ended") return empty(nowMs, nowMs, true);
      return ignored(state);
    case "running":
      if (event.type === "cancel" && event.force) return empty(nowMs, nowMs, true);
      if (event.type === "cancel") return goOnStopping({ ...stopping, sinceMs: nowMs }, nowMs, timing);
      if (event.type === "payload_ended") return empty(nowMs, nowMs, event.left !== 0);
      return ignored(state);
    case "stopping":
      if (event.type === "cancel" && event.force) return empty(nowMs, state.sinceMs, true);
      if (event.type === "payload_ended") return empty(nowMs, state.sinceMs, event.left !== 0);
      if (event.type === "term_tried") return afterTerm(state, event.outcome, nowMs, timing);
      if (event.type === "woken") return goOnStopping(state, nowMs, timing);
      return ignored(state);
    case "emptying":
      if (event.type === (state.isLast ? "ready_read" : "woken"))
        return { state: { ...state, waited: true }, effects: [{ do: "look" }] };
      if (event.type === "looked") return afterLook(state, event.isEmpty, nowMs);
      return ignored(state);
    case "ended":
      return ignored(state);
  }
}

const stopping = { kind: "stopping", termsSent: 0, termDueSinceMs: null } as const;

/** TERM, time to react, TERM again, the rest of the grace period, KILL. Decided by the time, because a timer may be late. */
function goOnStopping(state: Stopping, nowMs: number, { graceMs, secondTermAfterMs }: StopTiming): RunStep {
  const { sinceMs, termsSent, termDueSinceMs } = state;
  const elapsedMs = nowMs - sinceMs;
  if (elapsedMs >= graceMs) return empty(nowMs, sinceMs, true);
  const secondIsPending = termsSent === 1 && secondTermAfterMs < graceMs;
  const isDue =
    termDueSinceMs !== null || termsSent === 0 || (secondIsPending && elapsedMs >= secondTermAfterMs);
  if (isDue)
    return { state: { ...state, termDueSinceMs: termDueSinceMs ?? nowMs }, effects: [{ do: "term" }] };
  const nextAtMs = secondIsPending ? secondTermAfterMs : graceMs;
  return { state, effects: [{ do: "wake", afterMs: nextAtMs - elapsedMs }] };
}

function afterTerm(state: Stopping, outcome: SignalOutcome, nowMs: number, timing: StopTiming): RunStep {
  if (state.termDueSinceMs === null) return ignored(state);
  if (outcome === "gone" && nowMs - state.termDueSinceMs < payloadWithinMs)
    return { state, effects: [{ do: "wake", afterMs: 1 }] };
  return goOnStopping({ ...state, termsSent: state.termsSent + 1, termDueSinceMs: null }, nowMs, timing);
}

/** `mustKill`: there may be processes besides the box itself. */
function empty(nowMs: number, endingSinceMs: number, mustKill: boolean): RunStep {
  const leaveAloneUntilMs = nowMs + (mustKill ? 0 : closeWithinMs);
  return {
    state: {
      kind: "emptying",
      sinceMs: nowMs,
      endingSinceMs,
      leaveAloneUntilMs,
      pass: 1,
      waited: false,
      isLast: false,
    },
    effects: [...(mustKill ? [{ do: "kill", pass: 0 } as const] : []), { do: "hang_up" }, { do: "look" }],
  };
}

function afterLook(state: Emptying, isEmpty: boolean, nowMs: number): RunStep {
  const { sinceMs, endingSinceMs, leaveAloneUntilMs, pass, waited, isLast } = state;
  if (isEmpty) return end(nowMs - endingSinceMs);
  if (isLast) return end(null);
  if (nowMs - sinceMs >= emptyWithinMs)
    return { state: { ...state, isLast: true }, effects: [{ do: "read_ready" }] };
  if (!waited) return { state, effects: [wakeForPass(pass)] };
  const further = { ...state, pass: pass + 1, waited: false };
  if (nowMs < leaveAloneUntilMs) return { state: further, effects: [wakeForPass(pass + 1)] };
  return { state: further, effects: [{ do: "kill", pass }, { do: "look" }] };
}

function wakeForPass(pass: number): RunEffect {
  return { do: "wake", afterMs: lookAfterMs[Math.min(pass, lookAfterMs.length) - 1] ?? 0 };
}

function end(emptyAfterMs: number | null): RunStep {
  return { state: { kind: "ended" }, effects: [{ do: "end", emptyAfterMs }] };
}

function ignored(state: RunState): RunStep {
  return { state, effects: [] };
}
