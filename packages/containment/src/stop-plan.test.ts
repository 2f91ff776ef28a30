import { describe, expect, it } from "vitest";
import { nextStopStep, stopTiming, type StopProgress, type StopStep } from "./stop-plan.ts";

const timing = { graceMs: 5_000, secondTermAfterMs: 2_000 };
const asked: StopProgress = { elapsedMs: 0, termsSent: 0, released: true, force: false };

it.each<[string, Partial<StopProgress>, StopStep]>([
  ["first, TERM", {}, { do: "term" }],
  ["then time to react, until the second TERM", { termsSent: 1 }, { do: "wait", delayMs: 2_000 }],
  ["what is left of it", { termsSent: 1, elapsedMs: 1_500 }, { do: "wait", delayMs: 500 }],
  ["then TERM again", { termsSent: 1, elapsedMs: 2_000 }, { do: "term" }],
  ["then the rest of the grace", { termsSent: 2, elapsedMs: 2_000 }, { do: "wait", delayMs: 3_000 }],
  ["then KILL", { termsSent: 2, elapsedMs: 5_000 }, { do: "kill" }],
  [
    "KILL also if a timer came late and a TERM was left out",
    { termsSent: 1, elapsedMs: 6_000 },
    { do: "kill" },
  ],
  ["KILL at once if somebody is in a hurry", { termsSent: 1, elapsedMs: 10, force: true }, { do: "kill" }],
  ["KILL at once if the payload never ran", { released: false }, { do: "kill" }],
])("%s", (_, progress, step) => {
  expect(nextStopStep({ ...asked, ...progress }, timing)).toEqual(step);
});

describe("timing", () => {
  it("has defaults", () => {
    expect(stopTiming({})).toEqual({ graceMs: 5_000, secondTermAfterMs: 2_000 });
  });
  it("takes no negative time", () => {
    expect(stopTiming({ graceMs: -1, secondTermAfterMs: -1 })).toEqual({ graceMs: 0, secondTermAfterMs: 0 });
  });
  it("sends no second TERM that would come with the KILL", () => {
    const step = nextStopStep(
      { ...asked, termsSent: 1, elapsedMs: 100 },
      { graceMs: 300, secondTermAfterMs: 300 },
    );
    expect(step).toEqual({ do: "wait", delayMs: 200 });
  });
  it("without grace there is no TERM at all", () => {
    expect(nextStopStep(asked, stopTiming({ graceMs: 0 }))).toEqual({ do: "kill" });
  });
});

it("every sequence of steps ends in KILL, whatever the times", () => {
  for (const graceMs of [0, 1, 50, 5_000]) {
    for (const secondTermAfterMs of [0, 1, 50, 9_000]) {
      let [elapsedMs, termsSent, steps] = [0, 0, 0];
      for (;;) {
        const step = nextStopStep({ ...asked, elapsedMs, termsSent }, { graceMs, secondTermAfterMs });
        if (step.do === "kill") break;
        if (step.do === "term") termsSent += 1;
        else elapsedMs += step.delayMs;
        steps += 1;
        expect(steps).toBeLessThan(10);
      }
      expect(elapsedMs).toBeGreaterThanOrEqual(graceMs);
      expect(termsSent).toBeLessThanOrEqual(2);
    }
  }
});
