import { expect, test } from "vitest";
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

test.each(outcomes)("outcome %s has its own exit code", (outcome) => {
  expect(exitCodeOf(outcome, false)).toBe(table[outcome]);
});

test("a job that the gate refused exits 3, whatever its outcome is called", () => {
  expect(exitCodeOf("failed", true)).toBe(3);
  expect(exitCodeOf("budget_exhausted", true)).toBe(3);
});
