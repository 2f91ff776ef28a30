/**
 * Finds the known spending of an attempt of a dead process: from its spooled result, from the result in the queue, or from
 * its worker's output. Without any of them, the ledger charges the ceiling that was held. It charges nothing for an attempt
 * whose start was never recorded, or whose worker provably never started, because the record is written before a worker
 * that costs money is released.
 */
import {
  type HoldEntry,
  plausibleLimitsOf,
  plausibleSpending,
  type RuntimeConfig,
  type Spent,
  usdOf,
} from "@agentcore/core";
import type { AttemptRecord, JobStore, NeverBegan, ResultSpool, SpendingOfLost } from "@agentcore/scheduler";

export interface SpendingRecords {
  readonly spool: ResultSpool;
  readonly store: JobStore;
  readonly spendingOfLost: SpendingOfLost;
  readonly neverBegan: NeverBegan;
  /** The most that the records are believed: a worker can have printed any number. */
  readonly limits: RuntimeConfig["limits"]["attempt"];
}

export function createRecordedSpending(
  records: SpendingRecords,
): (hold: HoldEntry) => Promise<Omit<Spent, "settledAt"> | null> {
  return async (hold) => {
    const plausible = plausibleLimitsOf(records.limits, hold);
    const spooled = (await records.spool.list()).find(({ permitId }) => permitId === hold.holdId);
    const attempt = await attemptInStore(records.store, hold);
    const result = spooled?.result ?? attempt?.result ?? null;
    const known = result === null ? null : plausibleSpending(result, plausible);
    if (known !== null) return known;
    if (result === null && spooled === undefined && (await wasNotLetGo(records, hold, attempt)))
      return nothingSpent;
    const printed = await printedBy(records, hold, attempt);
    return printed === null ? null : plausibleSpending({ costBasis: "estimated", ...printed }, plausible);
  };
}

async function wasNotLetGo(
  { neverBegan }: SpendingRecords,
  { jobId, attempt, heldAt }: HoldEntry,
  record: AttemptRecord | null,
): Promise<boolean> {
  if (record?.started === null) return true;
  return neverBegan({ jobId, attempt, claimedAt: heldAt });
}

async function printedBy(
  { store, spendingOfLost }: SpendingRecords,
  { jobId, attempt, holdId: permitId, costMicroUsd }: HoldEntry,
  noted: AttemptRecord | null,
) {
  const record = await store.get(jobId);
  if (record === undefined) return null;
  const spendsOnlyByGate = noted?.started?.identity?.spendsOnlyByGate === true;
  const maxCostUsd = costMicroUsd > 0 ? usdOf(costMicroUsd) : null;
  return spendingOfLost({ jobId, attempt, permitId, task: record.job.task, maxCostUsd, spendsOnlyByGate });
}

const nothingSpent = { costMicroUsd: 0, tokens: 0, basis: "estimated" } as const;

async function attemptInStore(store: JobStore, { jobId, attempt }: HoldEntry): Promise<AttemptRecord | null> {
  const attempts = await store.attempts(jobId);
  return attempts.find((record) => record.attempt === attempt) ?? null;
}
