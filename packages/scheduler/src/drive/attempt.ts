/**
 * Runs one attempt from its claim to its settlement: requests a permit, executes under it, decides. The drive loop writes
 * its end, together with the next claim. An attempt ends exactly once, regardless of the runtime's behavior.
 */
import {
  Cancellation,
  errorText,
  isAgentCoreError,
  isErrorCode,
  omitUndefined,
  type Clock,
  type Denial,
  type ErrorCode,
  type ExecutionObserver,
  logAbout,
  type Log,
  type PermitDecision,
  type PermitRecord,
  type Runtime,
  type WorkerResult,
} from "@agentcore/contract";
import { attemptRef, type JobRecord, type Reason } from "../job-record.ts";
import type { Settlement } from "../job-store.ts";
import { chargeUnder, failedResult } from "../retry/charge.ts";
import { scopeOfDenial, type DenialScope } from "../denial-scope.ts";
import { executedTask, permitRequestOf } from "./permit-request.ts";
import type { PutBacks } from "./put-backs.ts";
import type { RunEvents } from "../run-events.ts";
import { decisionOf, deferral, isStoppedForSystem, type EndedAttempt } from "./settlement.ts";
import type { StartedNotes } from "./started-notes.ts";
import { aboutAttempt } from "../about-attempt.ts";

/** Receives the runtime's answers to permit requests. */
export interface PermitAnswers {
  readonly onGranted: (record: JobRecord) => void;
  readonly onDenied: (scope: DenialScope, denial: DenialFacts) => void;
}

export interface AttemptOptions extends PermitAnswers {
  readonly runtime: Runtime;
  readonly lack: (worker: string) => Denial | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: RunEvents;
  /** Decides what follows the end. Must not throw. */
  readonly settle: (ended: EndedAttempt) => Settlement;
  readonly notes: StartedNotes;
  readonly putBacks: PutBacks;
  /** The job was put back so often that a person should check. */
  readonly onPutBackOften: (record: JobRecord, denial: Denial) => void;
}

export interface DenialFacts {
  readonly retryAfterMs: number;
  readonly reason: Reason;
}

/**
 * Refusals that concern the state of the system and not the job, with the time until the next request. The job stays in the
 * queue.
 */
const heldFor: Readonly<Partial<Record<ErrorCode, number>>> = {
  AC_BACKPRESSURE: 1000,
  AC_DRAINING: 2000,
  AC_GLOBAL_STOP: 5000,
  AC_RUNTIME_LOST: 1000,
  AC_LEASE_LOST: 1000,
  AC_RESTART_INTENSITY: 30_000,
};

/** Time until the next request after the runtime failed to answer. */
const unansweredMs = 1000;

/** Time until it is looked again whether a worker is here that was not: each look claims a job and puts it back. */
const lackingMs = 15_000;

export class Attempt {
  readonly record: JobRecord;
  readonly cancellation = new Cancellation<Reason>();
  readonly #options: AttemptOptions;
  readonly #log: Log;
  #granted = false;
  /** Its worker was started. */
  #begun = false;

  constructor(record: JobRecord, options: AttemptOptions) {
    this.record = record;
    this.#options = options;
    this.#log = logAbout(options.log, aboutAttempt(record));
  }

  /** Whether the runtime has granted a permit; before that, the attempt only asks for one. */
  get isGranted(): boolean {
    return this.#granted;
  }

  /** Never rejects. */
  async run(): Promise<Settlement> {
    const decision = await this.#ask();
    switch (decision.kind) {
      case "deferred":
        return this.#defer(decision, decision.retryAfterMs);
      case "rejected": {
        const retryAfterMs = heldFor[decision.code];
        return retryAfterMs === undefined ? this.#reject(decision) : this.#defer(decision, retryAfterMs);
      }
      case "granted":
        return this.#executeUnder(decision.permit);
    }
  }

