import { describe, expect, it } from "vitest";
import { next, stopTiming, type RunEffect, type RunEvent, type RunState } from "./contained-run-states.ts";

const timing = { graceMs: 5_000, secondTermAfterMs: 2_000 };
const nowMs = 1_000;

const states = {
  held: { kind: "held" },
  running: { kind: "running" },
  "stopping, TERM due": { kind: "stopping", sinceMs: 900, termsSent: 0, termDueSinceMs: 900 },
  "stopping, TERM sent": { kind: "stopping", sinceMs: 900, termsSent: 1, termDueSinceMs: null },
  "stopping, grace over": { kind: "stopping", sinceMs: -4_000, termsSent: 2, termDueSinceMs: null },
  "emptying, just killed": emptying({ waited: false }),
  "emptying, waited": emptying({ waited: true }),
  "emptying, left alone": emptying({ waited: true, leaveAloneUntilMs: 1_300 }),
  "emptying, time is up": emptying({ waited: true, sinceMs: -9_000 }),
  "emptying, last look": emptying({ waited: true, sinceMs: -9_000, isLast: true }),
  ended: { kind: "ended" },
} as const satisfies Record<string, RunState>;

const events = {
  go: { type: "go" },
  cancel: { type: "cancel", force: false },
  force: { type: "cancel", force: true },
  "payload ended": { type: "payload_ended", left: 0 },
  "payload ended, some left": { type: "payload_ended", left: 2 },
  "payload ended, nothing seen": { type: "payload_ended", left: null },
  "TERM sent": { type: "term_tried", outcome: "sent" },
  "TERM refused": { type: "term_tried", outcome: "refused" },
  "TERM found nobody": { type: "term_tried", outcome: "gone" },
  woken: { type: "woken" },
  "ready read": { type: "ready_read" },
  empty: { type: "looked", isEmpty: true },
  "not empty": { type: "looked", isEmpty: false },
} as const satisfies Record<string, RunEvent>;

function emptying(change: object): Extract<RunState, { kind: "emptying" }> {
  const times = { sinceMs: 800, endingSinceMs: 700, leaveAloneUntilMs: 800 };
  return { kind: "emptying", ...times, pass: 3, waited: false, isLast: false, ...change };
}

/** `kind: effects`, in short. */
function inShort(kind: RunState["kind"], effects: readonly RunEffect[]): string {
  const words = effects.map((effect) => {
    if (effect.do === "wake") return `wake ${effect.afterMs}`;
    if (effect.do === "kill") return `kill ${effect.pass}`;
    return effect.do === "end" ? `end ${effect.emptyAfterMs}` : effect.do;
  });
  return `${kind}: ${words.join(", ")}`;
}

type Column = Readonly<Record<keyof typeof events, string>>;

const ignored = "ignored";
const killed = "emptying: kill 0, hang_up, look";
const left = "emptying: hang_up, look";
const allIgnored = Object.fromEntries(Object.keys(events).map((name) => [name, ignored])) as Column;
/** A payload that has ended, whatever it left. */
const endings = {
  "payload ended": left,
  "payload ended, some left": killed,
  "payload ended, nothing seen": killed,
};
const untilSecondTerm = "stopping: wake 1900";
const stopping: Column = { ...allIgnored, ...endings, force: killed };
const busy: Column = { ...allIgnored, woken: "emptying: look", empty: "ended: end 300" };

