/**
 * The scheduler: one owner of jobs in a store, feeding one runtime. This file only connects the parts. Life of an owner:
 * register, take over jobs of dead owners, end their leftovers, claim and run until closed or fenced. A fenced owner stops
 * all its runs and continues as a new owner.
 */
import {
  backOffMs,
  requireOptions,
  settledWithin,
  sleep,
  type CancelRequest,
  type Denial,
  type Escalation,
  type JobSubmission,
} from "@agentcore/contract";
import { Attempt } from "./drive/attempt.ts";
import { DriveLoop } from "./drive/drive-loop.ts";
import type { RunEventListener } from "./run-events.ts";
import { StartedNotes } from "./drive/started-notes.ts";
import { AttemptSettler } from "./drive/attempt-settler.ts";
import { PutBacks } from "./drive/put-backs.ts";
import { Throttle } from "./drive/throttle.ts";
import type { Journal, JournalWrite } from "./journal.ts";
import type { JobRecord, Reason } from "./job-record.ts";
import type { CancelAnswer, QueueStats } from "./job-store.ts";
import { Housekeeping } from "./drive/housekeeping.ts";
import { OwnerLease } from "./recovery/owner-lease.ts";
import type { FencedBy } from "./recovery/own-lease.ts";
import { Recovery, type Whereabouts } from "./recovery/recovery.ts";
import { resolveOptions, type ResolvedOptions, type SchedulerOptions } from "./scheduler-options.ts";
import type { DeadLetters } from "./submit/dead-letters.ts";
import type { JobHandle } from "./submit/job-handle.ts";
import { QueueClient, type SubmitOutcome } from "./submit/queue-client.ts";
import type { WaitingFor } from "./submit/explain-waits.ts";
import type { WhyReport } from "./submit/why.ts";
import { aboutEvidence } from "./about-attempt.ts";

export interface CloseOptions {
  /**
   * Let the attempts in flight end on their own. Default false: they are stopped, count as lost, and are repeated only if the
   * limits of their job allow it.
   */
  readonly finishRunning?: boolean;
  /**
   * After the last attempt has ended: longest wait in ms for a store that does not accept its end. Default 10,000. The next
   * scheduler on the store accounts for ends that were not written.
   */
  readonly storeWaitMs?: number;
}

const storeWaitMsDefault = 10_000;

const fencedReasons: Readonly<Record<FencedBy, Pick<Reason, "code" | "message">>> = {
  takeover: { code: "AC_RUNTIME_LOST", message: "another scheduler took over" },
  silence: {
    code: "AC_LEASE_LOST",
    message: "this host could not renew its lease on the shared store in time",
  },
};

const againMsMin = 100;
const againMsMax = 5000;

/**
 * Starts a scheduler. Resolves once it has handled what an earlier one left behind and has begun to claim. Rejects with
 * `AC_STORE_UNAVAILABLE` if the store does not answer.
 */
export async function createScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const scheduler = new Scheduler(resolveOptions(options));
  await scheduler.start();
  return scheduler;
}

export class Scheduler {
  readonly #options: ResolvedOptions;
  readonly #client: QueueClient;
  readonly #loop: DriveLoop;
  readonly #recovery: Recovery;
  readonly #throttle = new Throttle();
  readonly #housekeeping: Housekeeping;
  readonly #notes: StartedNotes;
  #lease: OwnerLease | null = null;
  #closing: Promise<void> | null = null;
  #unsubscribe: (() => void)[] = [];

