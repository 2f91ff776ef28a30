/**
 * The part of a scheduler that needs no runtime: submit, query, wait, cancel. A process that only submits jobs uses it
 * alone; the process that runs the jobs notices within a quarter of a second.
 */
import {
  AgentCoreError,
  requireId,
  requireOptions,
  type CancelRequest,
  type Clock,
  type Evidence,
  type Ids,
  ignore,
  isAgentCoreError,
  type Job,
  type JobSubmission,
  type Log,
  type RunEvent,
} from "@agentcore/contract";
import { ChangeWatch } from "../change-watch.ts";
import { RunEvents, type RunEventListener } from "../run-events.ts";
import type { JobRecord, Reason } from "../job-record.ts";
import { isTerminal } from "../job-record.ts";
import {
  submitResultOf,
  type CancelAnswer,
  type JobStore,
  type QueueStats,
  type Submission,
  type SubmitResult,
} from "../job-store.ts";
import type { Journal, JournalWrite } from "../journal.ts";
import { DeadLetters } from "./dead-letters.ts";
import { JobEnds, jobEndOf, type JobEnd } from "./job-end.ts";
import type { JobHandle } from "./job-handle.ts";
import { defaultPolicies, type SchedulerPolicies } from "./policies.ts";
import { runOfPiece } from "../piece.ts";
import { jobNotFound, keyHeld } from "./refusals.ts";
import { toSubmission } from "./submission.ts";
import { explainWaits, type WaitFacts, type WaitingFor } from "./explain-waits.ts";
import { explain, type WhyReport } from "./why.ts";

export interface QueueClientOptions {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly policies?: Partial<SchedulerPolicies> | undefined;
  /** Names of the known workers; a job for another one is refused at submit. Default: not checked. */
  readonly workers?: readonly string[] | undefined;
}

/** The outcome of one of several submits. */
export type SubmitOutcome =
  | { readonly ok: true; readonly handle: JobHandle }
  | { readonly ok: false; readonly error: AgentCoreError };

/** What the runs in this process learn at once, and not from the next poll. */
export interface LocalRuns {
  /** Only jobs that were submitted here, or that have a handle here, are run. */
  readonly ownOnly: boolean;
  /** Jobs were just handed to the store, which has not answered yet. */
  onSubmitting(): void;
  onSubmitted(): void;
  cancel(jobId: string, request: CancelRequest<Reason>): void;
  /** Why no job starts here now: as many run as may. Null if there is room. */
  full(): Reason | null;
  /** See `Scheduler.heldBack`. */
  heldBack(): WaitFacts["held"];
}

/** Most held concurrency keys whose jobs are counted for `waits`. */
const heldKeysMax = 100;

export class QueueClient {
  readonly store: JobStore;
  readonly policies: SchedulerPolicies;
  readonly changes: ChangeWatch;
  readonly events: RunEvents;
  readonly ends: JobEnds;
  readonly deadLetters: DeadLetters;
  /**
   * Unfinished jobs that are being submitted here or have a handle here. With `ownOnly`, all of them; otherwise only pieces of
   * workflow runs, which are claimed by name.
   */
  readonly own = new Set<string>();
  readonly #options: QueueClientOptions;
  #runs: LocalRuns | undefined;
  #closed = false;

  constructor(options: QueueClientOptions) {
    const { store, clock, log } = options;
    this.#options = options;
    this.store = store;
    this.policies = { ...defaultPolicies, ...options.policies };
    this.changes = new ChangeWatch(store, clock, log);
    this.events = new RunEvents(log);
    this.ends = new JobEnds({ store, changes: this.changes, log });
    const { policies } = this;
    const onReplayed = (): void => this.#runs?.onSubmitted();
    const requireOpen = (): void => this.#requireOpen();
    this.deadLetters = new DeadLetters({ ...options, policies, onReplayed, requireOpen });
  }