  async #ask(): Promise<PermitDecision> {
    const { worker } = this.record.job.task;
    const lack = this.#options.lack(worker);
    if (lack !== null) {
      const evidence = { ...lack.evidence, appliesTo: `worker:${worker}` };
      return { kind: "deferred", retryAfterMs: lackingMs, ...lack, evidence };
    }
    try {
      return await this.#options.runtime.requestPermit(permitRequestOf(this.record));
    } catch (error) {
      this.#log.warn({ error }, "the runtime did not answer a permit request");
      return { kind: "deferred", retryAfterMs: unansweredMs, ...denialOf(error) };
    }
  }

  async #executeUnder(permit: PermitRecord): Promise<Settlement> {
    const { events, clock, onGranted } = this.#options;
    const { record } = this;
    const { attempt, job } = record;
    this.#granted = true;
    onGranted(record);
    events.publish({ type: "permit_granted", jobId: job.id, at: clock.now(), attempt, permit });
    const unnoted = await this.#notePermit(permit);
    // Read after the note: a cancel that came meanwhile had no execution to end.
    const reason = this.cancellation.reason ?? unnoted;
    if (reason !== null) return this.#giveBack(permit, reason);
    const unfollow = this.#passOnCancels(permit.id);
    const result = await this.#execute(permit);
    unfollow();
    const putBack = this.#putBackOf(result);
    if (putBack !== null) return putBack;
    events.publish({ type: "attempt_ended", jobId: job.id, at: clock.now(), attempt, result });
    const { reason: stopped } = this.cancellation;
    const neverBegan = !this.#begun && isStoppedForSystem(result, stopped);
    return this.#options.settle({ record, result, stopped, charge: chargeUnder(permit, result), neverBegan });
  }

  /** For an end before any worker began, not for a reason of the job. A lost worker may have begun. */
  #putBackOf({ outcome, code, summary }: WorkerResult): Settlement | null {
    const { putBacks, onPutBackOften } = this.#options;
    if (this.#begun || outcome === "lost" || code === null || !isErrorCode(code)) return null;
    const denial: Denial = { code, message: `no worker was started: ${summary}`, evidence: {} };
    const next = putBacks.next(this.record, denial);
    if (next === null) return null;
    if (next.isWorthTelling) onPutBackOften(this.record, denial);
    return this.#withdraw(denial, next.delayMs);
  }

  /** The attempt was granted and has not begun: it says nothing about how many the runtime grants. */
  #withdraw(denial: Denial, delayMs: number): Settlement {
    this.#granted = false;
    return this.#defer(denial, delayMs);
  }

  /** Null if the worker may start; otherwise why it must not. */
  async #notePermit(permit: PermitRecord): Promise<Reason | null> {
    // A worker that calls no provider spends nothing: its start does not wait for the disk.
    if (permit.provider === null) return null;
    switch (await this.#options.notes.permit(this.record, permit)) {
      case "applied":
        return null;
      case "stale":
        return {
          code: "AC_STALE_ATTEMPT",
          message: "another scheduler has taken over the job",
          evidence: {},
        };
      case "unavailable":
        return { code: "AC_STORE_UNAVAILABLE", message: "the permit could not be noted", evidence: {} };
    }
  }

  async #execute(permit: PermitRecord): Promise<WorkerResult> {
    const { runtime, clock } = this.#options;
    const startedAt = clock.now();
    try {
      return await runtime.execute(permit.id, executedTask(this.record.job), this.#observer(permit));
    } catch (error) {
      const denial = denialOf(error);
      this.#log.warn({ error, permitId: permit.id }, "the runtime refused to execute a permit");
      await this.#release(permit.id);
      return failedResult(denial, startedAt, clock.now());
    }
  }

  #observer(permit: PermitRecord): ExecutionObserver {
    const { events, clock } = this.#options;
    const { attempt, job } = this.record;
    return {
      onStarted: (identity) => {
        this.#begun = true;
        this.#options.putBacks.forget(this.record);
        const at = clock.now();
        events.publish({
          type: "attempt_started",
          jobId: job.id,
          at,
          attempt,
          worker: job.task.worker,
          ...omitUndefined({ traceparent: job.context.traceparent }),
        });
        this.#options.notes.identity(this.record, permit, identity);
      },
      onEvent: (event) => {
        if (!events.isHeard(job.id)) return;
        events.publish({ type: "worker_event", jobId: job.id, at: clock.now(), attempt, event });
      },
    };
  }

  /** The permit was granted, but the attempt is no longer wanted or cannot begin. */
  async #giveBack(permit: PermitRecord, reason: Reason): Promise<Settlement> {
    await this.#release(permit.id);
    const at = this.#options.clock.now();
    const delayMs = this.cancellation.reason === null ? unansweredMs : 0;
    // A requested cancel ends a deferred job; a stop by the scheduler leaves it in the queue.
    return deferral(this.record, { at, delayMs, reason });
  }

  async #release(permitId: string): Promise<void> {
    try {
      await this.#options.runtime.releasePermit(permitId);
    } catch (error) {
      this.#log.warn({ error, permitId }, "the runtime did not take back a permit");
    }
  }

  #defer(denial: Denial, retryAfterMs: number): Settlement {
    const { events, clock } = this.#options;
    const { record } = this;
    const { code, message, evidence } = denial;
    const reason: Reason = { code, message, evidence };
    const at = clock.now();
    const { attempt, job } = record;
    events.publish({ type: "permit_deferred", jobId: job.id, at, attempt, retryAfterMs, ...reason });
    const scope = scopeOfDenial(denial, record);
    this.#options.onDenied(scope, { retryAfterMs, reason });
    // If the denial concerns more than this job, the throttle holds the scope back: the job stays ready, in its place.
    const delayMs = scope.kind === "job" ? Math.ceil(retryAfterMs) : 0;
    const decisions = [decisionOf(record, at, "deferred", reason)];
    return deferral(record, { at, delayMs, reason, decisions });
  }

  #reject({ code, message, evidence }: Denial): Settlement {
    const { events, clock } = this.#options;
    const { record } = this;
    const reason: Reason = { code, message, evidence };
    const at = clock.now();
    events.publish({ type: "permit_rejected", jobId: record.job.id, at, attempt: record.attempt, ...reason });
    const decisions = [decisionOf(record, at, "rejected", reason)];
    const charge = { costUsd: 0, tokens: 0 };
    return { ref: attemptRef(record), at, kind: "dead", result: null, charge, reason, decisions };
  }

  #publishStopping(reason: Reason): void {
    const { events, clock } = this.#options;
    const { attempt, job } = this.record;
    events.publish({ type: "attempt_stopping", jobId: job.id, at: clock.now(), attempt, ...reason });
  }

  #passOnCancels(permitId: string): () => void {
    const { runtime } = this.#options;
    let isStopping = false;
    return this.cancellation.onChange(({ reason, force }) => {
      if (!isStopping) this.#publishStopping(reason);
      isStopping = true;
      runtime.cancel(permitId, { reason: reason.message, force }).catch((error: unknown) => {
        // The execution still ends, by its own limits or as lost.
        this.#log.warn({ error, permitId }, "the runtime did not take a cancel");
      });
    });
  }
}

function denialOf(error: unknown): Denial {
  if (isAgentCoreError(error)) return { code: error.code, message: error.message, evidence: error.evidence };
  const message = errorText(error);
  return { code: "AC_INTERNAL", message, evidence: {} };
}
