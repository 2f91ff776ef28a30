/** Decides what an event outlet does next: a pure function of its state, its buffer, and the last event. */
import type { WorkerEvent } from "@agentcore/contract";

export interface OutletState {
  /** `finishing`: the result waits until everything is sent. `finished`: nothing more is sent. */
  readonly kind: "running" | "finishing" | "finished";
  readonly sent: number;
  readonly acknowledged: number;
  /** Events left out because too much was held. After the first, all are, until the client has received their number. */
  readonly omitted: number;
}

export type OutletEvent =
  | { readonly type: "pushed"; readonly event: WorkerEvent }
  | { readonly type: "acknowledged"; readonly seq: number }
  /** The stream may have room. */
  | { readonly type: "flushed" }
  /** The run has ended. */
  | { readonly type: "ended" }
  /** The client has acknowledged nothing for too long. */
  | { readonly type: "timed_out" };

/** The facts at the time of the event. */
export interface OutletFacts {
  /** Most events sent and not acknowledged. */
  readonly window: number;
  /** Events held. */
  readonly held: number;
  /** No more may be held. */
  readonly isFull: boolean;
  /** The stream accepts more. */
  readonly isOpen: boolean;
}

export type OutletEffect =
  | { readonly type: "hold"; readonly event: WorkerEvent }
  /** Send the oldest held event. After this effect and the next, `flushed` follows: more may be sent. */
  | { readonly type: "send_held"; readonly seq: number }
  | { readonly type: "report_omitted"; readonly seq: number; readonly count: number }
  | { readonly type: "await_acknowledgement" }
  /** Drop what is held and send the result. */
  | { readonly type: "finish" };

export interface OutletTransition {
  readonly state: OutletState;
  readonly effects: readonly OutletEffect[];
}

export const initialOutlet: OutletState = { kind: "running", sent: 0, acknowledged: 0, omitted: 0 };

export function nextOutlet(state: OutletState, event: OutletEvent, facts: OutletFacts): OutletTransition {
  if (state.kind === "finished") return { state, effects: [] };
  const isFinishing = state.kind === "finishing";
  switch (event.type) {
    case "pushed":
      return state.omitted > 0 || facts.isFull
        ? send({ ...state, omitted: state.omitted + 1 }, facts)
        : send(state, { ...facts, held: facts.held + 1 }, [{ type: "hold", event: event.event }]);
    case "acknowledged": {
      const { seq } = event;
      // Never sent, or acknowledged before: ignored.
      if (seq > state.sent || seq <= state.acknowledged) return { state, effects: [] };
      return send(
        { ...state, acknowledged: seq },
        facts,
        isFinishing ? [{ type: "await_acknowledgement" }] : [],
      );
    }
    case "flushed":
      return send(state, facts);
    case "ended":
      return isFinishing
        ? { state, effects: [] }
        : send({ ...state, kind: "finishing" }, facts, [{ type: "await_acknowledgement" }]);
    case "timed_out":
      return isFinishing ? finish(state, facts.held + state.omitted) : { state, effects: [] };
  }
}

/** Sends the next event that may be sent, or finishes if all were sent. */
function send(
  state: OutletState,
  { window, held, isOpen }: OutletFacts,
  before: readonly OutletEffect[] = [],
): OutletTransition {
  const { sent, acknowledged, omitted } = state;
  if (held + omitted === 0) {
    return state.kind === "finishing" ? finish(state, 0, before) : { state, effects: before };
  }
  if (sent - acknowledged >= window || !isOpen) return { state, effects: before };
  const seq = sent + 1;
  return held > 0
    ? { state: { ...state, sent: seq }, effects: [...before, { type: "send_held", seq }] }
    : {
        state: { ...state, sent: seq, omitted: 0 },
        effects: [...before, { type: "report_omitted", seq, count: omitted }],
      };
}

function finish(
  { sent, acknowledged }: OutletState,
  left: number,
  before: readonly OutletEffect[] = [],
): OutletTransition {
  const report: readonly OutletEffect[] =
    left > 0 ? [{ type: "report_omitted", seq: sent + 1, count: left }] : [];
  return {
    state: { kind: "finished", sent: sent + report.length, acknowledged, omitted: 0 },
    effects: [...before, ...report, { type: "finish" }],
  };
}