  /** Called once by the part that runs jobs in this process. */
  attachRuns(runs: LocalRuns): void {
    this.#runs = runs;
  }

  /**
   * Resolves once the job is durable. Throws `AC_JOB_INVALID`, `AC_JOB_TOO_LARGE` or `AC_WORKER_UNKNOWN` for a job that is not
   * accepted, `AC_KEY_HELD` if its key is held and the policy is to reject, `AC_DRAINING` if the scheduler was closed, and
   * `AC_STORE_UNAVAILABLE` if the store does not accept it now.
   */
  async submit(job: JobSubmission): Promise<JobHandle> {
    const [outcome] = await this.submitAll([job]);
    if (outcome === undefined || !outcome.ok) throw outcome?.error ?? jobNotFound(String(job.id));
    return outcome.handle;
  }

  /**
   * Submits all jobs in one transaction; outcomes are in the order of the jobs. A job whose key is held is refused alone
   * (`AC_KEY_HELD`). An invalid job refuses all of them: the call throws as `submit` does, before any is stored.
   */
  async submitAll(jobs: readonly JobSubmission[]): Promise<readonly SubmitOutcome[]> {
    const submissions = this.#submissionsOf(jobs);
    return this.#outcomesOf(
      await this.#storing(submissions, this.store.submit(submissions, this.policies.dedup)),
    );
  }

  /**
   * As `submitAll`, together with an append to a journal. Where the store holds the journal, both are done or neither; otherwise the
   * entries are written first. `conflict`: the stream has another length than the writer expects, and nothing was written. If it
   * throws `AC_STORE_UNAVAILABLE`, it is not known whether the entries were written.
   */
  async appendAndSubmit(
    journal: Journal,
    write: JournalWrite,
    jobs: readonly JobSubmission[],
  ): Promise<"conflict" | readonly SubmitOutcome[]> {
    const submissions = this.#submissionsOf(jobs);
    if (!this.store.holds(journal)) {
      const answer = await journal.append(write.stream, write);
      return answer === "conflict" ? answer : this.submitAll(jobs);
    }
    const results = await this.#storing(
      submissions,
      this.store.appendAndSubmit(write, submissions, this.policies.dedup),
    );
    return results === "conflict" ? results : this.#outcomesOf(results);
  }

  #submissionsOf(jobs: readonly JobSubmission[]): readonly Submission[] {
    if (this.#closed) throw closed("the scheduler was closed; nothing was submitted", { submitted: false });
    const { ids, workers, clock } = this.#options;
    const ports = { ids, workers, policies: this.policies, now: clock.now() };
    return jobs.map((job) => toSubmission(job, ports));
  }

  #storing<T>(submissions: readonly Submission[], storing: Promise<T>): Promise<T | readonly SubmitResult[]> {
    const stored = storing.catch(async (error: unknown) => this.#resultsDespite(error, submissions));
    return this.#claimingMeanwhile(submissions, stored);
  }

  async #outcomesOf(results: readonly SubmitResult[]): Promise<readonly SubmitOutcome[]> {
    await this.#announce(results);
    return results.map((result) => {
      if (result.kind === "rejected") {
        return { ok: false, error: keyHeld(result.holder) };
      }
      return { ok: true, handle: this.#handle(result.record.job.id, result.kind === "deduplicated") };
    });
  }

  /** The jobs can be claimed in the commit that stores them. Duplicates of other jobs are not stored, so they are not claimed. */
  async #claimingMeanwhile<T>(submissions: readonly Submission[], stored: Promise<T>): Promise<T> {
    const expected = submissions.filter(({ job }) => this.#isOwn(job)).map(({ job }) => job.id);
    for (const id of expected) this.own.add(id);
    this.#runs?.onSubmitting();
    try {
      return await stored;
    } finally {
      for (const id of expected) this.own.delete(id);
    }
  }

  /**
   * A failed submit may have been stored all the same: looks up the jobs by their ids. Throws the store's error, with the ids and
   * whether they were stored.
   */
  async #resultsDespite(
    failure: unknown,
    submissions: readonly Submission[],
  ): Promise<readonly SubmitResult[]> {
    if (!isAgentCoreError(failure) || failure.code !== "AC_STORE_UNAVAILABLE") throw failure;
    // Without a job to look for, nothing says whether it was done.
    if (submissions.length === 0) throw failure;
    const jobIds = submissions.map(({ job }) => job.id);
    const looks = await Promise.allSettled(jobIds.map((id) => this.store.get(id)));
    if (looks.some(({ status }) => status === "rejected")) {
      const named = jobIds.length === 1 ? `job ${jobIds[0]}` : `${jobIds.length} jobs`;
      const message = `whether ${named} was submitted is not known: ${failure.message}`;
      throw storeUnavailable(message, failure, { jobIds, submitted: null });
    }
    const results = looks.flatMap((look, index) => {
      const record = look.status === "fulfilled" ? look.value : undefined;
      return record === undefined ? [] : [submitResultOf(jobIds[index]!, record)];
    });
    if (results.length < jobIds.length) {
      throw storeUnavailable(`nothing was submitted: ${failure.message}`, failure, {
        jobIds,
        submitted: false,
      });
    }
    return results;
  }

  /** Its store may be closed as well, and then has errors of its own. */
  #requireOpen(): void {
    if (this.#closed) throw closed("the scheduler was closed");
  }

  /**
   * Returns a handle of a job that was submitted before, by its id or an alias. Throws `AC_JOB_NOT_FOUND`, or `AC_DRAINING` if the
   * scheduler was closed, as every call below.
   */
  async attach(jobId: string): Promise<JobHandle> {
    requireId("job", jobId);
    this.#requireOpen();
    const record = await this.store.get(jobId);
    if (record === undefined) throw jobNotFound(jobId);
    this.#adopt(record);
    this.#runs?.onSubmitted();
    return this.#handle(record.job.id, true);
  }

  async cancel(jobId: string, request: Partial<CancelRequest<string>> = {}): Promise<CancelAnswer> {
    requireId("job", jobId);
    requireOptions("cancel()", request, { reason: "string", force: "boolean" });
    this.#requireOpen();
    const { reason: message = "cancelled by request", force } = request;
    const reason: Reason = { code: "AC_CANCELLED", message, evidence: {} };
    // Stop a run of this process now, even if the disk is slow: otherwise it may end for another reason first.
    this.#runs?.cancel(jobId, { reason, force });
    const answer = await this.store.requestCancel(jobId, reason, this.#options.clock.now());
    if (answer.kind === "cancelled") this.announceEnd(answer.record);
    // It may have begun since, and the id may have been an alias.
    if (answer.kind === "requested") this.#runs?.cancel(answer.record.job.id, { reason, force });
    return answer;
  }

  /**
   * Makes a delayed job due, also one that waits for its next attempt. Any other job stays as it is. Returns the job; throws
   * `AC_JOB_NOT_FOUND`.
   */
  async runNow(jobId: string): Promise<JobRecord> {
    this.#requireOpen();
    const found = await this.store.get(jobId);
    if (found === undefined) throw jobNotFound(jobId);
    const at = this.#options.clock.now();
    const record = await this.store.runNow(found.job.id, { at, rank: this.policies.rank(found.job, at) });
    if (record === undefined) throw jobNotFound(jobId);
    this.#runs?.onSubmitted();
    return record;
  }

  async why(jobId: string): Promise<WhyReport> {
    requireId("job", jobId);
    this.#requireOpen();
    const now = this.#options.clock.now();
    return explain(this.store, jobId, { now, full: () => this.#runs?.full() ?? null });
  }

  /** What the queued jobs wait for, the most first. Quick with a long queue, unlike `why`. */
  async waits(): Promise<readonly WaitingFor[]> {
    this.#requireOpen();
    const held = this.#runs?.heldBack() ?? [];
    const keys = held.flatMap(({ scope }) => (scope.kind === "concurrency_key" ? scope.concurrencyKey : []));
    const now = this.#options.clock.now();
    const waits = await this.store.waits({ now, keys: keys.slice(0, heldKeysMax) });
    return explainWaits(waits, { now, held, full: this.#runs?.full() ?? null });
  }

  async stats(): Promise<QueueStats> {
    this.#requireOpen();
    return this.store.stats(this.#options.clock.now());
  }

  /** Calls the listener with every event in this process. Returns a function that unsubscribes. */
  subscribe(listener: RunEventListener): () => void {
    return this.events.subscribe(listener);
  }

  /** Publishes the end of a job and resolves those who wait for it. */
  announceEnd(record: JobRecord): void {
    const end = jobEndOf(record);
    if (end === undefined) return;
    const { jobId, state: outcome, attempts } = end;
    this.own.delete(jobId);
    this.events.publish({ type: "job_ended", jobId, at: this.#options.clock.now(), outcome, attempts });
    this.ends.tell(record);
  }

  closeClient(): void {
    this.#closed = true;
    this.ends.close();
  }

  async #announce(results: readonly SubmitResult[]): Promise<void> {
    const at = this.#options.clock.now();
    for (const result of results) {
      if (result.kind === "rejected") continue;
      const jobId = result.record.job.id;
      this.#adopt(result.record);
      this.events.publish({ type: "job_submitted", jobId, at, deduplicated: result.kind === "deduplicated" });
      if (result.kind === "accepted" && result.replaced !== null) {
        await this.#announceReplaced(result.replaced);
      }
    }
    if (results.some(({ kind }) => kind !== "rejected")) this.#runs?.onSubmitted();
  }

  #adopt({ job, state }: JobRecord): void {
    if (!isTerminal(state) && this.#isOwn(job)) this.own.add(job.id);
  }

  /** Whether the job is claimed by name. */
  #isOwn(job: Job): boolean {
    return this.#runs !== undefined && (this.#runs.ownOnly || runOfPiece(job) !== null);
  }

  async #announceReplaced(jobId: string): Promise<void> {
    const old = await this.store.get(jobId);
    if (old?.state.kind === "cancelled") this.announceEnd(old);
    if (old?.state.kind !== "running" || old.state.cancelRequested === null) return;
    this.#runs?.cancel(jobId, { reason: old.state.cancelRequested });
  }

  #handle(id: string, deduplicated: boolean): JobHandle {
    return {
      id,
      deduplicated,
      result: () => this.#result(id),
      events: () => this.#eventsUntilEnd(id),
      cancel: async (request) => (await this.cancel(id, request)).kind,
    };
  }

  async #result(id: string): Promise<JobEnd> {
    return jobEndOf(await this.ends.wait(id))!;
  }

  #eventsUntilEnd(id: string): AsyncIterable<RunEvent> {
    const followed = this.events.follow(id);
    // For a job that ended before, or ends in another process, nobody else here publishes its end.
    this.#result(id).then(
      ({ state: outcome, attempts }) =>
        followed.push({ type: "job_ended", jobId: id, at: this.#options.clock.now(), outcome, attempts }),
      (error: unknown) => {
        ignore(error, "the scheduler was closed, which `result()` tells; the events end");
        followed.stop();
      },
    );
    return followed.events;
  }
}

function closed(message: string, evidence: Evidence = {}): AgentCoreError {
  return new AgentCoreError("AC_DRAINING", message, { evidence });
}

function storeUnavailable(message: string, error: AgentCoreError, evidence: Evidence): AgentCoreError {
  return new AgentCoreError("AC_STORE_UNAVAILABLE", message, {
    evidence: { ...error.evidence, ...evidence },
    cause: error,
  });
}
