import { expect, test } from "vitest";
import { unknownUsage, type SpooledResult, type WorkerResult } from "@agentcore/contract";
import type { HoldEntry } from "@agentcore/core";
import type { AttemptRecord, JobStore, LostSpending, ResultSpool } from "@agentcore/scheduler";
import { createRecordedSpending, spendingOf } from "./recorded-spending.ts";

const result = (costUsd: number | null): WorkerResult =>
  ({
    costUsd,
    costBasis: "reported",
    usage: { inputTokens: 10, cachedInputTokens: null, outputTokens: 5 },
  }) as WorkerResult;
const hold = { holdId: "p1", jobId: "j1", attempt: 2 } as HoldEntry;

function recorded(
  spooled: readonly Partial<SpooledResult>[],
  attempts: readonly Partial<AttemptRecord>[],
  printed: LostSpending | null = null,
) {
  const spool = { list: async () => spooled } as unknown as ResultSpool;
  const job = { task: {} };
  const store = { attempts: async () => attempts, get: async () => ({ job }) } as unknown as JobStore;
  return createRecordedSpending(spool, store, async () => printed)(hold);
}

test("a spooled result of the permit says what was spent", async () => {
  const spooled = [
    { permitId: "p0", result: result(9) },
    { permitId: "p1", result: result(0.5) },
  ];
  expect(await recorded(spooled, [])).toEqual({ costMicroUsd: 500_000, tokens: 15, basis: "reported" });
});

test("otherwise the queue's own record of that attempt does", async () => {
  const attempts = [
    { attempt: 1, result: result(9) },
    { attempt: 2, result: result(0.25) },
  ];
  expect(await recorded([], attempts)).toMatchObject({ costMicroUsd: 250_000 });
});

test("without a result, what its worker printed bounds it", async () => {
  const lost = [{ attempt: 2, result: null }];
  expect(await recorded([], lost, { costUsd: 0.125, usage: { ...unknownUsage, outputTokens: 9 } })).toEqual({
    costMicroUsd: 125_000,
    tokens: 9,
    basis: "estimated",
  });
});

test("without a record nothing is known", async () => {
  expect(await recorded([], [{ attempt: 2, result: null }])).toBeNull();
  expect(spendingOf(result(null))).toBeNull();
});
