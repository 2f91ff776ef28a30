import { describe, expect, test } from "vitest";
import { microUsdOf, windowEndOf, windowStartOf } from "./ledger.ts";
import { createMemoryLedger } from "./memory-ledger.ts";
import { ledgerConformanceCases } from "./testing/ledger-conformance.ts";

describe("the in-memory ledger meets the port's conformance suite", () => {
  const harness = {
    open: async () => ({ ledger: createMemoryLedger(), close: async () => {} }),
  };
  test.each(ledgerConformanceCases(harness, { shared: false }))("$name", async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });
});

test.each([
  ["hour", "2026-11-24T11:00:00Z", "2026-11-24T12:00:00Z"],
  ["day", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"],
  ["month", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"],
] as const)("the %s window is aligned in UTC", (window, start, end) => {
  const at = Date.parse("2026-11-24T11:42:07Z");
  expect(windowStartOf(window, at)).toBe(Date.parse(start));
  expect(windowEndOf(window, at)).toBe(Date.parse(end));
});

test("December ends where January begins, and the total never ends", () => {
  expect(windowEndOf("month", Date.UTC(2026, 11, 31, 23, 59))).toBe(Date.UTC(2027, 0, 1));
  expect(windowStartOf("total", 5)).toBe(0);
  expect(windowEndOf("total", 5)).toBe(Infinity);
});

test.each([
  [0.3, 300_000],
  [0.1 + 0.2, 300_000],
  [1e-9, 1],
  [0, 0],
  [0.0000014, 2],
  [2.5, 2_500_000],
  [1_000_000, 1e12],
])("%d dollars are %d micro-dollars", (usd, microUsd) => {
  expect(microUsdOf(usd)).toBe(microUsd);
});
