/**
 * The port for storing jobs. Implementations: `createMemoryStore` here, `@agentcore/store-sqlite` and
 * `@agentcore/store-postgres`. All pass `jobStoreConformance` of `@agentcore/scheduler/testing`, and so must any other.
 *
 * Every method is one transaction, all or nothing. Its promise settles after the commit, so acknowledged writes survive a
 * power cut (except in the memory store). Concurrent calls may share one commit. A rejected promise is an `AgentCoreError`
 * (`AC_STORE_UNAVAILABLE` if a later call may work) and means that nothing was done, or, if the commit failed, that the
 * result is unknown: repeating the call is safe. Several processes may use one store. Times come from the caller; a store
 * reads no clock.
 */
import type { Job, Priority, WorkerResult } from "@agentcore/contract";
import type { Decision, NewDecision } from "./decision.ts";
import type { JobPage, JobQuery } from "./job-query.ts";
import type { Journal, JournalWrite } from "./journal.ts";
import type { AttemptRecord, AttemptRef, JobRecord, Reason, StartedAttempt } from "./job-record.ts";
import type { QueueWaits, WaitsRequest } from "./queue-waits.ts";

export interface JobStore {
  // --- Submit ---------------------------------------------------------------------------------------------------------

  /**
   * Puts jobs into the queue, in one transaction and in this order (so two of one call may coalesce). Returns one result for
   * each. If an id exists already (or is an alias), the result is that job and nothing changes, so a submitter that never
   * received the acknowledgement can repeat the call.
   *
   * If an unfinished job holds the key, `decideDedup` is called inside the transaction; it must be pure and quick. `coalesce`
   * stores the submission's id as an alias of the holder's if `rememberAlias` is set. `replace` cancels a queued holder at once
   * and requests the cancel of a running one; from then on the key belongs to the new job. `reject` stores nothing.
   */
  submit(submissions: readonly Submission[], decideDedup: DecideDedup): Promise<readonly SubmitResult[]>;

  /**
   * Appends to a stream of the journal that this store `holds` and submits jobs as `submit` does, in one transaction: both or
   * neither. `conflict`: the length of the stream differs from `after`, as in `Journal.append`, and nothing was written. A job whose
   * key is held is rejected alone.
   */
  appendAndSubmit(
    write: JournalWrite,
    submissions: readonly Submission[],
    decideDedup: DecideDedup,
  ): Promise<"conflict" | readonly SubmitResult[]>;

  /** Whether the journal is in the same storage, so that `appendAndSubmit` writes to it. */
  holds(journal: Journal): boolean;

  // --- Work -----------------------------------------------------------------------------------------------------------

  /**
   * Takes up to `limit` jobs that are due and may run, each as a new attempt (`attempt + 1`, `epoch + 1`) of `owner`.
   *
   * A job may run if the filter does not exclude it, fewer than `perKey` jobs with its concurrency key run (including those just
   * claimed), and no other job with its idempotency key runs (a `latest-wins` successor waits for the end of the old one). A job
   * that may not run is skipped and does not block those after it. A piece of a workflow run (`piece.ts`) is taken only if `only`
   * or `pieces` names it.
   *
   * Order: within a tenant by `rank`, then by submission. Among the first jobs of all tenants, the lowest `rank + max(0, served -
   * readyFrom)` wins, with `served = min(last claim of the tenant, now)`: the wait is counted from no earlier than the tenant's
   * last claim. Ties go to the tenant with fewest running jobs, then by rank, then by id. `compareCandidates` of `claim-order.ts`
   * implements this order. Tenants of equal priority take turns, and none starves: an unserved tenant keeps gaining on the
   * others.
   *
   * An owner that is not registered, or was fenced by a takeover, claims nothing. A host that is draining takes only what `only`
   * or `pieces` name: it finishes the workflow runs that it works on.
   */
  claim(request: ClaimRequest): Promise<readonly JobRecord[]>;

  /**
   * Ends attempts and claims the next ones in one transaction: the one call of a busy scheduler. Settlements are applied first,
   * each guarded by its `AttemptRef` (id, attempt, epoch, state `running`), so the claim sees what they free. A stale settlement
   * changes nothing; its result, if any, goes to the late results. The one exception is a late success, after a takeover or after
   * its attempt was ended as lost: it is applied as long as no other attempt has begun and the job has not ended. Results are in
   * the order of the settlements.
   */
  settleAndClaim(settlements: readonly Settlement[], claim?: ClaimRequest): Promise<SettledAndClaimed>;

  /**
   * Notes the permit under which the attempt is executed and, once known, the identity of its processes. A later note replaces an
   * earlier one. Guarded like a settlement.
   */
  recordStarted(ref: AttemptRef, started: StartedAttempt): Promise<Applied>;

