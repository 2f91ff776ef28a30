import { describe, expect, it } from "vitest";
import { nextOwnLease, type OwnLease, type OwnLeaseEffect, type OwnLeaseEvent } from "./own-lease.ts";

const leaseMs = 10_000;
const held = (untilMs = 5000, isBeating = false): OwnLease => ({ kind: "held", untilMs, isBeating });
const fresh: OwnLease = { kind: "new", untilMs: Infinity, isBeating: false };
const ended: OwnLease = { kind: "ended", untilMs: 5000, isBeating: false };
const nextBeat: OwnLeaseEffect = { type: "next_beat", inMs: 2000 };
const error = new Error("no answer");

describe("a lease of 10 s on a store that machines share", () => {
  it.each<[string, OwnLease, OwnLeaseEvent, OwnLease, readonly OwnLeaseEffect[]]>([
    [
      "begins when its registration was sent",
      fresh,
      { type: "registered", sentMs: 0, nowMs: 300 },
      held(5000),
      [{ type: "renew", untilMs: 5000, inMs: 4700 }, nextBeat],
    ],
    ["beats", held(), { type: "beat_due", nowMs: 2000 }, held(5000, true), [{ type: "beat" }, nextBeat]],
    [
      "sends no second beat before the first is answered",
      held(5000, true),
      { type: "beat_due", nowMs: 4000 },
      held(5000, true),
      [nextBeat],
    ],
    [
      "counts from the moment at which the answered beat was sent",
      held(5000, true),
      { type: "taken", sentMs: 2000, nowMs: 4900 },
      held(7000),
      [{ type: "renew", untilMs: 7000, inMs: 2100 }, { type: "observe" }],
    ],
    [
      "looks at once if the answer came too late",
      held(5000, true),
      { type: "taken", sentMs: 2000, nowMs: 90_000 },
      held(7000),
      [{ type: "renew", untilMs: 7000, inMs: 0 }, { type: "observe" }],
    ],
    [
      "goes on without an answer",
      held(5000, true),
      { type: "failed", error },
      held(),
      [
        { type: "log", error },
        { type: "next_beat", inMs: 500 },
      ],
    ],
    ["is not over before its end", held(), { type: "end_due", nowMs: 4999 }, held(), []],
    [
      "is over at its end",
      held(),
      { type: "end_due", nowMs: 5000 },
      ended,
      [{ type: "fenced", by: "silence" }],
    ],
    ["ends with a takeover", held(), { type: "taken_over" }, ended, [{ type: "fenced", by: "takeover" }]],
    ["stays ended", ended, { type: "taken", sentMs: 2000, nowMs: 2001 }, ended, []],
    ["is fenced once", ended, { type: "end_due", nowMs: 9000 }, ended, []],
  ])("%s", (_what, lease, event, next, effects) => {
    expect(nextOwnLease(lease, event, { leaseMs, isShared: true })).toEqual({ lease: next, effects });
  });

  it("has no end of its own where machines do not share the store", () => {
    const terms = { leaseMs, isShared: false };
    const { lease, effects } = nextOwnLease(fresh, { type: "registered", sentMs: 0, nowMs: 1 }, terms);
    expect(effects).toEqual([nextBeat]);
    const later = nextOwnLease(lease, { type: "taken", sentMs: 1, nowMs: 1e9 }, terms);
    expect(later).toEqual({
      lease: { kind: "held", untilMs: Infinity, isBeating: false },
      effects: [{ type: "observe" }],
    });
    expect(nextOwnLease(later.lease, { type: "end_due", nowMs: 1e12 }, terms).effects).toEqual([]);
  });
});
