import { describe, expect, it } from "vitest";
import { type LeaseEvent, type LeaseState, nextLease } from "./lease-state.ts";

const none: LeaseState = { kind: "none" };
const lost: LeaseState = { kind: "lost" };
const held = (untilMs: number): LeaseState => ({ kind: "held", untilMs });
const renewed = (untilMs: number): LeaseEvent => ({ type: "renewed", untilMs, nowMs: 100 });
const looked: LeaseEvent = { type: "looked", nowMs: 100 };

describe("the lease of a runtime at 100 ms", () => {
  it.each<[string, LeaseState, LeaseEvent, LeaseState, boolean]>([
    ["needs none before it got one", none, looked, none, false],
    ["begins", none, renewed(200), held(200), false],
    ["begins too late", none, renewed(100), lost, true],
    ["is held", held(101), looked, held(101), false],
    ["runs out at its last moment", held(100), looked, lost, true],
    ["is extended", held(101), renewed(200), held(200), false],
    ["is not shortened by a message from before", held(150), renewed(120), held(150), false],
    ["is not ended by a message from before", held(150), renewed(90), held(150), false],
    ["is not extended after its end: what ran is killed first", held(100), renewed(200), held(200), true],
    ["has run out, and the message is too late too", held(90), renewed(95), lost, true],
    ["stays lost", lost, looked, lost, false],
    ["stays lost after a message that is too late", lost, renewed(100), lost, false],
    ["begins again", lost, renewed(101), held(101), false],
  ])("%s", (_what, state, event, next, empty) => {
    expect(nextLease(state, event)).toEqual({ state: next, empty });
  });
});