  /**
   * Cancels a queued job at once; asks the owner of a running one to stop it (`cancelRequested`, first reason wins). `ended`: the
   * job had ended already.
   */
  requestCancel(jobId: string, reason: Reason, now: number): Promise<CancelAnswer>;

  /**
   * Makes a delayed job due at `at`, with the rank of a job submitted then. Any other job stays as it is. Returns the job, by its id or
   * an alias; undefined if there is none.
   */
  runNow(jobId: string, due: { readonly at: number; readonly rank: number }): Promise<JobRecord | undefined>;

  /** The owner's running jobs for which a cancel was requested. */
  cancelRequests(owner: string): Promise<readonly JobRecord[]>;

  // --- Owners and their leases ----------------------------------------------------------------------------------------

  /** Registers an owner, with beat 0. An owner id is used once: every start of a scheduler makes a new one. */
  registerOwner(owner: OwnerRegistration): Promise<void>;

  /**
   * Raises the owner's beat. `fenced`: the owner is no longer registered because another took over; it must stop all it runs.
   * Observers judge an owner by whether its beat changes within `leaseMs` of their own monotonic clock, so that no wall clock can
   * end a lease early or extend it.
   */
  heartbeat(owner: string): Promise<"ok" | "fenced">;

  /** All registered owners. */
  owners(): Promise<readonly OwnerRecord[]>;

  /** Asks a host to take nothing more from the queue, or to take jobs again. Returns false if the owner is no host. */
  setDraining(owner: string, isDraining: boolean): Promise<boolean>;

  /**
   * Moves every running job of `from` to `to` with `epoch + 1` and removes `from`, so that any later write of `from` is stale.
   * Does nothing if `from` is gone already or its beat is no longer `beat` (it lives). Attempt numbers do not change: the new
   * owner ends these attempts once it has proof that nothing of them runs. Returns the moved jobs.
   */
  takeOver(request: TakeOverRequest): Promise<readonly JobRecord[]>;

  /** The owner's running jobs. */
  runningOf(owner: string): Promise<readonly JobRecord[]>;

  /**
   * Signs off an owner that has ended. Without running jobs, it is removed. Otherwise it is kept without a `process`, so that any
   * owner may take over from it at once, and `false` is returned.
   */
  removeOwner(owner: string): Promise<boolean>;

  // --- Ask ------------------------------------------------------------------------------------------------------------

  /** By id or alias. */
  get(jobId: string): Promise<JobRecord | undefined>;
  /** The given jobs (by id, not alias) that have ended. */
  ended(jobIds: readonly string[]): Promise<readonly JobRecord[]>;
  /** In order of their numbers. */
  attempts(jobId: string): Promise<readonly AttemptRecord[]>;
  /** Newest id first. */
  list(query: JobQuery): Promise<JobPage>;
  /** How many jobs match; `limit` has no effect. */
  count(query: JobQuery): Promise<number>;
  /** What was decided about a job, oldest first. */
  decisions(jobId: string): Promise<readonly Decision[]>;
  lateResults(jobId: string): Promise<readonly LateResult[]>;
  /** Figures of the queue; cheap enough to read once a second. Waiting pieces are not counted: nothing here may take them. */
  stats(now: number): Promise<QueueStats>;
  /** What is known of the waits of queued jobs, in figures and single jobs, whose number is bounded: for a screen. */
  waits(request: WaitsRequest): Promise<QueueWaits>;
  /** Ids ahead of a queued job in its tenant, at most `limit`, first in line first; for `why`. */
  aheadOf(jobId: string, limit: number): Promise<readonly string[]>;

  // --- Decisions, dead letters, retention -----------------------------------------------------------------------------

  /**
   * Adds to the journal of decisions. A decision that repeats the job's latest one (same type, code and attempt) raises its
   * `count` and `lastAt` and replaces its evidence, so a job that waits for days has only a few lines. Unknown jobs are ignored.
   */
  recordDecisions(decisions: readonly NewDecision[]): Promise<void>;

  /**
   * Submits a copy of a dead job as a new job and sets `replayedAs` of the dead one to it, in one transaction. A second replay
   * returns the job of the first. `held`: an unfinished job holds its key. `not_dead`: nothing to replay.
   */
  replay(deadJobId: string, submission: Submission): Promise<ReplayResult>;

  /**
   * Deletes dead letters for good, with their attempts and decisions: at most `limit` (default 1,000) a call. Returns their ids;
   * an empty list means that nothing is left to delete.
   */
  purgeDead(query: Omit<JobQuery, "states" | "before">): Promise<readonly string[]>;

