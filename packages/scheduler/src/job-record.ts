/**
 * The record of a job: the job as submitted, its state, and its attempts. The state is one union whose variants have only
 * the data of that state; only `job-transition.ts` computes the next state.
 *
 * | state       | meaning                                              | leaves by                                      |
 * | ----------- | ---------------------------------------------------- | ---------------------------------------------- |
 * | `queued`    | waits for its moment, its turn or its limits         | claim, cancel, late success                    |
 * | `running`   | one owner works on one attempt                       | success, retry, defer, death, cancel, takeover |
 * | `succeeded` | ended well                                           | never                                          |
 * | `dead`      | ended badly; stays as a dead letter until purged     | never (a replay is a new job)                  |
 * | `cancelled` | somebody asked for it to stop, or a newer job did    | never                                          |
 */
import type { Evidence, Job, PermitRecord, RunIdentity, WorkerResult } from "@agentcore/contract";

/** Why something is as it is: a code of the catalog, words for people, and what was true at the time. */
export interface Reason {
  readonly code: string;
  readonly message: string;
  readonly evidence: Evidence;
}

export interface QueuedState {
  readonly kind: "queued";
  /** Not claimed before this moment, in ms since the epoch. */
  readonly runAt: number;
  /**
   * How long the wait was meant to be when it was decided; null where the caller named an absolute moment. A `runAt`
   * further away than this can only mean that the wall clock was set back: the job is then due (see `isDue`).
   */
  readonly delayMs: number | null;
  /** Why it waits, where something said so; null for a job that waits only for its turn. */
  readonly waitingFor: Reason | null;
}

/**
 * What is noted about an attempt that has its permit: the accounting after a crash needs `permit`, the sweep needs
 * `identity`. Where the worker calls a provider, the permit is noted before the worker may start.
 */
export interface StartedAttempt {
  readonly at: number;
  /** Null until the worker was started. */
  readonly identity: RunIdentity | null;
  readonly permit: PermitRecord;
}

export interface RunningState {
  readonly kind: "running";
  /** Who works on it; see `OwnerRecord`. */
  readonly owner: string;
  readonly claimedAt: number;
  readonly started: StartedAttempt | null;
  /** Set when somebody asked for the job to stop; the owner passes it on to the runtime. */
  readonly cancelRequested: Reason | null;
}

export type JobState =
  | QueuedState
  | RunningState
  | { readonly kind: "succeeded"; readonly endedAt: number }
  /**
   * `replayedAs`: id of the job that repeats this one; at most one ever does. Of a piece of a workflow it is the id of its run,
   * which deals with its death.
   */
  | {
      readonly kind: "dead";
      readonly endedAt: number;
      readonly reason: Reason;
      readonly replayedAs: string | null;
    }
  | { readonly kind: "cancelled"; readonly endedAt: number; readonly reason: Reason };

export type JobStateKind = JobState["kind"];

export const terminalKinds = ["succeeded", "dead", "cancelled"] as const satisfies readonly JobStateKind[];

/** Charged by all attempts together; unknown amounts count as nothing here (`charge.ts` bounds them first). */
export interface Spending {
  readonly costUsd: number;
  readonly tokens: number;
}

export interface JobRecord {
  readonly job: Job;
  readonly state: JobState;
  readonly submittedAt: number;
  /** Attempts begun so far, crashes included; while running, the number of the current one. */
  readonly attempt: number;
  /**
   * Fencing token: raised by every claim and takeover and never lowered, even if a deferral gives the attempt number
   * back. A write that carries an older one is stale.
   */
  readonly epoch: number;
  readonly spent: Spending;
  /** Place within its tenant, lower first; from the order policy at submit, kept across retries and deferrals. */
  readonly rank: number;
  /** The moment from which it counts as waiting: its submit, or its `notBefore`. */
  readonly readyFrom: number;
  /** At most `perKey` jobs with the same key run at once; null: no such limit. Default policy: the workspace. */
  readonly concurrencyKey: string | null;
  /** Result of the attempt that ended it; null until then, or where it ended without one. */
  readonly result: WorkerResult | null;
}

/** One try at a job, as evidence: for `jobs show`, dead letters and the accounting. */
export interface AttemptRecord {
  readonly jobId: string;
  readonly attempt: number;
  readonly owner: string;
  readonly claimedAt: number;
  readonly started: StartedAttempt | null;
  readonly endedAt: number | null;
  readonly result: WorkerResult | null;
  /** What was decided when it ended: `succeeded`, `retry`, `dead`, `cancelled`; null while it runs. */
  readonly decision: "succeeded" | "retry" | "dead" | "cancelled" | null;
}

/** Names one claim. Every write about an attempt carries it, and touches exactly one row or none. */
export interface AttemptRef {
  readonly jobId: string;
  readonly attempt: number;
  readonly epoch: number;
}

export function attemptRef(record: JobRecord): AttemptRef {
  return { jobId: record.job.id, attempt: record.attempt, epoch: record.epoch };
}

export function isTerminal(state: JobState): boolean {
  return state.kind !== "queued" && state.kind !== "running";
}

/** A wall clock that shows a moment so much earlier than one it has shown was set back; less is a small correction. In ms. */
export const clockSetBackMsMin = 1000;

/**
 * Whether a queued job may run at `now`. A relative wait that lies further ahead than it was ever meant to is due: the
 * wall clock was set back, and waiting for it to catch up could take a month.
 */
export function isDue({ runAt, delayMs }: QueuedState, now: number): boolean {
  return runAt <= now || (delayMs !== null && runAt - delayMs > now + clockSetBackMsMin);
}
