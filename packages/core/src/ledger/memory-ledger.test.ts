import { describe, expect, it } from "vitest";
import {
  type BudgetWindow,
  type CappedCounter,
  type HoldEntry,
  microUsdOf,
  windowEndOf,
  windowStartOf,
} from "./ledger.ts";
import { createMemoryLedger } from "./memory-ledger.ts";
import { ledgerConformanceCases } from "../testing/ledger-conformance.ts";

describe("the in-memory ledger meets the port's conformance suite", () => {
  const harness = {
    open: async () => ({ ledger: createMemoryLedger(), close: async () => {} }),
  };
  it.each(ledgerConformanceCases(harness, { shared: false }))("$name", async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });
});

it.each([
  ["hour", "2026-11-24T11:00:00Z", "2026-11-24T12:00:00Z"],
  ["day", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"],
  ["month", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"],
] as const)("the %s window is aligned in UTC", (window, start, end) => {
  const at = Date.parse("2026-11-24T11:42:07Z");
  expect(windowStartOf(window, at)).toBe(Date.parse(start));
  expect(windowEndOf(window, at)).toBe(Date.parse(end));
});

it("December ends where January begins, and the total never ends", () => {
  expect(windowEndOf("month", Date.UTC(2026, 11, 31, 23, 59))).toBe(Date.UTC(2027, 0, 1));
  expect(windowStartOf("total", 5)).toBe(0);
  expect(windowEndOf("total", 5)).toBe(Infinity);
});

it.each([
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

it("counters are kept within bounds, and none that still counts is forgotten", async () => {
  const ledger = createMemoryLedger();
  const spent = { costMicroUsd: 1, tokens: 0, basis: "reported", settledAt: 0 } as const;
  const entry = (index: number): HoldEntry => ({
    holdId: `h${index}`,
    jobId: `j${index}`,
    attempt: 1,
    worker: "codex",
    owner: { pid: 1, startTicks: null, bootId: null },
    heldAt: index * 1000,
    costMicroUsd: 5,
    tokens: 0,
    counters: [
      counterAt("global", "total", 0),
      counterAt("global", "hour", windowStartOf("hour", index * 1000)),
      counterAt(`job:j${index}`, "total", 0),
    ],
  });
  await ledger.hold(entry(0));
  for (let i = 1; i <= 30_000; i += 1) await ledger.charge(entry(i), spent);
  const lastHour = counterAt("global", "hour", windowStartOf("hour", 30_000_000));
  const levels = await ledger.levels([
    counterAt("global", "total", 0),
    lastHour,
    counterAt("job:j0", "total", 0),
    counterAt("job:j1", "total", 0),
    counterAt("job:j30000", "total", 0),
  ]);
  expect(levels.map((level) => level.costSpentMicroUsd)).toEqual([30_000, 1201, 0, 0, 1]);
  expect(levels.map((level) => level.costHeldMicroUsd)).toEqual([5, 0, 5, 0, 0]);
  expect(await ledger.settle("h0", spent)).toBe("settled");
});

function counterAt(scope: string, window: BudgetWindow, windowStart: number): CappedCounter {
  return { scope, window, windowStart, costCapMicroUsd: null, tokensCap: null };
}
