import { expect, it } from "vitest";
import { outcomes } from "@agentcore/contract";
import { exitCodeOf } from "./exit-code.ts";

const table: Record<(typeof outcomes)[number], number> = {
  succeeded: 0,
  failed: 1,
  lost: 1,
  timed_out: 4,
  stalled: 4,
  budget_exhausted: 5,
  cancelled: 130,
};

it.each(outcomes)("outcome %s has its own exit code", (outcome) => {
  expect(exitCodeOf(outcome, { refused: false, errorClass: null })).toBe(table[outcome]);
});

it("a job that the gate refused exits 3, whatever its outcome is called", () => {
  expect(exitCodeOf("failed", { refused: true, errorClass: null })).toBe(3);
  expect(exitCodeOf("budget_exhausted", { refused: true, errorClass: "budget_exhausted" })).toBe(3);
});

it("a job whose worker is not installed was never started, which is 2", () => {
  expect(exitCodeOf("failed", { refused: false, errorClass: "worker_missing" })).toBe(2);
  expect(exitCodeOf("failed", { refused: false, errorClass: "worker_crashed" })).toBe(1);
});
