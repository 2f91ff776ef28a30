/**
 * Decides how a scheduler keeps its own lease: a pure function of its state and the last event.
 *
 * | state   | event                            | next    | effects                                       |
 * | ------- | -------------------------------- | ------- | --------------------------------------------- |
 * | `new`   | registered                       | `held`  | renew, next beat                              |
 * | `held`  | a beat is due, none is under way | `held`  | beat, next beat                               |
 * | `held`  | a beat is due, one is under way  | `held`  | next beat                                     |
 * | `held`  | the store took the beat          | `held`  | renew, observe                                |
 * | `held`  | the store did not take the beat  | `held`  | log, next beat soon                           |
 * | `held`  | another owner took over          | `ended` | fenced                                        |
 * | `held`  | the lease is over by the clock   | `ended` | fenced                                        |
 * | any     | ended                            | `ended` | –                                             |
 *
 * Where machines share the store, the lease of an owner ends after half of its time, counted from the moment at which the last
 * answered beat was sent. Others take over after the whole time without a beat. The other half is left for emptying the
 * boxes. Elsewhere a lease has no such end: other schedulers see whether the process lives.
 */
export interface OwnLease {
  readonly kind: "new" | "held" | "ended";
  /** On the monotonic clock; `Infinity` where machines do not share the store. */
  readonly untilMs: number;
  /** A beat was sent and is not answered. */
  readonly isBeating: boolean;
}

export interface LeaseTerms {
  readonly leaseMs: number;
  readonly isShared: boolean;
}

export type OwnLeaseEvent =
  /** `sentMs`: when the registration was sent. */
  | { readonly type: "registered"; readonly sentMs: number; readonly nowMs: number }
  | { readonly type: "beat_due"; readonly nowMs: number }
  | { readonly type: "taken"; readonly sentMs: number; readonly nowMs: number }
  | { readonly type: "failed"; readonly error: unknown }
  | { readonly type: "taken_over" }
  /** The lease may be over. */
  | { readonly type: "end_due"; readonly nowMs: number }
  | { readonly type: "ended" };

export type OwnLeaseEffect =
  | { readonly type: "beat" }
  /** In place of the one that was to come. */
  | { readonly type: "next_beat"; readonly inMs: number }
  /** Tell the runtime, and look again at that moment. */
  | { readonly type: "renew"; readonly untilMs: number; readonly inMs: number }
  | { readonly type: "observe" }
  | { readonly type: "log"; readonly error: unknown }
  | { readonly type: "fenced"; readonly by: FencedBy };

/** `takeover`: another scheduler has its jobs. `silence`: it could not renew its lease, and another may take over. */
export type FencedBy = "takeover" | "silence";

/** Beats in one lease. */
const beatsPerLease = 5;
/** The same while the store takes none: a short outage must not end the lease. */
const triesPerLease = 20;

export const newLease: OwnLease = { kind: "new", untilMs: Infinity, isBeating: false };

export function nextOwnLease(
  lease: OwnLease,
  event: OwnLeaseEvent,
  terms: LeaseTerms,
): { readonly lease: OwnLease; readonly effects: readonly OwnLeaseEffect[] } {
  if (lease.kind === "ended") return { lease, effects: [] };
  switch (event.type) {
    case "registered": {
      const { lease: held, effects } = renewed({ ...lease, kind: "held" }, event, terms);
      return { lease: held, effects: [...effects, nextBeat(terms)] };
    }
    case "beat_due":
      return lease.isBeating
        ? { lease, effects: [nextBeat(terms)] }
        : { lease: { ...lease, isBeating: true }, effects: [{ type: "beat" }, nextBeat(terms)] };
    case "taken": {
      const { lease: held, effects } = renewed({ ...lease, isBeating: false }, event, terms);
      return { lease: held, effects: [...effects, { type: "observe" }] };
    }
    case "failed":
      return {
        lease: { ...lease, isBeating: false },
        effects: [{ type: "log", error: event.error }, nextBeat(terms, triesPerLease)],
      };
    case "taken_over":
      return fenced(lease, "takeover");
    case "end_due":
      return event.nowMs >= lease.untilMs ? fenced(lease, "silence") : { lease, effects: [] };
    case "ended":
      return { lease: { ...lease, kind: "ended" }, effects: [] };
  }
}

function renewed(
  lease: OwnLease,
  { sentMs, nowMs }: { readonly sentMs: number; readonly nowMs: number },
  { leaseMs, isShared }: LeaseTerms,
): { readonly lease: OwnLease; readonly effects: readonly OwnLeaseEffect[] } {
  if (!isShared) return { lease, effects: [] };
  const untilMs = sentMs + leaseMs / 2;
  const renew: OwnLeaseEffect = { type: "renew", untilMs, inMs: Math.max(0, untilMs - nowMs) };
  return { lease: { ...lease, untilMs }, effects: [renew] };
}

function fenced(lease: OwnLease, by: FencedBy): ReturnType<typeof nextOwnLease> {
  return { lease: { ...lease, kind: "ended" }, effects: [{ type: "fenced", by }] };
}

function nextBeat({ leaseMs }: LeaseTerms, perLease = beatsPerLease): OwnLeaseEffect {
  return { type: "next_beat", inMs: leaseMs / perLease };
}
