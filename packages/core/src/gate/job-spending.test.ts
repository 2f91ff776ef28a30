import { expect, it } from "vitest";
import { JobSpending } from "./job-spending.ts";

it("what a job spent is subtracted from its ceiling, never below nothing", () => {
  const spending = new JobSpending(100);
  spending.add("j", 30);
  spending.add("j", 20);
  expect(spending.leftFor("j")).toBe(50);
  expect(spending.leftFor("other")).toBe(100);
  spending.add("j", 500);
  expect(spending.leftFor("j")).toBe(0);
});

it("what the ledger knows replaces what was known", () => {
  const spending = new JobSpending(100);
  spending.add("j", 30);
  spending.learn("j", 80);
  expect(spending.leftFor("j")).toBe(20);
});

it("jobs are remembered within bounds, the latest longest, and not at all without a ceiling", () => {
  const spending = new JobSpending(100);
  for (let i = 0; i <= 10_000; i += 1) spending.add(`j${i}`, 1);
  expect(spending.leftFor("j0")).toBe(100);
  expect(spending.leftFor("j1")).toBe(99);
  const unlimited = new JobSpending(Infinity);
  unlimited.add("j", 1e9);
  expect(unlimited.leftFor("j")).toBe(Infinity);
});
