/** Collects all decisions about a job, and what it waits for now, from the store, for people and programs. */
import type { AttemptRecord, JobRecord, Reason } from "../job-record.ts";
import type { Decision } from "../decision.ts";
import type { JobStore, LateResult } from "../job-store.ts";
import { jobNotFound } from "./refusals.ts";

export interface WhyReport {
  readonly record: JobRecord;
  /**
   * What it waits for, if it is queued and that is known: the reason of its last refusal or retry, or `AC_CONCURRENCY` if as
   * many jobs run in this process as may. Null otherwise; see also `blockedBy` and `ahead`.
   */
  readonly waitingFor: Reason | null;
  /** Oldest first. */
  readonly decisions: readonly Decision[];
  readonly attempts: readonly AttemptRecord[];
  readonly lateResults: readonly LateResult[];
  /** The first jobs in line before it, in its tenant; empty unless it is queued. */
  readonly ahead: readonly { readonly jobId: string; readonly waitingFor: Reason | null }[];
  /** The job that blocks it: running with the same concurrency key. */
  readonly blockedBy: string | null;
}

/** What this process knows: the time, and why it starts no job now; null if it has room. */
interface Here {
  readonly now: number;
  readonly full: () => Reason | null;
}

/** Most jobs in line that are listed. */
const aheadMax = 20;

export async function explain(store: JobStore, jobId: string, here: Here): Promise<WhyReport> {
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
    waitingFor: waitingFor(record, here),
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

function waitingFor({ state }: JobRecord, { now, full }: Here): Reason | null {
  if (state.kind !== "queued") return null;
  // A delayed job waits for its time.
  return state.waitingFor ?? (state.runAt > now ? null : full());
}

async function blockerOf(store: JobStore, record: JobRecord): Promise<string | null> {
  if (record.state.kind !== "queued" || record.concurrencyKey === null) return null;
  const owners = await store.owners();
  const running = await Promise.all(owners.map(({ owner }) => store.runningOf(owner)));
  return (
    running.flat().find(({ concurrencyKey }) => concurrencyKey === record.concurrencyKey)?.job.id ?? null
  );
}
