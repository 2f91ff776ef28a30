/** What the drive loop does in each state with each event. */
import { isDeepStrictEqual } from "node:util";
import { expect, it } from "vitest";
import type { JobRecord } from "../job-record.ts";
import { excludeNothing, type SettledAndClaimed } from "../job-store.ts";
import { seededRandom, testSeed } from "@agentcore/contract/testing";
import {
  initialState,
  next,
  type DriveEffect,
  type DriveEvent,
  type DriveState,
  type Outgoing,
} from "./drive-state.ts";

const record = (id: string): JobRecord => ({ job: { id }, attempt: 1, epoch: 1 }) as unknown as JobRecord;
const claimed = (...ids: string[]): SettledAndClaimed => ({
  settled: [],
  claimed: ids.map(record),
  nextRunAt: null,
});
const outgoing = (jobId: string): Outgoing => ({
  settlement: {
    ref: { jobId, attempt: 1, epoch: 1 },
    at: 5,
    kind: "defer",
    runAt: 5,
    delayMs: 0,
    reason: { code: "AC_DRAINING", message: "", evidence: {} },
  },
  written: () => {},
});
const step = (limit: number) => ({ limit, exclude: excludeNothing });
const owned: DriveState = { ...initialState, owner: "me" };
const call = {
  kind: "writing",
  owner: "me",
  sent: [outgoing("sent")],
  step: step(2),
  later: [],
  isSubmit: false,
} as const;

const states = {
  resting: owned,
  gathering: { ...owned, wanted: "turn", phase: { kind: "gathering", until: "round" } },
  reconciling: { ...owned, wanted: "turn", phase: { kind: "reconciling", doubt: "claims" } },
  planning: { ...owned, wanted: "turn", phase: { kind: "planning" } },
  writing: { ...owned, phase: call },
  holding: {
    ...owned,
    phase: { kind: "holding", call, answered: { answer: claimed("new"), at: 5 } },
  },
  backing_off: { ...owned, wanted: "turn", failures: 1, phase: { kind: "backing_off" } },
} satisfies Record<string, DriveState>;

const events: Readonly<Record<string, DriveEvent>> = {
  resumed: { type: "resumed", owner: "I" },
  paused: { type: "paused" },
  woken: { type: "woken", by: null },
  submitting: { type: "submitting" },
  ended: { type: "ended", outgoing: outgoing("end") },
  takeover_unanswered: { type: "takeover_unanswered" },
  round: { type: "round" },
  found: { type: "found", unknown: [record("lost")], isTakingOver: false, at: 5 },
  planned: { type: "planned", steps: [step(2)] },
  answered: { type: "answered", answer: claimed("new"), at: 5 },
  failed: { type: "failed", error: new Error("disk full") },
  retry_due: { type: "retry_due" },
};

const unchanged = {
  resting: "same",
  gathering: "same",
  reconciling: "same",
  planning: "same",
  writing: "same",
  holding: "same",
  backing_off: "same",
};

/** The visible part of a transition: the state if it differs, and the effects. */
function tell(before: DriveState, event: DriveEvent): string {
  const { state, effects } = next(before, event);
  if (isDeepStrictEqual(state, before) && effects.length === 0) return "same";
  const outbox = state.outbox.map(({ settlement }) => settlement.ref.jobId).join(" ");
  const { kind } = state.phase;
  const parts = [
    "until" in state.phase ? `${kind} until ${state.phase.until}` : kind,
    state.wanted === before.wanted ? "" : `wants ${state.wanted}`,
    state.owner === before.owner ? "" : `owner ${state.owner}`,
    state.doubt === before.doubt ? "" : `doubts ${state.doubt}`,
    outbox === "" ? "" : `outbox ${outbox}`,
    state.failures === before.failures ? "" : `failures ${state.failures}`,
  ];
  return `${parts.filter((part) => part !== "").join(", ")}: ${effects.map(({ type }) => type).join(" ")}`.replace(
    /: $/,
    "",
  );
}

