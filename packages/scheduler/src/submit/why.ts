/** Collects all decisions about a job, and what it waits for now, from the store, for people and programs. */
import type { AttemptRecord, JobRecord, Reason } from "../job-record.ts";
import type { Decision } from "../decision.ts";
import type { JobStore, LateResult } from "../job-store.ts";
import { jobNotFound } from "./refusals.ts";

export interface WhyReport {
  readonly record: JobRecord;
  /** Oldest first. */
  readonly decisions: readonly Decision[];
  readonly attempts: readonly AttemptRecord[];
  readonly lateResults: readonly LateResult[];
  /** The first jobs in line before it, in its tenant; empty unless it is queued. */
  readonly ahead: readonly { readonly jobId: string; readonly waitingFor: Reason | null }[];
  /** The job that blocks it: running with the same concurrency key. */
  readonly blockedBy: string | null;
}

/** Most jobs in line that are listed. */
const aheadMax = 20;

export async function explain(store: JobStore, jobId: string): Promise<WhyReport> {
  const record = await store.get(jobId);
  if (record === undefined) throw jobNotFound(jobId);
  const id = record.job.id;
  const [decisions, attempts, lateResults, ahead, blockedBy] = await Promise.all([
    store.decisions(id),
    store.attempts(id),
    store.lateResults(id),
    store.aheadOf(id, aheadMax),
    blockerOf(store, record),
  ]);
  const before = await Promise.all(ahead.map((other) => store.get(other)));
  return {
    record,
    decisions,
    attempts,
    lateResults,
    ahead: before.flatMap((other) =>
      other === undefined
        ? []
        : { jobId: other.job.id, waitingFor: other.state.kind === "queued" ? other.state.waitingFor : null },
    ),
    blockedBy,
  };
}

async function blockerOf(store: JobStore, record: JobRecord): Promise<string | null> {
  if (record.state.kind !== "queued" || record.concurrencyKey === null) return null;
  const owners = await store.owners();
  const running = await Promise.all(owners.map(({ owner }) => store.runningOf(owner)));
  return (
    running.flat().find(({ concurrencyKey }) => concurrencyKey === record.concurrencyKey)?.job.id ?? null
  );
}
