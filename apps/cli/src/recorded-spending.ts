/**
 * What an attempt of a dead process is known to have spent: from the result that its runtime spooled, from the one that the
 * queue already has, or by what its worker printed. Without any of them the ledger books the bound that was held.
 */
import type { WorkerResult } from "@agentcore/contract";
import {
  type HoldEntry,
  plausibleLimitsOf,
  plausibleSpending,
  type RuntimeConfig,
  type Spent,
  usdOf,
} from "@agentcore/core";
import type { JobStore, ResultSpool, SpendingOfLost } from "@agentcore/scheduler";

export interface SpendingRecords {
  readonly spool: ResultSpool;
  readonly store: JobStore;
  readonly spendingOfLost: SpendingOfLost;
  /** What the records are believed: a worker can have printed any number. */
  readonly limits: RuntimeConfig["limits"]["attempt"];
}

export function createRecordedSpending(
  records: SpendingRecords,
): (hold: HoldEntry) => Promise<Omit<Spent, "settledAt"> | null> {
  return async (hold) => {
    const plausible = plausibleLimitsOf(records.limits, hold);
    const spooled = (await records.spool.list()).find(({ permitId }) => permitId === hold.holdId);
    const result = spooled?.result ?? (await resultInStore(records.store, hold));
    const known = result === null ? null : plausibleSpending(result, plausible);
    if (known !== null) return known;
    const printed = await printedBy(records, hold);
    return printed === null ? null : plausibleSpending({ ...printed, costBasis: "estimated" }, plausible);
  };
}

async function printedBy(
  { store, spendingOfLost }: SpendingRecords,
  { jobId, attempt, holdId: permitId, costMicroUsd }: HoldEntry,
) {
  const record = await store.get(jobId);
  if (record === undefined) return null;
  const maxCostUsd = costMicroUsd > 0 ? usdOf(costMicroUsd) : null;
  return spendingOfLost({ jobId, attempt, permitId, task: record.job.task, maxCostUsd });
}

async function resultInStore(store: JobStore, { jobId, attempt }: HoldEntry): Promise<WorkerResult | null> {
  const attempts = await store.attempts(jobId);
  return attempts.find((record) => record.attempt === attempt)?.result ?? null;
}