  /** Use {@link createScheduler}. */
  constructor(options: ResolvedOptions) {
    this.#options = options;
    const { store, clock, log, spool, proveGone, spendingOfLost, policy: policies, ids, workers } = options;
    const client = new QueueClient({ store, clock, ids, log, policies, workers });
    this.#client = client;
    this.#notes = new StartedNotes(store, clock, log);
    const settler = new AttemptSettler(options, client);
    this.#loop = this.#createLoop(settler);
    this.#recovery = new Recovery({
      store,
      clock,
      log,
      spool,
      proveGone,
      spendingOfLost,
      neverBegan: options.neverBegan,
      settleHolds: options.settleHolds,
      settle: (ended) => this.#loop.settle(settler.decide({ ...ended, stopped: null })),
      onUnproved: (record) => this.#escalateUnproved(record),
    });
    this.#housekeeping = new Housekeeping({
      options,
      client,
      loop: this.#loop,
      recovery: this.#recovery,
      lease: () => this.#lease,
    });
  }

  /** Called once, by `createScheduler`. */
  async start(): Promise<void> {
    const { runtime } = this.#options;
    this.#client.attachRuns({
      ownOnly: this.#options.claims === "own",
      onSubmitting: () => this.#loop.expectSubmit(),
      onSubmitted: () => this.#loop.wake(),
      cancel: (jobId, request) => this.#loop.cancel(jobId, request),
      full: () => this.#loop.full(),
      heldBack: () => this.heldBack(),
    });
    await this.#becomeOwner();
    this.#unsubscribe = [
      this.#client.changes.subscribe((change, by) => this.#housekeeping.onChange(change, by)),
      runtime.onEscalation((escalation) => this.#publishEscalation(escalation)),
    ];
  }

  /** See `QueueClient.submit`. */
  submit(job: JobSubmission): Promise<JobHandle> {
    return this.#client.submit(job);
  }

  /** See `QueueClient.submitAll`. */
  submitAll(jobs: readonly JobSubmission[]): Promise<readonly SubmitOutcome[]> {
    return this.#client.submitAll(jobs);
  }

  /** See `QueueClient.appendAndSubmit`. */
  appendAndSubmit(
    journal: Journal,
    write: JournalWrite,
    jobs: readonly JobSubmission[],
  ): Promise<"conflict" | readonly SubmitOutcome[]> {
    return this.#client.appendAndSubmit(journal, write, jobs);
  }

  /** See `QueueClient.attach`. */
  attach(jobId: string): Promise<JobHandle> {
    return this.#client.attach(jobId);
  }

  /** See `QueueClient.cancel`. */
  cancel(jobId: string, request?: Partial<CancelRequest<string>>): Promise<CancelAnswer> {
    return this.#client.cancel(jobId, request);
  }

  /** Calls the listener with every event of the jobs here, from submit to end. Returns a function that unsubscribes. */
  subscribe(listener: RunEventListener): () => void {
    return this.#client.subscribe(listener);
  }

  get deadLetters(): DeadLetters {
    return this.#client.deadLetters;
  }

  why(jobId: string): Promise<WhyReport> {
    return this.#client.why(jobId);
  }

  /** See `QueueClient.waits`. */
  waits(): Promise<readonly WaitingFor[]> {
    return this.#client.waits();
  }

  stats(): Promise<QueueStats> {
    return this.#client.stats();
  }

  /** The scopes in which fewer jobs are started than there is room for because the runtime denied them, with its reasons. */
  heldBack(): ReturnType<Throttle["reasons"]> {
    return this.#throttle.reasons();
  }

  /** Attempts of dead schedulers that are not yet proved gone. */
  get unrecovered(): number {
    return this.#recovery.size;
  }

  /** Resolves when no job is queued, delayed or running, in this process or another. */
  whenIdle(): Promise<void> {
    return this.#housekeeping.whenIdle();
  }

  /**
   * Ends this scheduler and everything it runs; idempotent. A call without `finishRunning` also stops what an earlier call left
   * running. Jobs stay in the store. Does not close the store or the runtime.
   * Resolves once all ends are written, or the store has not accepted them within `storeWaitMs`.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    requireOptions("close()", options, { finishRunning: "boolean", storeWaitMs: "number" });
    const { finishRunning = false, storeWaitMs = storeWaitMsDefault } = options;
    this.#closing ??= this.#close(storeWaitMs);
    const reason: Reason = { code: "AC_DRAINING", message: "the scheduler is shutting down", evidence: {} };
    if (!finishRunning) this.#loop.cancelAll({ reason });
    return await this.#closing;
  }

  async #close(storeWaitMs: number): Promise<void> {
    const { clock, log } = this.#options;
    this.#loop.pause();
    await this.#loop.whenEnded();
    if (!(await settledWithin(clock, this.#loop.whenEmpty(), storeWaitMs)))
      log.error({}, "the job store did not take the last ends; the next process accounts for them");
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#recovery.close();
    this.#loop.close();
    this.#notes.close();
    await this.#signOff();
    this.#client.closeClient();
  }

  async #becomeOwner(): Promise<void> {
    const { store, clock, log, runtime, leaseMs, processState, ids } = this.#options;
    // A host that was asked to drain is still draining as a new owner.
    const process = this.#lease?.process ?? this.#options.process;
    const lease = new OwnerLease({
      store,
      clock,
      log,
      owner: ids.next(),
      process,
      leaseMs,
      processState,
      onTakenOver: (jobs, where) => this.#onTakenOver(jobs, where),
      onTakeOverUnknown: () => this.#loop.reconcile(),
      onRenewed: (untilMs) => runtime.renewLease(untilMs),
      onFenced: (by) => void this.#onFenced(by),
    });
    this.#lease = lease;
    await lease.start();
    // The sweep must end before the first claim.
    await this.#recovery.pass();
    if (this.#closing !== null) await lease.resign();
    else if (lease.isHeld) this.#loop.resume(lease.owner);
  }

  #onTakenOver(jobs: readonly JobRecord[], where: Whereabouts): void {
    this.#recovery.add(jobs, where);
    void this.#recovery.pass();
  }

  async #onFenced(by: FencedBy): Promise<void> {
    const { code, message } = fencedReasons[by];
    this.#options.log.error({ owner: this.#lease?.owner, code }, `${message}; stopping what runs here`);
    this.#loop.pause();
    if (by === "takeover") this.#recovery.forget();
    this.#loop.cancelAll({ reason: { code, message, evidence: {} }, force: true });
    await this.#loop.whenEmpty();
    if (by === "silence") await this.#signOff();
    this.#recovery.forget();
    await this.#becomeOwnerAgain();
  }

  /** Where machines share the store, another one would take an owner that signed off as a proof that nothing of it runs. */
  async #signOff(): Promise<void> {
    const { process } = this.#options;
    if (process.place !== undefined && this.#recovery.size > 0) this.#lease?.abandon();
    else await this.#lease?.resign();
  }

  /** Retries without limit: a scheduler that is no owner does nothing, and its callers would wait without end. */
  async #becomeOwnerAgain(): Promise<void> {
    const { clock, log } = this.#options;
    for (let failures = 1; this.#closing === null; failures += 1) {
      const delayMs = backOffMs(failures, { minMs: againMsMin, maxMs: againMsMax });
      try {
        return await this.#becomeOwner();
      } catch (error) {
        log.warn({ error, delayMs }, "could not become an owner again; trying again");
      }
      await sleep(clock, delayMs);
    }
  }

  #createLoop(settler: AttemptSettler): DriveLoop {
    const { store, clock, log, runtime, lack, concurrency, perKey, claims } = this.#options;
    const putBacks = new PutBacks();
    return new DriveLoop({
      store,
      clock,
      log,
      throttle: this.#throttle,
      concurrency,
      perKey,
      only: () => (claims === "own" ? [...this.#client.own] : undefined),
      pieces: () => (claims === "own" ? [] : [...this.#client.own]),
      createAttempt: (record, answers) =>
        new Attempt(record, {
          ...answers,
          runtime,
          lack,
          clock,
          log,
          events: this.#client.events,
          settle: (ended) => settler.decide(ended),
          notes: this.#notes,
          putBacks,
          onPutBackOften: (record, denial) => this.#escalatePutBack(record, denial),
        }),
      isRecovering: (record) => this.#recovery.has(record),
      isTakingOver: () => this.#lease?.isTakingOver ?? false,
      onInherited: (records) => this.#onTakenOver(records, "unknown"),
      onSettled: (settlement, settled) => settler.announce(settlement, settled),
      onQuiet: () => this.#housekeeping.onQuiet(),
    });
  }

  #escalateUnproved({ job, attempt, concurrencyKey }: JobRecord): void {
    this.#escalate({
      stage: "isolate_workspace",
      code: "AC_UNCONTAINED",
      target: concurrencyKey === null ? `job:${job.id}` : `workspace:${concurrencyKey}`,
      message: `attempt ${attempt} of job ${job.id} was left behind and cannot be proved gone; nothing runs beside it`,
      evidence: { jobId: job.id, attempt },
    });
  }

  #escalatePutBack({ job, attempt }: JobRecord, { code, message }: Denial): void {
    this.#escalate({
      stage: "notify",
      code,
      target: `job:${job.id}`,
      message: `job ${job.id} was put back repeatedly: ${message}`,
      evidence: { jobId: job.id, attempt },
    });
  }

  #escalate(escalation: Omit<Escalation, "at">): void {
    const { log, clock } = this.#options;
    const { code, message, evidence } = escalation;
    log.error({ ...aboutEvidence(evidence), code }, message);
    this.#publishEscalation({ ...escalation, at: clock.now() });
  }

  #publishEscalation(escalation: Escalation): void {
    const { evidence } = escalation;
    const jobId = typeof evidence["jobId"] === "string" ? evidence["jobId"] : "";
    this.#client.events.publish({ type: "escalation", jobId, ...escalation });
  }
}
