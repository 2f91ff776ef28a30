import { describe, expect, it } from "vitest";
import { RetryBudget, drawsOnBudget } from "./retry-budget.ts";

describe("the retry budget", () => {
  it("lets a burst through and spreads the rest over time", () => {
    const budget = new RetryBudget({ burst: 3, perSecond: 2, perFirstAttempt: 0 }, 0);
    expect(Array.from({ length: 6 }, () => budget.spend(0))).toEqual([0, 0, 0, 500, 1000, 1500]);
  });

  it("earns by time and by first attempts, up to its burst", () => {
    const budget = new RetryBudget({ burst: 2, perSecond: 1, perFirstAttempt: 0.5 }, 0);
    budget.spend(0);
    budget.spend(0);
    expect(budget.spend(0)).toBe(1000);
    budget.noteFirstAttempt();
    budget.noteFirstAttempt();
    expect(budget.spend(1000)).toBe(0);
    expect([budget.spend(1_000_000), budget.spend(1_000_000), budget.spend(1_000_000)]).toEqual([0, 0, 1000]);
  });

  it("keeps the retries of an outage to what is earned, however many jobs fail", () => {
    const budget = new RetryBudget({ burst: 10, perSecond: 1, perFirstAttempt: 0.2 }, 0);
    const waits = Array.from({ length: 1000 }, () => budget.spend(0));
    const withinMinute = waits.filter((waitMs) => waitMs <= 60_000).length;
    expect(withinMinute).toBe(70);
  });

  it("counts failures of providers and workers, not of tasks", () => {
    expect(drawsOnBudget("provider_unavailable")).toBe(true);
    expect(drawsOnBudget("worker_crashed")).toBe(true);
    expect(drawsOnBudget("task_failed")).toBe(false);
    expect(drawsOnBudget("lost")).toBe(false);
  });
});
