/**
 * Ends the attempts that an owner left behind. A spooled result is applied as if it had just arrived. Otherwise the attempt
 * is swept, and once it is proved gone it counts as lost, or costs nothing if its worker provably never started. An attempt
 * that cannot be proved gone stays running in the store, keeps its workspace closed, and is retried without limit; its job
 * is never run again meanwhile.
 */
import type { Clock, Log, RunIdentity, SpooledResult, Timer, WorkerResult } from "@agentcore/contract";
import type { JobRecord, StartedAttempt } from "../job-record.ts";
import type { Charge, JobStore } from "../job-store.ts";
import {
  spendingOf,
  chargeOfLost,
  lostResult,
  spendingIfReadable,
  type LostSpending,
  type SpendingOfLost,
} from "../retry/charge.ts";
import { isProvedUnbegun, type NeverBegan } from "./never-began.ts";
import type { ResultSpool } from "./spool.ts";
import { aboutAttempt, originOf } from "../about-attempt.ts";

/** An attempt whose owner is gone. `identity` is null if no start of its worker was noted. */
export interface AbandonedAttempt {
  readonly jobId: string;
  readonly attempt: number;
  readonly identity: RunIdentity | null;
}

/** Kills what is left of an attempt. Returns whether nothing is left. May be called again. */
export type ProveGone = (attempt: AbandonedAttempt) => Promise<boolean>;

export interface RecoveryOptions {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly spool: ResultSpool;
  readonly proveGone: ProveGone;
  readonly spendingOfLost: SpendingOfLost;
  readonly neverBegan: NeverBegan;
  /** Called after a takeover from another machine, until it resolves: what that machine held is settled before its attempts end. */
  readonly settleHolds: () => Promise<void>;
  /** Decides and writes the end of an attempt; resolves after the commit. */
  readonly settle: (ended: RecoveredAttempt) => Promise<void>;
  /** An attempt could not be proved gone: parts of it may still run. Called once for each. */
  readonly onUnproved: (record: JobRecord) => void;
}

export interface RecoveredAttempt {
  readonly record: JobRecord;
  readonly result: WorkerResult;
  readonly charge: Charge;
  readonly neverBegan: boolean;
}

/**
 * Where an attempt ran. `elsewhere`: on another machine, whose lease has run out: it stopped its runs before that, and nothing
 * here could prove it or say whether its worker began. `unknown`: the answer to the takeover was lost.
 */
export type Whereabouts = "here" | "elsewhere" | "unknown";

interface Pending {
  readonly record: JobRecord;
  readonly where: Whereabouts;
  readonly started: StartedAttempt | null;
  /** Its end is being written. */
  ending: boolean;
  told: boolean;
}