  /**
   * Deletes jobs that ended before the moment, with all that belongs to them: succeeded, cancelled, and replayed dead ones. Other
   * dead letters are kept. At most `limit` (default 1,000) a call; returns how many.
   */
  deleteEnded(request: DeleteEndedRequest): Promise<number>;

  /** A number that rises with every end of an attempt or a job; see {@link DeleteEndedRequest}. */
  endMark(): Promise<number>;

  // --- Change notification --------------------------------------------------------------------------------------------

  /**
   * Calls `listener` after each commit of this process that changed jobs, but not after a claim that found none, a stale
   * settlement or a note of a start. `by`: the owner whose claims and settlements are all that changed; null if anything else did. It must not throw.
   * Returns a function that unsubscribes.
   */
  onChange(listener: (by: string | null) => void): () => void;

  /** A number that changes when another process may have changed jobs. Cheap: it is polled 4 times a second. */
  externalVersion(): Promise<number>;

  /** Ends pending commits and closes files. Idempotent; other calls afterwards reject. */
  close(): Promise<void>;
}

// --- Submit -------------------------------------------------------------------------------------------------------------

export interface Submission {
  readonly job: Job;
  readonly submittedAt: number;
  readonly runAt: number;
  /** See `QueuedState.delayMs`: 0 for a job that may run at once, null for an absolute `notBefore`. */
  readonly delayMs: number | null;
  readonly rank: number;
  readonly readyFrom: number;
  readonly concurrencyKey: string | null;
  /** The caller chose the id and may repeat the submit with it. */
  readonly rememberAlias: boolean;
}

export type DedupChoice = "coalesce" | "replace" | "reject";
/** Pure. Decides what happens to `incoming` while `holder`, queued or running, has its key. */
export type DecideDedup = (incoming: Job, holder: JobRecord) => DedupChoice;

export type SubmitResult =
  /** `replaced`: the older job whose key this one took. */
  | { readonly kind: "accepted"; readonly record: JobRecord; readonly replaced: string | null }
  /** The submission is the same job as this one, by key or by id. */
  | { readonly kind: "deduplicated"; readonly record: JobRecord }
  | { readonly kind: "rejected"; readonly holder: JobRecord };

/** The result of a submission whose answer was lost. `record`: the job that its id leads to now. */
export function submitResultOf(jobId: string, record: JobRecord): SubmitResult {
  return record.job.id === jobId
    ? { kind: "accepted", record, replaced: null }
    : { kind: "deduplicated", record };
}

// --- Work ---------------------------------------------------------------------------------------------------------------

export interface ClaimRequest {
  readonly owner: string;
  readonly now: number;
  readonly limit: number;
  /** Most running jobs with one concurrency key. */
  readonly perKey: number;
  readonly exclude: ClaimFilter;
  /** Only these jobs (ids, not aliases), in this order. Keep it short: each is looked up. Default: every job, in claim order. */
  readonly only?: readonly string[] | undefined;
  /** Pieces of workflow runs that may be taken as well, before all other jobs. Default: none. Ignored if `only` is given. */
  readonly pieces?: readonly string[] | undefined;
}

/** The scopes that the runtime refuses now. Each has a few names, never a list of jobs. */
export interface ClaimFilter {
  readonly workers: readonly string[];
  /** One model of a worker each; null: the jobs that name no model. */
  readonly models: readonly ExcludedModel[];
  readonly tenants: readonly string[];
  readonly classes: readonly Priority["class"][];
  readonly concurrencyKeys: readonly string[];
}

export interface ExcludedModel {
  readonly worker: string;
  readonly model: string | null;
}

export type Applied = "applied" | "stale";

/** How one attempt ends. */
export type Settlement = {
  readonly ref: AttemptRef;
  readonly at: number;
  /** Added to the journal with it; dropped if the settlement is stale. */
  readonly decisions?: readonly NewDecision[];
} & SettlementOutcome;

export type SettlementOutcome =
  | { readonly kind: "succeeded"; readonly result: WorkerResult; readonly charge: Charge }
  /** Back to the queue for another attempt. */
  | {
      readonly kind: "retry";
      readonly result: WorkerResult;
      readonly charge: Charge;
      readonly runAt: number;
      readonly delayMs: number;
      readonly reason: Reason;
    }
  /** `result` is null if the attempt never ran because its permit was refused for good. */
  | {
      readonly kind: "dead";
      readonly result: WorkerResult | null;
      readonly charge: Charge;
      readonly reason: Reason;
    }
  | {
      readonly kind: "cancelled";
      readonly result: WorkerResult | null;
      readonly charge: Charge;
      readonly reason: Reason;
    }
  /** The attempt never began: the job is queued again and its number is given back. A requested cancel ends the job instead. */
  | {
      readonly kind: "defer";
      readonly runAt: number;
      readonly delayMs: number;
      readonly reason: Reason;
    };

