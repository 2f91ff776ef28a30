/**
 * What an attempt of a dead process is known to have spent: from the result that its runtime spooled, from the one that the
 * queue already has, or by what its worker printed. Without any of them the ledger books the bound that was held.
 */
import type { Usage, WorkerResult } from "@agentcore/contract";
import { microUsdOf, type HoldEntry, type Spent } from "@agentcore/core";
import type { JobStore, ResultSpool, SpendingOfLost } from "@agentcore/scheduler";

export function createRecordedSpending(
  spool: ResultSpool,
  store: JobStore,
  spendingOfLost: SpendingOfLost,
): (hold: HoldEntry) => Promise<Omit<Spent, "settledAt"> | null> {
  return async ({ holdId, jobId, attempt }) => {
    const spooled = (await spool.list()).find(({ permitId }) => permitId === holdId);
    const result = spooled?.result ?? (await resultInStore(store, jobId, attempt));
    const known = result === null ? null : spendingOf(result);
    return known ?? (await printed(store, spendingOfLost, { jobId, attempt, permitId: holdId }));
  };
}

async function printed(
  store: JobStore,
  spendingOfLost: SpendingOfLost,
  {
    jobId,
    attempt,
    permitId,
  }: { readonly jobId: string; readonly attempt: number; readonly permitId: string },
): Promise<Omit<Spent, "settledAt"> | null> {
  const record = await store.get(jobId);
  const spent =
    record === undefined ? null : await spendingOfLost({ jobId, attempt, permitId, task: record.job.task });
  return spent === null ? null : spendingOf({ ...spent, costBasis: "estimated" });
}

async function resultInStore(store: JobStore, jobId: string, attempt: number): Promise<WorkerResult | null> {
  const attempts = await store.attempts(jobId);
  return attempts.find((record) => record.attempt === attempt)?.result ?? null;
}

/** Null where the result does not say, as for an attempt that was lost. */
export function spendingOf({
  costUsd,
  costBasis,
  usage,
}: Pick<WorkerResult, "costUsd" | "costBasis" | "usage">): Omit<Spent, "settledAt"> | null {
  if (costUsd === null) return null;
  return { costMicroUsd: microUsdOf(costUsd), tokens: tokensOf(usage), basis: costBasis };
}

function tokensOf({ inputTokens, cachedInputTokens, outputTokens }: Usage): number {
  return (inputTokens ?? 0) + (cachedInputTokens ?? 0) + (outputTokens ?? 0);
}