const againMs = 2000;
/** A job on which the scheduler dies every time must end: after so many times, the attempt counts. */
const givenBackMax = 10;

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #pending = new Map<string, Pending>();
  #timer: Timer | undefined;
  #working: Promise<void> | null = null;
  #passWanted = false;
  /** Holds of another machine may have to be settled. */
  #holdsDue = false;
  #closed = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Whether this claim of the job waits for proof that its attempt is gone. */
  has({ job, epoch }: JobRecord): boolean {
    return this.#pending.get(job.id)?.record.epoch === epoch;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Another scheduler now has these attempts. */
  forget(): void {
    this.#pending.clear();
  }

  /** Even without records, an owner elsewhere may have left holds. */
  add(records: readonly JobRecord[], where: Whereabouts): void {
    this.#holdsDue ||= where !== "here";
    for (const record of records) {
      const started = record.state.kind === "running" ? record.state.started : null;
      this.#pending.set(record.job.id, { record, where, started, ending: false, told: false });
    }
  }

  /**
   * One pass over all attempts. Resolves when each has ended or cannot be proved gone yet; those are tried again automatically.
   * Never rejects.
   */
  pass(): Promise<void> {
    this.#timer?.cancel();
    this.#passWanted = true;
    this.#working ??= this.#passes();
    return this.#working;
  }

  /** Jobs may be added during a pass: a pass requested after that runs in full. */
  async #passes(): Promise<void> {
    while (this.#passWanted) {
      this.#passWanted = false;
      await this.#passOnce();
    }
    this.#working = null;
    if (this.#pending.size > 0 || this.#holdsDue) this.#arm();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /**
   * Applies spooled results to the attempts that wait here. A result for an attempt that another scheduler still owns is left for
   * the scheduler that takes it over. A result for an attempt that has ended is kept as late, unless it was the one that ended
   * it.
   */
  async applySpool(): Promise<void> {
    const { spool } = this.#options;
    for (const spooled of await spool.list()) {
      const pending = this.#pending.get(spooled.jobId);
      if (pending?.record.attempt === spooled.attempt) {
        await this.#end(pending, spooled.result, spendingOf(spooled.result));
      } else if (await this.#isOwnedElsewhere(spooled)) {
        continue;
      } else {
        await this.#keepLate(spooled);
      }
      await spool.remove(spooled);
    }
  }

  async #passOnce(): Promise<void> {
    const { log } = this.#options;
    try {
      await this.#settleHolds();
      await this.applySpool();
      const waiting = [...this.#pending.values()].filter(({ ending }) => !ending);
      const gone = await Promise.all(waiting.map((pending) => this.#isGone(pending)));
      // A result that arrived during the sweep is still better than lost.
      await this.applySpool();
      const lost = waiting.filter((pending, index) => gone[index] === true && !pending.ending);
      await Promise.all(lost.map((pending) => this.#endAsLost(pending)));
    } catch (error) {
      log.error({ error }, "could not finish a pass of the recovery; trying again");
    }
  }

  async #settleHolds(): Promise<void> {
    if (!this.#holdsDue) return;
    this.#holdsDue = false;
    try {
      await this.#options.settleHolds();
    } catch (error) {
      this.#holdsDue = true;
      throw error;
    }
  }

  async #isGone(pending: Pending): Promise<boolean> {
    const { proveGone, log, onUnproved } = this.#options;
    const { record, started, where } = pending;
    if (where === "elsewhere") return true;
    const { attempt, job } = record;
    let gone = false;
    try {
      gone = await proveGone({ jobId: job.id, attempt, identity: started?.identity ?? null });
    } catch (error) {
      log.error({ error, ...aboutAttempt(record) }, "the sweep of an abandoned attempt failed; trying again");
    }
    if (!gone && !pending.told) {
      pending.told = true;
      onUnproved(record);
    }
    return gone;
  }

  async #endAsLost(pending: Pending): Promise<void> {
    const { clock, log, neverBegan } = this.#options;
    const { record } = pending;
    const { attempt, job } = record;
    const claimedAt = record.state.kind === "running" ? record.state.claimedAt : record.submittedAt;
    const message = `attempt ${attempt} was lost: the process that ran it is gone and left no result`;
    const doubtful = { jobId: job.id, attempt, claimedAt };
    const isUnbegun =
      pending.where === "here" &&
      (pending.started?.identity ?? null) === null &&
      (await isProvedUnbegun(neverBegan, doubtful, log)) &&
      (await this.#timesGivenBack(record)) < givenBackMax;
    const started = isUnbegun ? null : pending.started;
    const recorded = await this.#recordedSpending(record, started);
    const result = lostResult({ started, claimedAt, now: clock.now(), message, recorded });
    await this.#end(pending, result, chargeOfLost(result, started), isUnbegun);
  }

  /** How often in a row this attempt was given back because its scheduler died before its worker began. */
  async #timesGivenBack({ job, attempt }: JobRecord): Promise<number> {
    const latest = (await this.#options.store.decisions(job.id)).at(-1);
    return latest?.type === "deferred" && latest.attempt === attempt ? latest.count : 0;
  }

  async #recordedSpending(
    { job, attempt }: JobRecord,
    started: StartedAttempt | null,
  ): Promise<LostSpending | null> {
    const { spendingOfLost, log } = this.#options;
    if (started === null) return null;
    const { task } = job;
    return spendingIfReadable(
      spendingOfLost,
      {
        jobId: job.id,
        attempt,
        permitId: started.permit.id,
        task,
        maxCostUsd: started.permit.grants.maxCostUsd,
        spendsOnlyByGate: started.identity?.spendsOnlyByGate === true,
      },
      log,
    );
  }

  async #end(pending: Pending, result: WorkerResult, charge: Charge, neverBegan = false): Promise<void> {
    const { record } = pending;
    pending.ending = true;
    await this.#options.settle({ record, result, charge, neverBegan });
    const { id } = record.job;
    if (this.#pending.get(id) === pending) this.#pending.delete(id);
  }

  async #isOwnedElsewhere({ jobId, attempt }: SpooledResult): Promise<boolean> {
    const record = await this.#options.store.get(jobId);
    return record?.state.kind === "running" && record.attempt === attempt;
  }

  async #keepLate({ jobId, attempt, result }: SpooledResult): Promise<void> {
    const { store, clock, log } = this.#options;
    const attempts = await store.attempts(jobId);
    const known = attempts.find((record) => record.attempt === attempt)?.result;
    if (known !== undefined && known !== null && known.outcome !== "lost") return;
    const job = (await store.get(jobId))?.job;
    log.warn(
      { job: jobId, attempt, ...(job && originOf(job)) },
      "a spooled result came too late; it is kept, not applied",
    );
    // No claim ever had this epoch: the store finds the settlement stale and keeps its result.
    const ref = { jobId, attempt, epoch: -1 };
    await store.settleAndClaim([
      { ref, at: clock.now(), kind: "succeeded", result, charge: spendingOf(result) },
    ]);
  }

  #arm(): void {
    if (this.#closed) return;
    this.#timer = this.#options.clock.setTimer(againMs, () => void this.pass());
  }
}
