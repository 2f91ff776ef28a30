import { describe, expect, it } from "vitest";
import { runtimeConfig } from "../testing/requests.ts";
import {
  type GlobalEvidence,
  nextGlobalStage,
  nextWorkerStage,
  type Staged,
  type WorkerEvidence,
} from "./defense.ts";
import { RecentRuns } from "./recent-runs.ts";

const { watchdog: config } = runtimeConfig({
  watchdog: { step: "1m", isolation: "15m", isolated_workers_max: 2, uncontained_max: 3 },
});
const minute = 60_000;
const failing = { runs: 10, failures: 9 };

describe("a worker's stage", () => {
  const quiet: WorkerEvidence = { concentration: null, worked: false };
  it.each<[string, string, number, WorkerEvidence, string]>([
    ["stays where nothing is wrong", "none", 99, quiet, "none"],
    ["opens the breaker at once", "none", 0, { ...quiet, concentration: failing }, "open_breaker"],
    [
      "gives the breaker time to work",
      "open_breaker",
      0.9,
      { ...quiet, concentration: failing },
      "open_breaker",
    ],
    [
      "isolates where it did not help",
      "open_breaker",
      1,
      { ...quiet, concentration: failing },
      "isolate_worker",
    ],
    ["goes back when a run worked", "open_breaker", 0.1, { concentration: failing, worked: true }, "none"],
    ["waits while nothing runs", "open_breaker", 500, quiet, "open_breaker"],
    [
      "stays isolated, whatever ends meanwhile",
      "isolate_worker",
      14.9,
      { concentration: failing, worked: true },
      "isolate_worker",
    ],
    ["ends the isolation", "isolate_worker", 15, quiet, "none"],
  ])("%s", (_name, stage, minutes, evidence, expected) => {
    const now = { stage, sinceMs: 0 } as Staged<"none" | "open_breaker" | "isolate_worker">;
    expect(nextWorkerStage(now, evidence, minutes * minute, config).stage).toBe(expected);
  });
});

describe("the stage of everything", () => {
  const quiet: GlobalEvidence = { concentration: null, isolatedWorkers: 0, unstoppable: 0 };
  const bad: GlobalEvidence = { ...quiet, concentration: failing };
  it.each<[string, string, number, GlobalEvidence, string]>([
    ["sheds at once", "none", 0, bad, "shed"],
    ["gives shedding time to work", "shed", 0.9, bad, "shed"],
    ["throttles where it did not help", "shed", 1, bad, "throttle"],
    ["throttles no further", "throttle", 50, bad, "throttle"],
    ["takes one step back at a time", "throttle", 1, quiet, "shed"],
    ["and the last one", "shed", 1, quiet, "none"],
    ["does not hurry back", "throttle", 0.9, quiet, "throttle"],
    ["stops for runs that cannot be ended", "none", 0, { ...quiet, unstoppable: 3 }, "global_stop"],
    ["goes on with fewer", "none", 0, { ...quiet, unstoppable: 2 }, "none"],
    ["stops when too many workers are isolated", "shed", 0, { ...quiet, isolatedWorkers: 2 }, "global_stop"],
    ["stays stopped for good", "global_stop", 9999, quiet, "global_stop"],
  ])("%s", (_name, stage, minutes, evidence, expected) => {
    const now = { stage, sinceMs: 0 } as Staged<"none" | "shed" | "throttle" | "global_stop">;
    expect(nextGlobalStage(now, evidence, minutes * minute, config).stage).toBe(expected);
  });
});

describe("concentration of failures", () => {
  const limits = { runs: 5, share: 0.8, withinMs: 10 * minute };
  const fill = (outcomes: string, everyMs = 1000): RecentRuns => {
    const recent = new RecentRuns(limits);
    outcomes.split("").forEach((outcome, index) => recent.add("k", outcome === "x", index * everyMs));
    return recent;
  };
  it.each([
    ["xxxx", null],
    ["xxxxx", { runs: 5, failures: 5 }],
    ["xx.xx", { runs: 5, failures: 4 }],
    ["x.x.x", null],
    ["....xxxxx", { runs: 5, failures: 5 }],
    ["xxxxx....", null],
  ])("of %s", (outcomes, expected) => {
    expect(fill(outcomes).concentration("k", 10_000)).toEqual(expected);
  });

  it("old runs are no evidence, and what was cleared is not either", () => {
    const recent = fill("xxxxx");
    expect(recent.concentration("k", 11 * minute)).toBeNull();
    expect(recent.concentration("other", 0)).toBeNull();
    recent.clear("k");
    expect(recent.concentration("k", 5000)).toBeNull();
  });

  it("fewer runs may be asked to do", () => {
    expect(fill("xx").concentration("k", 2000, 2)).toEqual({ runs: 2, failures: 2 });
  });

  it("keys are kept within bounds", () => {
    const recent = new RecentRuns({ ...limits, runs: 1 });
    for (let i = 0; i <= 1000; i += 1) recent.add(`k${i}`, true, 0);
    expect(recent.concentration("k0", 0)).toBeNull();
    expect(recent.concentration("k1000", 0)).toEqual({ runs: 1, failures: 1 });
  });
});
