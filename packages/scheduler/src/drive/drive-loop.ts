/**
 * Claims jobs while there is room and writes the ends of attempts, both in one call to the store. One turn runs at a time,
 * and begins only when the event loop has gone round: what happens until then is gathered for it, so that all attempts that
 * end together share a commit. Only for a job that is being submitted it begins at once, to share that commit. An idle loop
 * does nothing at all: it is woken by submits, ends, changes elsewhere and the timers of delayed and throttled jobs.
 *
 * | woken by                        | then                                                     |
 * | ------------------------------- | -------------------------------------------------------- |
 * | a job is being submitted here   | claim, in the commit that stores it where it can be      |
 * | an attempt ended                | settle it and claim                                      |
 * | a commit here or elsewhere      | claim; pass on cancels that others asked for             |
 * | a delayed job becomes due       | claim                                                    |
 * | a throttled scope may be asked  | claim one more of it                                     |
 * | the store did not answer        | the same again, after a growing delay                    |
 *
 * A store call that failed may have been done all the same. Settlements are repeated until they are answered, and jobs
 * that the store thinks run here but do not are put back before the next claim.
 */
import type { Clock, Log, Timer } from "@agentcore/contract";
import { attemptRef, type AttemptRef, type JobRecord, type Reason } from "../job-record.ts";
import type { ClaimRequest, JobStore, SettledAndClaimed, Settlement } from "../job-store.ts";
import type { Attempt } from "./attempt.ts";
import type { ClaimStep, Throttle } from "./throttle.ts";

export interface DriveLoopOptions {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly throttle: Throttle;
  /** Most attempts in flight. */
  readonly concurrency: number;
  readonly perKey: number;
  /** The only jobs to claim; undefined: any. */
  readonly only: () => readonly string[] | undefined;
  /** Pieces of workflow runs that are worked on here. */
  readonly pieces: () => readonly string[];
  readonly createAttempt: (record: JobRecord) => Attempt;
  /** A job of ours that does not run here because its earlier owner's attempt is not proved gone yet. */
  readonly isRecovering: (record: JobRecord) => boolean;
  /**
   * Called before the store is asked which jobs this owner runs. Returns a callback, to be called with the jobs of the answer
   * that are unknown here. The callback returns true if recovery handles them, because they may come from a takeover, and
   * false if this owner claimed them in a call whose answer was lost.
   */
  readonly lookIntoTakeovers: () => (records: readonly JobRecord[]) => boolean;
  /** Called after a settlement was committed, or found to be stale. */
  readonly onSettled: (settlement: Settlement, settled: SettledAndClaimed["settled"][number]) => void;
  /** Called when the loop has come to rest: nothing in flight and nothing to claim at the moment. */
  readonly onQuiet: () => void;
}

/** A settlement to be written, and whom to tell once it was. */
interface Outgoing {
  readonly settlement: Settlement;
  readonly written: () => void;
}

const retryMsMin = 50;
const retryMsMax = 5000;

export class DriveLoop {
  readonly #options: DriveLoopOptions;
  readonly #active = new Map<string, Attempt>();
  #outbox: Outgoing[] = [];
  readonly #awaitingEmpty: (() => void)[] = [];
  #owner: string | null = null;
  #claimDue = true;
  #reconcileDue = false;
  /** Jobs are being submitted here, and may be in the answer of the next claim. */
  #submitting = false;
  #endGathering = (): void => {};
  #inTurn = false;
  #wanted = false;
  #failures = 0;
  /** Whatever happens, the store is not asked again before the timer: a call that failed may itself have woken us. */
  #backingOff = false;
  #timer: Timer | undefined;

  constructor(options: DriveLoopOptions) {
    this.#options = options;
  }

