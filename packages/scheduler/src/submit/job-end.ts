/** Reads the end of a job, and waits for it, in any process. */
import { AgentCoreError, isAgentCoreError, type Log, type WorkerResult } from "@agentcore/contract";
import type { Change, ChangeWatch } from "../change-watch.ts";
import { isTerminal, type JobRecord, type Reason, type Spending } from "../job-record.ts";
import type { JobStore } from "../job-store.ts";
import { jobNotFound } from "./refusals.ts";

export interface JobEnd {
  readonly jobId: string;
  readonly state: "succeeded" | "dead" | "cancelled";
  /** Null if it succeeded. */
  readonly reason: Reason | null;
  /** Of the last attempt; null if none ran, because the job was refused or cancelled before. */
  readonly result: WorkerResult | null;
  readonly attempts: number;
  readonly spent: Spending;
}

/** Undefined if the job has not ended. */
export function jobEndOf(record: JobRecord): JobEnd | undefined {
  const { job, state, result, attempt, spent } = record;
  const common = { jobId: job.id, result, attempts: attempt, spent };
  switch (state.kind) {
    case "queued":
    case "running":
      return undefined;
    case "succeeded":
      return { ...common, state: "succeeded", reason: null };
    case "dead":
    case "cancelled":
      return { ...common, state: state.kind, reason: state.reason };
  }
}

interface Waiter {
  readonly resolve: (record: JobRecord) => void;
  readonly reject: (error: unknown) => void;
}

export interface JobEndsOptions {
  readonly store: JobStore;
  readonly changes: ChangeWatch;
  readonly log: Log;
}

/** Jobs in one query of the store. If more wait, they take turns. */
const askedAtOnceMax = 1000;

/** Everyone who waits for the end of a job. Queries the store for all of them together when something changed. */
export class JobEnds {
  readonly #options: JobEndsOptions;
  /** In the order of the next queries. */
  readonly #waiting = new Map<string, Set<Waiter>>();
  #unsubscribe: (() => void) | undefined;
  #asking = false;
  /** How many of those waiting have not been queried since the last change. */
  #toAsk = 0;
  #closed = false;

  constructor(options: JobEndsOptions) {
    this.#options = options;
  }

  /**
   * Resolves with the ended record. Rejects with `AC_JOB_NOT_FOUND` if the job does not exist, with `AC_DRAINING` if the
   * scheduler is closed first, and with the store's error if that is permanent. A temporary failure of the store is retried.
   */
  async wait(jobId: string): Promise<JobRecord> {
    if (this.#closed) throw closedBefore(jobId);
    const { promise, resolve, reject } = Promise.withResolvers<JobRecord>();
    const waiters = this.#waiting.get(jobId) ?? new Set();
    const waiter = { resolve, reject };
    this.#waiting.set(jobId, waiters.add(waiter));
    this.#unsubscribe ??= this.#options.changes.subscribe((change) => this.#onChange(change));
    // Register first and query second, so that an end between the two is not missed.
    void this.#tellIfEnded(jobId).catch((error: unknown) => {
      if (isAgentCoreError(error) && error.code === "AC_STORE_UNAVAILABLE") {
        this.#toAsk = this.#waiting.size;
        return;
      }
      this.#forget(jobId, waiter);
      reject(error);
    });
    return promise;
  }

  async #tellIfEnded(jobId: string): Promise<void> {
    const record = await this.#options.store.get(jobId);
    if (record === undefined) throw jobNotFound(jobId);
    this.tell(record);
  }

  #forget(jobId: string, waiter: Waiter): void {
    const waiters = this.#waiting.get(jobId);
    if (waiters?.delete(waiter) === true && waiters.size === 0) this.#waiting.delete(jobId);
    this.#rest();
  }

  /** Reports an end that this process wrote or read, without querying the store. */
  tell(record: JobRecord): void {
    if (!isTerminal(record.state)) return;
    const waiters = this.#waiting.get(record.job.id);
    this.#waiting.delete(record.job.id);
    for (const waiter of waiters ?? []) waiter.resolve(record);
    this.#rest();
  }

  close(): void {
    this.#closed = true;
    for (const [jobId, waiters] of this.#waiting) {
      for (const { reject } of waiters) reject(closedBefore(jobId));
    }
    this.#waiting.clear();
    this.#rest();
  }

  #rest(): void {
    if (this.#waiting.size > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  #onChange(change: Change): void {
    if (change !== "tick") this.#toAsk = this.#waiting.size;
    // Ends that this scheduler writes are delivered directly, so a commit here needs no query.
    if (change !== "here" && this.#toAsk > 0 && !this.#asking) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    const ids = [...this.#waiting.keys()].slice(0, askedAtOnceMax);
    try {
      this.#toAsk -= ids.length;
      for (const record of await this.#options.store.ended(ids)) this.tell(record);
      for (const id of ids) this.#moveToEnd(id);
    } catch (error) {
      this.#toAsk = this.#waiting.size;
      this.#options.log.warn({ error }, "could not ask for the ends of jobs; asking again");
    }
    this.#asking = false;
  }

  #moveToEnd(jobId: string): void {
    const waiters = this.#waiting.get(jobId);
    if (waiters === undefined || this.#waiting.size <= askedAtOnceMax) return;
    this.#waiting.delete(jobId);
    this.#waiting.set(jobId, waiters);
  }
}

function closedBefore(jobId: string): AgentCoreError {
  return new AgentCoreError(
    "AC_DRAINING",
    `the scheduler was closed before job ${jobId} ended; the job is kept`,
    {
      evidence: { jobId },
    },
  );
}
