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

/** Why something happened: a code of the catalog, words for people, and the facts at the time. */
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
   * The length of the wait when it was decided; null if the caller named an absolute moment. If `runAt` is further away than
   * this, the wall clock was set back: the job is then due (see `isDue`).
   */
  readonly delayMs: number | null;
  /** Why the job waits, if known; null for a job that only waits for its turn. */
  readonly waitingFor: Reason | null;
}

/**
 * What is noted about an attempt that has its permit. The accounting after a crash needs `permit`, the sweep needs `identity`. If
 * the worker calls a provider, the permit is noted before the worker may start.
 */
export interface StartedAttempt {
  readonly at: number;
  /** Null until the worker was started. */
  readonly identity: RunIdentity | null;
  readonly permit: PermitRecord;
}

export interface RunningState {
  readonly kind: "running";
  /** The owner that works on it; see `OwnerRecord`. */
  readonly owner: string;
  readonly claimedAt: number;
  readonly started: StartedAttempt | null;
  /** Set when a stop of the job was requested; the owner passes it on to the runtime. */
  readonly cancelRequested: Reason | null;
}

export type JobState =
  | QueuedState
  | RunningState
  | { readonly kind: "succeeded"; readonly endedAt: number }
  /**
   * `replayedAs`: id of the job that repeats this one; there is at most one. For a piece of a workflow, the id of its run, which
   * handles its death.
   */
  | {
      readonly kind: "dead";
      readonly endedAt: number;
      readonly reason: Reason;
      readonly replayedAs: string | null;
    }
  | { readonly kind: "cancelled"; readonly endedAt: number; readonly reason: Reason };

export type JobStateKind = JobState["kind"];

/** Why the job waits, is to stop, or ended; null if there is nothing to say. */
export function reasonOfState(state: JobState): Reason | null {
  switch (state.kind) {
    case "queued":
      return state.waitingFor;
    case "running":
      return state.cancelRequested;
    case "succeeded":
      return null;
    case "dead":
    case "cancelled":
      return state.reason;
  }
}

export const terminalKinds = ["succeeded", "dead", "cancelled"] as const satisfies readonly JobStateKind[];

/** Charged by all attempts together; unknown amounts count as 0 here (`charge.ts` bounds them first). */
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
  /** Place within its tenant, lower first. Set by the order policy at submit, kept across retries and deferrals. */
  readonly rank: number;
  /** The start of its wait: its submit, or its `notBefore`. */
  readonly readyFrom: number;
  /** At most `perKey` jobs with the same key run at once; null: no limit. Default policy: the workspace. */
  readonly concurrencyKey: string | null;
  /** Result of the attempt that ended it; null before that, or if it ended without a result. */
  readonly result: WorkerResult | null;
}

/** One try at a job, as evidence for `jobs show`, dead letters and the accounting. */
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

/** Names one claim. Every write about an attempt carries it, and changes one row or none. */
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

/** In ms. A wall clock that goes back by at least this was set back; less is a small correction. */
export const clockSetBackMsMin = 1000;

/**
 * Whether a queued job may run at `now`. A relative wait that lies further ahead than it was meant to is due: the wall clock was
 * set back, and reaching `runAt` could take a month.
 */
export function isDue({ runAt, delayMs }: QueuedState, now: number): boolean {
  return runAt <= now || (delayMs !== null && runAt - delayMs > now + clockSetBackMsMin);
}