/** What the attempt adds to the job's spending. */
export interface Charge {
  readonly costUsd: number;
  readonly tokens: number;
}

export interface SettledAndClaimed {
  /** `record` is the job after an applied settlement; for a stale one, its current record, undefined if there is none. */
  readonly settled: readonly { readonly applied: Applied; readonly record: JobRecord | undefined }[];
  readonly claimed: readonly JobRecord[];
  /**
   * Set if fewer jobs were claimed than requested: when the next delayed job becomes due, in ms since the epoch. Null: there is
   * none, the claim got all it requested, or there was no claim.
   */
  readonly nextRunAt: number | null;
}

export type CancelAnswer =
  | { readonly kind: "cancelled"; readonly record: JobRecord }
  | { readonly kind: "requested"; readonly record: JobRecord }
  | { readonly kind: "ended"; readonly record: JobRecord }
  | { readonly kind: "not_found" };

// --- Owners -------------------------------------------------------------------------------------------------------------

/** Identifies the owner's process on its own machine, so that others there can see whether it lives. */
export interface OwnerProcess {
  readonly host: string;
  readonly bootId: string | null;
  readonly pid: number;
  readonly startTicks: number | null;
  /** The namespace of its pid; undefined in records of earlier versions. */
  readonly pidNamespace?: string | null | undefined;
  /**
   * Set where machines share the store: names the machine and the state directory of its runs, such as `host:/path`. Only a
   * process of the same boot and the same place can see whether it lives and prove its runs gone; for all others its lease
   * decides. Its scheduler stops all its runs when it cannot renew the lease in half of its time.
   */
  readonly place?: string | undefined;
  /** What this process does for everybody's queue. Absent: it runs only jobs of its own, and is no host. */
  readonly hosting?: Hosting | undefined;
}

export interface Hosting {
  /** Unique among the hosts of a store. */
  readonly name: string;
  /** Names of its workers. */
  readonly workers: readonly string[];
  /** Most attempts in flight. */
  readonly capacity: number;
  /** Of AgentCore. */
  readonly version: string;
  /** Somebody asked it to take nothing more from the queue. */
  readonly isDraining: boolean;
}

export type OwnerProcessState = "alive" | "gone" | "unknown";

export interface OwnerRegistration {
  readonly owner: string;
  readonly process: OwnerProcess;
  /** The owner beats several times in it. If it does not beat once and nobody can see its process, others may take over. */
  readonly leaseMs: number;
  readonly at: number;
}

export interface OwnerRecord extends Omit<OwnerRegistration, "process"> {
  /** Null: it has signed off and left running jobs, which any owner may take over. */
  readonly process: OwnerProcess | null;
  readonly beat: number;
}

export interface TakeOverRequest {
  readonly from: string;
  readonly to: string;
  /** The beat at which `from` was last seen. */
  readonly beat: number;
  readonly at: number;
}

// --- Ask ----------------------------------------------------------------------------------------------------------------

export interface QueueStats {
  /** Queued and due. */
  readonly ready: number;
  /** Queued for later. */
  readonly delayed: number;
  readonly running: number;
  readonly succeeded: number;
  /** Not replayed. */
  readonly dead: number;
  readonly cancelled: number;
  /**
   * How long the longest waiting job has been due, among the jobs that only need a free slot: the first of their tenant, worker,
   * model, class and concurrency key. 0 if none waits.
   */
  readonly oldestWaitMs: number;
}

/** A result for an attempt that its sender no longer owned: kept, not applied. */
export interface LateResult {
  readonly ref: AttemptRef;
  readonly at: number;
  readonly kind: SettlementOutcome["kind"];
  readonly result: WorkerResult;
}

export interface DeleteEndedRequest {
  /** By the wall clock of the process that ended it. A job never counts as ended before it was submitted. */
  readonly endedBefore: number;
  /** Only jobs that had ended when `endMark` returned this number, regardless of wall clocks. Default: all. */
  readonly upToMark?: number | undefined;
  readonly limit?: number;
}

export type ReplayResult =
  | { readonly kind: "accepted"; readonly record: JobRecord }
  | { readonly kind: "already"; readonly record: JobRecord }
  | { readonly kind: "held"; readonly holder: JobRecord }
  | { readonly kind: "not_dead" };

/** No filter. */
export const excludeNothing: ClaimFilter = {
  workers: [],
  models: [],
  tenants: [],
  classes: [],
  concurrencyKeys: [],
};