const table: Readonly<Record<keyof typeof states, Column>> = {
  held: {
    ...allIgnored,
    go: "running: release",
    cancel: killed,
    force: killed,
    "payload ended": killed,
    "payload ended, some left": killed,
    "payload ended, nothing seen": killed,
  },
  running: { ...allIgnored, ...endings, cancel: "stopping: term", force: killed },
  "stopping, TERM due": {
    ...stopping,
    "TERM sent": untilSecondTerm,
    "TERM refused": untilSecondTerm,
    "TERM found nobody": "stopping: wake 1",
    woken: "stopping: term",
  },
  "stopping, TERM sent": { ...stopping, woken: untilSecondTerm },
  "stopping, grace over": { ...stopping, woken: killed },
  "emptying, just killed": { ...busy, "not empty": "emptying: wake 4" },
  "emptying, waited": { ...busy, "not empty": "emptying: kill 3, look" },
  "emptying, left alone": { ...busy, "not empty": "emptying: wake 8" },
  "emptying, time is up": { ...busy, "not empty": "emptying: read_ready" },
  "emptying, last look": {
    ...busy,
    woken: ignored,
    "ready read": "emptying: look",
    "not empty": "ended: end null",
  },
  ended: allIgnored,
};

describe.each(Object.entries(states))("a run that is %s", (name, state) => {
  const column = table[name as keyof typeof states];
  it.each(Object.entries(events))("and gets: %s", (event, given) => {
    const step = next(state, given, nowMs, timing);
    const expected = column[event as keyof typeof events];
    if (expected === ignored) expect(step).toEqual({ state, effects: [] });
    else expect(inShort(step.state.kind, step.effects)).toBe(expected);
  });
});

describe("timing", () => {
  it("has defaults, and takes no negative time", () => {
    expect(stopTiming({})).toEqual(timing);
    expect(stopTiming({ graceMs: -1, secondTermAfterMs: -1 })).toEqual({ graceMs: 0, secondTermAfterMs: 0 });
  });

  it("without grace there is no TERM at all", () => {
    const step = next({ kind: "running" }, events.cancel, nowMs, stopTiming({ graceMs: 0 }));
    expect(inShort(step.state.kind, step.effects)).toBe(killed);
  });

  it("sends no second TERM that would come with the KILL", () => {
    const step = next(states["stopping, TERM sent"], events.woken, nowMs, {
      graceMs: 300,
      secondTermAfterMs: 300,
    });
    expect(inShort(step.state.kind, step.effects)).toBe("stopping: wake 200");
  });

  it("a payload that is not there is looked for no longer than a second", () => {
    const due = { kind: "stopping", sinceMs: 0, termsSent: 0, termDueSinceMs: 0 } as const;
    const step = next(due, events["TERM found nobody"], nowMs, timing);
    expect(step.state).toMatchObject({ termsSent: 1, termDueSinceMs: null });
  });
});

/** Performs the effects in a world in which no signal does anything. Returns what was done, with the time. */
function stubborn(graceMs: number, secondTermAfterMs: number): readonly [number, string][] {
  const done: [number, string][] = [];
  const limits = { graceMs, secondTermAfterMs };
  let state: RunState = { kind: "running" };
  let now = 0;
  for (let queue: RunEvent[] = [events.cancel]; queue.length > 0;) {
    const step = next(state, queue.shift()!, now, limits);
    state = step.state;
    for (const effect of step.effects) {
      done.push([now, effect.do]);
      if (effect.do === "term") queue.push(events["TERM sent"]);
      if (effect.do === "look") queue.push(events["not empty"]);
      if (effect.do === "read_ready") queue.push(events["ready read"]);
      if (effect.do === "wake") {
        now += effect.afterMs;
        queue = [events.woken];
      }
    }
  }
  expect(state.kind).toBe("ended");
  return done;
}

it.each(
  [0, 1, 50, 5_000].flatMap((graceMs) => [0, 1, 50, 9_000].map((second) => [graceMs, second] as const)),
)(
  "a cancel with a grace of %i ms and a second TERM after %i ms comes to KILL and to an end",
  (graceMs, second) => {
    const done = stubborn(graceMs, second);
    const at = (what: string): number[] => done.filter(([, did]) => did === what).map(([ms]) => ms);
    expect(at("term").length).toBeLessThanOrEqual(2);
    expect(at("kill")[0]).toBe(graceMs);
    expect(at("end")[0]).toBeGreaterThanOrEqual(graceMs + 10_000);
    expect(at("end")[0]).toBeLessThan(graceMs + 10_100);
  },
);