  /** Records of the attempts in flight. */
  active(): readonly JobRecord[] {
    return [...this.#active.values()].map((attempt) => attempt.record);
  }

  /** Records of the attempts that the runtime has let in. */
  granted(): readonly JobRecord[] {
    return [...this.#active.values()].filter(({ isGranted }) => isGranted).map(({ record }) => record);
  }

  /** Nothing in flight and nothing left to write. */
  get isEmpty(): boolean {
    return this.#active.size === 0 && this.#outbox.length === 0 && !this.#inTurn;
  }

  /** Claims from now on as this owner. */
  resume(owner: string): void {
    this.#owner = owner;
    this.wake();
  }

  /** Claims nothing more; attempts in flight go on and their ends are written. */
  pause(): void {
    this.#owner = null;
  }

  /** There may be something to claim. */
  wake(): void {
    this.#claimDue = true;
    this.#turnSoon();
  }

  /** A job was handed to the store by this process just now: a claim that follows at once can share its commit. */
  expectSubmit(): void {
    this.#submitting = true;
    if (this.#outbox.length === 0) this.#endGathering();
    this.wake();
  }

  /** Looks for jobs that the store says we run and that nothing here knows of. */
  reconcile(): void {
    this.#reconcileDue = true;
    this.wake();
  }

  /** Writes the end of an attempt. Resolves once the store has answered, however often it must be asked. */
  settle(settlement: Settlement): Promise<void> {
    return new Promise((written) => {
      this.#outbox.push({ settlement, written });
      this.wake();
    });
  }

  /** Resolves once nothing is in flight and everything is written. Pause first, or it may never resolve. */
  whenEmpty(): Promise<void> {
    if (this.isEmpty) return Promise.resolve();
    return new Promise((resolve) => {
      this.#awaitingEmpty.push(resolve);
    });
  }

  stop(jobId: string, reason: Reason, immediate: boolean): void {
    this.#active.get(jobId)?.stop(reason, immediate);
  }

  stopAll(reason: Reason, immediate: boolean): void {
    for (const attempt of this.#active.values()) attempt.stop(reason, immediate);
  }

  close(): void {
    this.pause();
    this.#timer?.cancel();
  }

  #turnSoon(): void {
    this.#wanted = true;
    if (this.#inTurn || this.#backingOff) return;
    this.#inTurn = true;
    void this.#turns();
  }

  async #turns(): Promise<void> {
    while (this.#wanted && !this.#backingOff) {
      await this.#gather();
      this.#wanted = false;
      this.#timer?.cancel();
      try {
        await this.#turn();
        this.#failures = 0;
      } catch (error) {
        this.#onFailure(error);
      }
    }
    this.#inTurn = false;
    if (!this.isEmpty) return;
    for (const resolve of this.#awaitingEmpty.splice(0)) resolve();
    if (!this.#claimDue) this.#options.onQuiet();
  }

  /** Waits for what else is ready now; not where a claim can share the commit of a submit, and nothing is lost by it. */
  async #gather(): Promise<void> {
    if (this.#submitting && this.#outbox.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#endGathering = resolve;
      setImmediate(resolve);
    });
  }

  async #turn(): Promise<void> {
    const submitting = this.#submitting;
    this.#submitting = false;
    if (this.#reconcileDue) await this.#reconcile();
    const { throttle, clock } = this.#options;
    const active = this.active();
    throttle.advance(active, clock.monotonicMs());
    const steps = this.#claimSteps(active);
    if (this.#outbox.length === 0 && steps.length === 0) return this.#armTimer(null);
    this.#claimDue = false;
    let nextRunAt: number | null = null;
    for (const step of steps.length === 0 ? [undefined] : steps) {
      const answer = await this.#settleAndClaim(step, submitting);
      ({ nextRunAt } = answer);
      if (step !== undefined && answer.claimed.length < step.limit) break;
    }
    this.#armTimer(nextRunAt);
  }

  #claimSteps(active: readonly JobRecord[]): readonly ClaimStep[] {
    const free = this.#options.concurrency - active.length;
    if (this.#owner === null || !this.#claimDue || free <= 0) return [];
    return this.#options.throttle.plan(free, active);
  }

  async #settleAndClaim(step: ClaimStep | undefined, submitting: boolean): Promise<SettledAndClaimed> {
    const { store, onSettled } = this.#options;
    const outgoing = this.#outbox;
    this.#outbox = [];
    const settlements = outgoing.map(({ settlement }) => settlement);
    const request = this.#requestOf(step);
    let answer: SettledAndClaimed;
    try {
      answer = await store.settleAndClaim(settlements, request);
    } catch (error) {
      this.#outbox = [...outgoing, ...this.#outbox];
      this.#reconcileDue = true;
      throw error;
    }
    for (const [index, { settlement, written }] of outgoing.entries()) {
      const settled = answer.settled[index];
      if (settled !== undefined) onSettled(settlement, settled);
      written();
    }
    // The caller that submitted one of these jobs is answered by the same commit, and must receive all of the job's events.
    if (submitting && answer.claimed.length > 0) await nextTurn();
    for (const record of answer.claimed) {
      if (this.#owner === request?.owner) this.#begin(record);
      else this.#putBack(record, "claimed while the scheduler was stopping");
    }
    return answer;
  }

  #requestOf(step: ClaimStep | undefined): ClaimRequest | undefined {
    if (step === undefined || this.#owner === null) return undefined;
    const { clock, perKey, only, pieces } = this.#options;
    const { limit, exclude } = step;
    return { owner: this.#owner, now: clock.now(), limit, perKey, exclude, only: only(), pieces: pieces() };
  }

  #begin(record: JobRecord): void {
    const attempt = this.#options.createAttempt(record);
    this.#active.set(record.job.id, attempt);
    void attempt.run().then((settlement) => {
      this.#active.delete(record.job.id);
      return this.settle(settlement);
    });
  }

  #putBack(record: JobRecord, message: string): void {
    const at = this.#options.clock.now();
    const reason: Reason = { code: "AC_DRAINING", message, evidence: {} };
    void this.settle({ ref: attemptRef(record), at, kind: "defer", runAt: at, delayMs: 0, reason });
  }

  /** Puts back what was claimed by a call whose answer never came. */
  async #reconcile(): Promise<void> {
    const { isRecovering, lookIntoTakeovers } = this.#options;
    if (this.#owner === null) return;
    const inherits = lookIntoTakeovers();
    this.#reconcileDue = false;
    const running = await this.#runningOf(this.#owner);
    const known = new Set([
      ...this.active().map((record) => claimId(attemptRef(record))),
      ...this.#outbox.map(({ settlement }) => claimId(settlement.ref)),
    ]);
    const unknown = running.filter(
      (record) => !known.has(claimId(attemptRef(record))) && !isRecovering(record),
    );
    if (inherits(unknown)) return;
    for (const record of unknown) this.#putBack(record, "claimed by a call whose answer was lost");
  }

  /** Where the store does not answer, it is asked again; what else asks for it meanwhile is not forgotten. */
  async #runningOf(owner: string): Promise<readonly JobRecord[]> {
    try {
      return await this.#options.store.runningOf(owner);
    } catch (error) {
      this.#reconcileDue = true;
      throw error;
    }
  }

  /**
   * Looks again when a throttled scope may be asked or, where there was less to claim than there is room for, when the
   * next delayed job is due.
   */
  #armTimer(nextRunAt: number | null): void {
    const { clock, throttle } = this.#options;
    if (this.#owner === null || this.#wanted) return;
    const recheckAtMs = throttle.nextRecheckMs();
    if (recheckAtMs === null && nextRunAt === null) return;
    const waitMs = Math.min(
      recheckAtMs === null ? Infinity : recheckAtMs - clock.monotonicMs(),
      nextRunAt === null ? Infinity : nextRunAt - clock.now(),
    );
    this.#timer = clock.setTimer(Math.max(1, waitMs), () => this.wake());
  }

  #onFailure(error: unknown): void {
    const { log, clock } = this.#options;
    const delayMs = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(this.#failures, 10));
    if (this.#failures === 0) log.error({ error }, "the job store did not take a change; trying again");
    this.#failures += 1;
    this.#claimDue = true;
    this.#backingOff = true;
    this.#timer = clock.setTimer(delayMs, () => {
      this.#backingOff = false;
      this.wake();
    });
  }
}

/** Resolves when the event loop has gone round: after everything that is ready now. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** One job may be claimed again while the end of its earlier claim is still to be written. */
function claimId({ jobId, epoch }: AttemptRef): string {
  return `${epoch} ${jobId}`;
}
