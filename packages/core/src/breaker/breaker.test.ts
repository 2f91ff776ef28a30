import { describe, expect, it } from "vitest";
import { runtimeConfig } from "../testing/requests.ts";
import { Breaker, type Health } from "./breaker.ts";
import { BreakerSet } from "./breaker-set.ts";

const { breakers: config } = runtimeConfig({
  breakers: {
    consecutive_failures: 3,
    window: 10,
    failure_share: 0.6,
    cool_down: "10s",
    cool_down_max: "30s",
    probes: 2,
  },
});

function breakerOf(changes: Partial<typeof config> = {}): Breaker {
  return new Breaker("worker:x", { ...config, ...changes }, () => {});
}

/** One run after another; each ends before the next enters. */
function feed(breaker: Breaker, healths: readonly Health[], nowMs = 0): void {
  for (const health of healths) breaker.leave(breaker.enter(), health, nowMs);
}

it("opens at the configured number of failures in a row", () => {
  const breaker = breakerOf({ failure_share: 0.9 });
  feed(breaker, ["failure", "failure", "success", "failure", "failure"]);
  expect(breaker.admission(0)).toBe("pass");
  feed(breaker, ["failure"]);
  expect(breaker.admission(0)).toBe("open");
});

it("opens at a share of failures that never come in a row", () => {
  const breaker = breakerOf({ failure_share: 0.5 });
  feed(breaker, ["failure", "failure", "success", "failure"]);
  expect(breaker.admission(0)).toBe("pass");
  feed(breaker, ["failure"]);
  expect(breaker.admission(0)).toBe("open");
});

it("runs that say nothing about it change nothing", () => {
  const breaker = breakerOf({ consecutive_failures: 2 });
  feed(breaker, ["failure", ...Array.from({ length: 50 }, (): Health => "neutral"), "failure"]);
  expect(breaker.admission(0)).toBe("open");
});

it("asking changes nothing, however often and however late", () => {
  const breaker = breakerOf();
  feed(breaker, ["failure", "failure", "failure"]);
  for (let i = 0; i < 10; i += 1) {
    expect(breaker.admission(9999)).toBe("open");
    expect(breaker.admission(10_000)).toBe("probe");
    expect(breaker.level(10_000, 10_000).state).toBe("open");
  }
});

describe("half open", () => {
  const halfOpen = () => {
    const breaker = breakerOf();
    feed(breaker, ["failure", "failure", "failure"]);
    return breaker;
  };

  it("a bounded number of probes is let through and the rest refused", () => {
    const breaker = halfOpen();
    const probes = [breaker.enter(), breaker.enter()];
    expect(breaker.admission(10_000)).toBe("probing");
    for (const probe of probes) breaker.leave(probe, "success", 10_000);
    expect(breaker.admission(10_000)).toBe("pass");
    expect(breaker.failuresInRow).toBe(0);
  });

  it("a probe that says nothing makes room for another, for ever", () => {
    const breaker = halfOpen();
    for (let i = 0; i < 1000; i += 1) {
      expect(breaker.admission(10_000)).toBe("probe");
      const probes = [breaker.enter(), breaker.enter()];
      expect(breaker.admission(10_000)).toBe("probing");
      for (const probe of probes) breaker.leave(probe, "neutral", 10_000);
    }
    expect(breaker.level(0, 0).state).toBe("half_open");
  });

  it("a probe that fails opens it again, for twice as long each time, up to the longest cool-down", () => {
    const breaker = halfOpen();
    let now = 10_000;
    const waits: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      breaker.leave(breaker.enter(), "failure", now);
      waits.push(breaker.waitMs(now));
      now += breaker.waitMs(now);
      expect(breaker.admission(now - 1)).toBe("open");
      expect(breaker.admission(now)).toBe("probe");
    }
    expect(waits).toEqual([20_000, 30_000, 30_000, 30_000]);
  });

  it("after closing, the cool-down starts again at the first", () => {
    const breaker = halfOpen();
    breaker.leave(breaker.enter(), "failure", 10_000);
    feed(breaker, ["success", "success"], 30_000);
    feed(breaker, ["failure", "failure", "failure"], 40_000);
    expect(breaker.waitMs(40_000)).toBe(10_000);
  });

  it("outcomes of runs from before it opened are not counted against or for it", () => {
    const breaker = breakerOf({ probes: 1 });
    const early = Array.from({ length: 9 }, () => breaker.enter());
    for (const entry of early.slice(0, 3)) breaker.leave(entry, "failure", 0);
    for (const entry of early.slice(3, 6)) breaker.leave(entry, "failure", 5000);
    expect(breaker.waitMs(5000)).toBe(5000);
    expect(breaker.failuresInRow).toBe(3);
    const probe = breaker.enter();
    for (const entry of early.slice(6)) breaker.leave(entry, "success", 10_000);
    expect(breaker.admission(10_000)).toBe("probing");
    breaker.leave(probe, "failure", 10_000);
    breaker.leave(probe, "success", 10_000);
    expect(breaker.waitMs(10_000)).toBe(20_000);
  });
});

it("tripping opens it whatever it counted, and a second time changes nothing", () => {
  const opened: string[] = [];
  const breaker = new Breaker("worker:x", config, ({ target }, isTripped) =>
    opened.push(`${target} ${isTripped}`),
  );
  expect(breaker.trip(5, "failed in 8 of its last 10 runs")).toBe(true);
  expect(breaker.trip(7000, "failed in 9 of its last 10 runs")).toBe(false);
  expect(breaker.openedBecause).toBe("failed in 8 of its last 10 runs");
  expect(breaker.level(0, 1000)).toEqual({ target: "worker:x", state: "open", probeAt: 11_005 });
  expect(opened).toEqual(["worker:x true"]);
});

describe("the global valve", () => {
  it("is shut while enough of the breakers cool down, and no longer", () => {
    const set = new BreakerSet({ ...config, valve_min_open: 2, valve_share: 0.5 });
    const breakers = Array.from({ length: 4 }, (_, i) => set.create(`provider:${i}`));
    breakers[0]?.trip(0, "failed");
    expect(set.valveIsShut(0)).toBe(false);
    breakers[1]?.trip(1000, "failed");
    expect(set.valveIsShut(1000)).toBe(true);
    expect(set.valveWaitMs(1000)).toBe(9000);
    expect(set.valveIsShut(9999)).toBe(true);
    expect(set.valveIsShut(10_000)).toBe(false);
    expect(set.coolingCount(10_999)).toBe(1);
    expect(set.coolingCount(11_000)).toBe(0);
  });

  it("few breakers open are no common cause, whatever their share", () => {
    const set = new BreakerSet({ ...config, valve_min_open: 3, valve_share: 0.5 });
    for (const breaker of [set.create("a"), set.create("b")]) breaker.trip(0, "failed");
    expect(set.valveIsShut(0)).toBe(false);
  });
});