it.each<[string, Readonly<Record<keyof typeof states, string>>]>([
  [
    "resumed",
    {
      resting: "gathering until round, wants turn, owner I: cancel_timer wait_round",
      gathering: "gathering until round, owner I",
      reconciling: "reconciling, owner I",
      planning: "planning, owner I",
      writing: "writing, wants turn, owner I",
      holding: "holding, wants turn, owner I",
      backing_off: "backing_off, owner I",
    },
  ],
  [
    "paused",
    {
      resting: "resting, owner null",
      gathering: "gathering until round, owner null",
      reconciling: "reconciling, owner null",
      planning: "planning, owner null",
      writing: "writing, owner null",
      holding: "holding, owner null",
      backing_off: "backing_off, owner null",
    },
  ],
  [
    "woken",
    {
      resting: "gathering until round, wants turn: cancel_timer wait_round",
      // The turn that is about to begin sees it.
      gathering: "same",
      reconciling: "same",
      planning: "same",
      writing: "writing, wants turn",
      holding: "holding, wants turn",
      backing_off: "same",
    },
  ],
  [
    "submitting",
    {
      resting: "gathering until now, wants submitted: cancel_timer wait_round",
      gathering: "gathering until now, wants submitted: cancel_timer wait_round",
      reconciling: "reconciling, wants submitted",
      planning: "planning, wants submitted",
      writing: "writing, wants submitted",
      holding: "holding, wants submitted",
      backing_off: "backing_off, wants submitted",
    },
  ],
  [
    "ended",
    {
      resting: "gathering until round, wants turn, outbox end: cancel_timer wait_round",
      gathering: "gathering until round, outbox end",
      reconciling: "reconciling, outbox end",
      planning: "planning, outbox end",
      writing: "writing, wants turn, outbox end",
      holding: "holding, wants turn, outbox end",
      backing_off: "backing_off, outbox end",
    },
  ],
  [
    "takeover_unanswered",
    {
      resting: "gathering until round, wants turn, doubts takeovers: cancel_timer wait_round",
      gathering: "gathering until round, doubts takeovers",
      reconciling: "reconciling, doubts takeovers",
      planning: "planning, doubts takeovers",
      writing: "writing, wants turn, doubts takeovers",
      holding: "holding, wants turn, doubts takeovers",
      backing_off: "backing_off, doubts takeovers",
    },
  ],
  ["round", { ...unchanged, gathering: "planning: plan", holding: "resting: begin rest" }],
  ["found", { ...unchanged, reconciling: "planning, outbox lost: plan" }],
  ["planned", { ...unchanged, planning: "writing, wants nothing: write" }],
  ["answered", { ...unchanged, writing: "resting: tell begin rest" }],
  [
    "failed",
    {
      ...unchanged,
      reconciling: "backing_off, doubts claims, failures 1: back_off",
      writing: "backing_off, wants turn, doubts claims, outbox sent, failures 1: back_off",
    },
  ],
  ["retry_due", { ...unchanged, backing_off: "gathering until round: cancel_timer wait_round" }],
])("%s", (name, expected) => {
  const event = events[name]!;
  const told = Object.entries(states).map(([phase, state]) => [phase, tell(state, event)]);
  expect(Object.fromEntries(told)).toEqual(expected);
});

/** The effects of all events, and the state after the last. */
function after(state: DriveState, ...happened: readonly DriveEvent[]) {
  const effects: DriveEffect[] = [];
  let current = state;
  for (const event of happened) {
    const transition = next(current, event);
    current = transition.state;
    effects.push(...transition.effects);
  }
  return { state: current, effects };
}

it("waits for ends that come together before it claims for a submit, and for nothing where there is none", () => {
  const { state } = after(owned, events["ended"]!, events["submitting"]!);
  expect(state.phase).toEqual({ kind: "gathering", until: "round" });
  expect(after(owned, events["submitting"]!).state.phase).toEqual({ kind: "gathering", until: "now" });
});

it("holds what it claimed in the commit of a submit for one round, and begins what it claimed otherwise at once", () => {
  const { round, planned, answered } = events as Record<string, DriveEvent>;
  const types = (wake: string) =>
    after(owned, events[wake]!, round!, planned!, answered!)
      .effects.map(({ type }) => type)
      .slice(4);
  expect(types("submitting")).toEqual(["tell", "wait_round"]);
  expect(types("woken")).toEqual(["tell", "begin", "rest"]);
});

const filtered = { ...step(2), exclude: { ...excludeNothing, workers: ["shell"] } };

it.each([
  ["is woken by no change of its own call", {}, "me", "same"],
  ["is woken by a change of others in the same commit", {}, null, "writing, wants turn"],
  ["is woken by another owner's change", {}, "other", "writing, wants turn"],
  ["is woken where the call claims nothing", { step: undefined }, "me", "writing, wants turn"],
  ["is woken where the call leaves jobs out", { step: filtered }, "me", "writing, wants turn"],
  ["is woken where more is to be claimed", { later: [step(1)] }, "me", "writing, wants turn"],
])("while it writes, the loop %s", (_name, part, by, expected) => {
  const writing: DriveState = { ...owned, phase: { ...call, ...part } };
  expect(tell(writing, { type: "woken", by })).toBe(expected);
});

it.each([
  ["goes on with the next step", 2, "me", ["tell", "begin", "begin", "write"]],
  ["rests where a step found less than it asked for", 1, "me", ["tell", "begin", "rest"]],
  // Nothing of the next step is claimed, and the claimed jobs must be written.
  ["puts all of it back where it was paused meanwhile", 2, null, ["tell", "cancel_timer", "wait_round"]],
])("of a claim in steps it %s", (_name, count, owner, expected) => {
  const answer = claimed(...["a", "b"].slice(0, count));
  const before: DriveState = { ...owned, owner, phase: { ...call, later: [step(3)] } };
  const { state, effects } = next(before, { type: "answered", answer, at: 9 });
  expect(effects.map(({ type }) => type)).toEqual(expected);
  expect(state.outbox.map(({ settlement: { ref, at, kind } }) => [ref.jobId, at, kind])).toEqual(
    owner === null
      ? [
          ["a", 9, "defer"],
          ["b", 9, "defer"],
        ]
      : [],
  );
});

