import { expect, it } from "vitest";
import { unknownUsage, type SpooledResult, type WorkerResult } from "@agentcore/contract";
import { type HoldEntry, runtimeConfigSchema } from "@agentcore/core";
import type {
  AttemptRecord,
  JobStore,
  LostSpending,
  NeverBegan,
  ResultSpool,
  StartedAttempt,
} from "@agentcore/scheduler";
import { createRecordedSpending } from "./recorded-spending.ts";

const result = (costUsd: number | null): WorkerResult =>
  ({
    costUsd,
    costBasis: "reported",
    usage: { inputTokens: 10, cachedInputTokens: null, outputTokens: 5 },
  }) as WorkerResult;
const hold = { holdId: "p1", jobId: "j1", attempt: 2, costMicroUsd: 5_000_000, tokens: 0 } as HoldEntry;

function recorded(
  spooled: readonly Partial<SpooledResult>[],
  attempts: readonly Partial<AttemptRecord>[],
  printed: LostSpending | null = null,
  neverBegan: NeverBegan = async () => false,
) {
  const spool = { list: async () => spooled } as unknown as ResultSpool;
  const job = { task: {} };
  const store = { attempts: async () => attempts, get: async () => ({ job }) } as unknown as JobStore;
  const limits = { ...runtimeConfigSchema.parse({}).limits.attempt, plausible_cost_usd: 100 };
  return createRecordedSpending({ spool, store, spendingOfLost: async () => printed, neverBegan, limits })(
    hold,
  );
}

it("a spooled result of the permit says what was spent", async () => {
  const spooled = [
    { permitId: "p0", result: result(9) },
    { permitId: "p1", result: result(0.5) },
  ];
  expect(await recorded(spooled, [])).toEqual({ costMicroUsd: 500_000, tokens: 15, basis: "reported" });
});

it("otherwise the queue's own record of that attempt does", async () => {
  const attempts = [
    { attempt: 1, result: result(9) },
    { attempt: 2, result: result(0.25) },
  ];
  expect(await recorded([], attempts)).toMatchObject({ costMicroUsd: 250_000 });
});

it("without a result, what its worker printed bounds it", async () => {
  const lost = [{ attempt: 2, result: null }];
  expect(await recorded([], lost, { costUsd: 0.125, usage: { ...unknownUsage, outputTokens: 9 } })).toEqual({
    costMicroUsd: 125_000,
    tokens: 9,
    basis: "estimated",
  });
});

it("an attempt whose start nobody noted spent nothing: its worker was never let go", async () => {
  const claimed = { attempt: 2, result: null, started: null };
  expect(await recorded([], [claimed])).toEqual({ costMicroUsd: 0, tokens: 0, basis: "estimated" });
  // If a spooled result names a permit, its worker was released, regardless of the queue's notes.
  expect(await recorded([{ permitId: "p1", result: result(null) }], [claimed])).toBeNull();
});

it("an attempt whose worker provably never began spent nothing, though its permit was noted or it was given back", async () => {
  const noted = { attempt: 2, result: null, started: { identity: null } as StartedAttempt };
  const proved: NeverBegan = async ({ claimedAt }) => claimedAt === hold.heldAt;
  const nothing = { costMicroUsd: 0, tokens: 0, basis: "estimated" };
  expect(await recorded([], [noted], null, proved)).toEqual(nothing);
  expect(await recorded([], [], null, proved)).toEqual(nothing);
  expect(await recorded([], [{ ...noted, result: result(1) }], null, proved)).toMatchObject({ tokens: 15 });
});

it("without a record nothing is known", async () => {
  expect(await recorded([], [{ attempt: 2, result: null }])).toBeNull();
  expect(await recorded([{ permitId: "p1", result: result(null) }], [])).toBeNull();
});

it.each([
  [1e13, 100_000_000, "estimated"],
  [1e9, 100_000_000, "estimated"],
  [Number.MAX_VALUE, 100_000_000, "estimated"],
  [1e-320, 0, "reported"],
  [99.5, 99_500_000, "reported"],
])(
  "a spooled cost of %d is booked as an amount that a ledger can take",
  async (costUsd, costMicroUsd, basis) => {
    const spooled = [{ permitId: "p1", result: result(costUsd) }];
    expect(await recorded(spooled, [])).toEqual({ costMicroUsd, tokens: 15, basis });
  },
);

it.each([Number.NaN, Infinity, -1, "5"])(
  "a spooled cost of %s is no amount, and says nothing",
  async (costUsd) => {
    expect(await recorded([{ permitId: "p1", result: result(costUsd as number) }], [])).toBeNull();
  },
);
