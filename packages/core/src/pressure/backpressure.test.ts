import { describe, expect, it } from "vitest";
import { runtimeConfigSchema } from "../config/runtime-config.ts";
import {
  levelOf,
  nextPressure,
  noPressure,
  type PressureSample,
  type PressureState,
} from "./backpressure.ts";

const config = runtimeConfigSchema.parse({
  backpressure: {
    recovery: "10s",
    recovery_margin: 0.2,
    event_loop_delay: { degrade: "100ms", defer: "500ms", reject: "2s" },
    memory_available: { degrade: "1000MB", defer: "500MB", reject: "100MB" },
    memory_pressure: { degrade: 20, defer: 40 },
    disk_free: { reject: "10MB" },
    in_flight_share: { degrade: 0.9 },
    queue_lag: { degrade: "1m", defer: "10m" },
  },
}).backpressure;

const calm: PressureSample = {
  eventLoopDelayMs: 1,
  memoryAvailableBytes: 8e9,
  memoryPressurePercent: 0,
  diskFreeBytes: 1e12,
  inFlightShare: 0.25,
  queueLagMs: 0,
};

it.each<[string, Partial<PressureSample>, string, string | null]>([
  ["a calm machine", {}, "accept", null],
  ["a slow event loop", { eventLoopDelayMs: 100 }, "degrade", "event_loop_delay"],
  ["a stuck event loop", { eventLoopDelayMs: 2500 }, "reject", "event_loop_delay"],
  ["little memory", { memoryAvailableBytes: 400e6 }, "defer", "memory_available"],
  ["hardly any memory", { memoryAvailableBytes: 99e6 }, "reject", "memory_available"],
  ["tasks waiting for memory", { memoryPressurePercent: 41 }, "defer", "memory_pressure"],
  ["a full disk", { diskFreeBytes: 10e6 }, "reject", "disk_free"],
  ["nearly all slots taken", { inFlightShare: 0.95 }, "degrade", "in_flight_share"],
  ["a long queue", { queueLagMs: 700_000 }, "defer", "queue_lag"],
  [
    "two signals, of which the worse decides",
    { eventLoopDelayMs: 150, memoryAvailableBytes: 400e6 },
    "defer",
    "memory_available",
  ],
  [
    "a kernel that tells nothing",
    { memoryAvailableBytes: null, memoryPressurePercent: null, diskFreeBytes: null, queueLagMs: null },
    "accept",
    null,
  ],
])("%s", (_name, change, level, signal) => {
  expect(levelOf({ ...calm, ...change }, config, 0)).toEqual({ level, signal });
});

describe("hysteresis", () => {
  const run = (samples: readonly [atMs: number, change: Partial<PressureSample>][]): string[] => {
    let state: PressureState = noPressure;
    return samples.map(([atMs, change]) => {
      state = nextPressure(state, { ...calm, ...change }, config, atMs);
      return state.level;
    });
  };

  it("the level rises at once and falls one step for each recovery time", () => {
    expect(
      run([
        [0, {}],
        [1000, { eventLoopDelayMs: 3000 }],
        [2000, {}],
        [11_999, {}],
        [12_000, {}],
        [21_999, {}],
        [22_000, {}],
        [32_000, {}],
        [99_000, {}],
      ]),
    ).toEqual(["accept", "reject", "reject", "reject", "defer", "defer", "degrade", "accept", "accept"]);
  });

  it("a signal just on the good side of its threshold does not count as recovered", () => {
    const hovering = Array.from({ length: 50 }, (_, i): [number, Partial<PressureSample>] => [
      i * 1000,
      { eventLoopDelayMs: i % 2 === 0 ? 505 : 490 },
    ]);
    expect(new Set(run(hovering))).toEqual(new Set(["defer"]));
  });

  it("a relapse starts the recovery time anew", () => {
    expect(
      run([
        [0, { queueLagMs: 60_000 }],
        [5000, {}],
        [14_000, { queueLagMs: 60_000 }],
        [15_000, {}],
        [24_000, {}],
        [25_000, {}],
      ]),
    ).toEqual(["degrade", "degrade", "degrade", "degrade", "degrade", "accept"]);
  });

  it("a fall is explained by the signal that is still bad", () => {
    let state = nextPressure(noPressure, { ...calm, eventLoopDelayMs: 3000, queueLagMs: 60_000 }, config, 0);
    state = nextPressure(state, { ...calm, queueLagMs: 60_000 }, config, 1000);
    state = nextPressure(state, { ...calm, queueLagMs: 60_000 }, config, 11_000);
    expect(state).toMatchObject({ level: "defer", signal: "queue_lag" });
  });
});