it.each<[string, Partial<DriveState>, boolean, "put back" | "inherited"]>([
  ["a claim failed", {}, false, "put back"],
  ["a takeover was not answered", { phase: { kind: "reconciling", doubt: "takeovers" } }, false, "inherited"],
  ["a takeover failed while the store was asked", { doubt: "takeovers" }, false, "inherited"],
  ["a takeover is under way", {}, true, "inherited"],
])("where %s, jobs that nobody here knows of are handled", (_name, more, isTakingOver, expected) => {
  const { state, effects } = next(
    { ...states.reconciling, ...more },
    { type: "found", unknown: [record("lost")], isTakingOver, at: 5 },
  );
  expect(effects.map(({ type }) => type)).toEqual(expected === "inherited" ? ["inherit", "plan"] : ["plan"]);
  expect(state.outbox).toHaveLength(expected === "inherited" ? 0 : 1);
});

it("asks again after a takeover that failed while the store was asked", () => {
  const { state } = after(
    states.reconciling,
    events["takeover_unanswered"]!,
    events["found"]!,
    events["planned"]!,
  );
  expect(state).toMatchObject({ wanted: "turn", doubt: "takeovers", phase: { kind: "writing" } });
});

it("waits longer after each failure in a row, up to five seconds, and says the first only", () => {
  let state: DriveState = owned;
  const delays: unknown[] = [];
  for (let n = 0; n < 9; n += 1) {
    const { effects, state: failed } = after({ ...state, phase: call }, events["failed"]!);
    delays.push(...effects.map((effect) => effect.type === "back_off" && [effect.delayMs, effect.isFirst]));
    state = failed;
  }
  expect(delays).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000].map((ms, n) => [ms, n === 0]));
  expect(after({ ...state, wanted: "nothing", phase: call }, events["answered"]!).state.failures).toBe(0);
});

it("whatever happens, asks the store one thing at a time, writes each end until it is answered and loses no claim", () => {
  const seed = testSeed("walks of the drive loop");
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
  for (let walk = 0; walk < 200; walk += 1) {
    let state: DriveState = owned;
    /** Effects that expect an answer. */
    const open: DriveEffect[] = [];
    const taken: string[] = [];
    const ends: string[] = [];
    const told: string[] = [];
    const happen = (event: DriveEvent): void => {
      const { state: later, effects } = next(state, event);
      state = later;
      for (const effect of effects) {
        if (effect.type === "begin") taken.push(effect.record.job.id);
        if (effect.type === "tell") told.push(...effect.sent.map(({ settlement }) => settlement.ref.jobId));
        if (effect.type === "rest")
          expect(state, `seed ${seed}`).toMatchObject({ outbox: [], wanted: "nothing" });
        if (["wait_round", "find_unknown", "plan", "write", "back_off"].includes(effect.type))
          open.push(effect);
      }
      // A round that a submit cuts short is replaced by one that ends now.
      if (open.length === 2 && open.every(({ type }) => type === "wait_round")) open.shift();
      expect(open.length, `seed ${seed}: ${open.map(({ type }) => type).join(" ")}`).toBeLessThanOrEqual(1);
    };
    let jobs = 0;
    const claims: string[] = [];
    const answerTo = (effect: DriveEffect, mayFail: boolean): DriveEvent => {
      const fails = mayFail && random.next() < 0.3;
      if (effect.type === "wait_round") return { type: "round" };
      if (effect.type === "back_off") return { type: "retry_due" };
      if (effect.type === "plan")
        return { type: "planned", steps: pick([[], [step(2)], [step(1), step(2)]]) };
      if (fails) return { type: "failed", error: null };
      if (effect.type === "find_unknown") return { type: "found", unknown: [], isTakingOver: false, at: 1 };
      const limit = effect.type === "write" && mayFail ? (effect.call.step?.limit ?? 0) : 0;
      const ids = Array.from({ length: pick([0, limit]) }, () => `claim-${(jobs += 1)}`);
      claims.push(...ids);
      return { type: "answered", answer: claimed(...ids), at: 1 };
    };
    for (let turn = 0; turn < 60; turn += 1) {
      const due = open[0];
      if (due !== undefined && random.next() < 0.6) {
        open.shift();
        happen(answerTo(due, true));
      } else {
        const type = pick(["resumed", "paused", "woken", "submitting", "ended", "takeover_unanswered"]);
        const end = outgoing(`end-${(jobs += 1)}`);
        if (type === "ended") ends.push(end.settlement.ref.jobId);
        happen(type === "ended" ? { type, outgoing: end } : events[type]!);
      }
    }
    for (let due = open.shift(), turns = 0; due !== undefined; due = open.shift(), turns += 1) {
      expect(turns, `seed ${seed} does not come to rest`).toBeLessThan(100);
      happen(answerTo(due, false));
    }
    expect(state.phase.kind, `seed ${seed}`).toBe("resting");
    expect([...told, ...taken].toSorted(), `seed ${seed}`).toEqual([...ends, ...claims].toSorted());
  }
});
