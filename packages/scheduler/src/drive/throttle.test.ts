import { describe, expect, it } from "vitest";
import { newRecord } from "../job-transition.ts";
import { excludeNothing } from "../job-store.ts";
import { testJob, testSubmission, testTask } from "../testing/fixtures.ts";
import { Throttle } from "./throttle.ts";

const reason = { code: "AC_CONCURRENCY", message: "full", evidence: {} };
const denial = { retryAfterMs: 500, reason };
const job = (worker: string) => newRecord(testSubmission(testJob({ task: testTask("/w", worker) })));
const running = (worker: string, count: number) => Array.from({ length: count }, () => job(worker));
const codex = { kind: "worker", worker: "codex" } as const;

describe("the throttle", () => {
  it("holds nothing back that was not denied", () => {
    expect(new Throttle().plan(5, [])).toEqual([{ limit: 5, exclude: excludeNothing }]);
    expect(new Throttle().nextRecheckMs()).toBeNull();
  });

  it("keeps a denied scope at what ran when it was denied", () => {
    const throttle = new Throttle();
    throttle.deny(codex, denial, running("codex", 2), 0);
    expect(throttle.plan(5, running("codex", 2))).toEqual([
      { limit: 5, exclude: { ...excludeNothing, workers: ["codex"] } },
    ]);
    expect(throttle.plan(5, running("codex", 1))).toEqual([
      { limit: 1, exclude: excludeNothing },
      { limit: 4, exclude: { ...excludeNothing, workers: ["codex"] } },
    ]);
  });

  it("limits everything by a global denial", () => {
    const throttle = new Throttle();
    throttle.deny({ kind: "global" }, denial, running("shell", 3), 0);
    expect(throttle.plan(5, running("shell", 3))).toEqual([]);
    expect(throttle.plan(5, running("shell", 1))).toEqual([{ limit: 2, exclude: excludeNothing }]);
  });

  it("lets one more through when the retry time has passed, and forgets what nobody was denied again", () => {
    const throttle = new Throttle();
    throttle.deny(codex, denial, [], 0);
    throttle.advance([], 499);
    expect(throttle.plan(5, [])[0]?.exclude.workers).toEqual(["codex"]);
    expect(throttle.nextRecheckMs()).toBe(500);
    throttle.advance([], 500);
    expect(throttle.plan(5, [])[0]).toEqual({ limit: 1, exclude: excludeNothing });
    throttle.advance([], 1000);
    expect(throttle.isEmpty).toBe(true);
  });

  it.each([
    ["soon after a short hold", 4000, 8, 500],
    ["seldom after a long one, since each time is written down", 600_000, 90, 15_000],
  ])("asks %s", (_what, heldMs, timesMax, longestMs) => {
    const throttle = new Throttle();
    let now = 0;
    let times = 0;
    for (; now < heldMs; times += 1) {
      throttle.deny({ kind: "global" }, denial, [], now);
      const at = throttle.nextRecheckMs() ?? now;
      expect(at - now).toBeLessThanOrEqual(longestMs);
      now = at;
      throttle.advance([], now);
    }
    expect(times).toBeLessThanOrEqual(timesMax);
  });

  it("asks soon again where a grant came between", () => {
    const throttle = new Throttle();
    throttle.deny({ kind: "global" }, denial, [], 0);
    throttle.deny({ kind: "global" }, denial, [], 80_000);
    expect(throttle.nextRecheckMs()).toBe(90_000);
    throttle.grant(job("codex"), running("codex", 1), 64);
    throttle.deny({ kind: "global" }, denial, [], 100_000);
    expect(throttle.nextRecheckMs()).toBe(100_500);
  });

  it("opens gradually by grants, and shuts at once by a denial", () => {
    const throttle = new Throttle();
    throttle.deny(codex, denial, [], 0);
    throttle.advance([], 500);
    const room = (active: number) => throttle.plan(64, running("codex", active))[0]?.limit;
    const rooms = [1, 2, 4, 8].map((granted) => {
      const active = running("codex", granted);
      throttle.grant(active[0]!, active, 64);
      return room(granted);
    });
    expect(rooms).toEqual([1, 2, 4, 8]);
    throttle.deny(codex, denial, running("codex", 5), 600);
    expect(throttle.plan(64, running("codex", 5))[0]?.exclude.workers).toEqual(["codex"]);
  });

  it("does not take a freed place for a risen limit", () => {
    const throttle = new Throttle();
    const four = running("codex", 4);
    throttle.deny(codex, denial, four, 0);
    throttle.grant(four[0]!, four, 64);
    expect(throttle.plan(64, four)[0]?.exclude.workers).toEqual(["codex"]);
  });

  it("remembers no denial that concerns one job only", () => {
    const throttle = new Throttle();
    throttle.deny({ kind: "job" }, denial, [], 0);
    expect(throttle.isEmpty).toBe(true);
  });

  it("bounds what it remembers", () => {
    const throttle = new Throttle();
    for (let n = 0; n < 1200; n += 1) {
      throttle.deny({ kind: "concurrency_key", concurrencyKey: `/w/${n}` }, denial, [], n);
    }
    expect(throttle.reasons().length).toBe(1000);
    expect(throttle.reasons()[0]?.scope).toEqual({ kind: "concurrency_key", concurrencyKey: "/w/200" });
  });
});
