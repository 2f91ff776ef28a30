/**
 * Claims jobs while there is free capacity and writes the ends of attempts, both in one call to the store. `drive-state.ts`
 * decides what it does next. An idle loop does nothing: submits, ends, changes elsewhere and the timers of delayed and
 * throttled jobs wake it.
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
 * A failed store call may have taken effect. Settlements are repeated until they are acknowledged, and jobs that run here
 * only according to the store are put back before the next claim.
 */
import type { CancelRequest, Clock, Log, Timer } from "@agentcore/contract";
import { attemptRef, type AttemptRef, type JobRecord, type Reason } from "../job-record.ts";
import type { ClaimRequest, JobStore, SettledAndClaimed, Settlement } from "../job-store.ts";
import type { Attempt, PermitAnswers } from "./attempt.ts";
import {
  initialState,
  isAtRest,
  next,
  type DriveEffect,
  type DriveEvent,
  type DriveState,
} from "./drive-state.ts";
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
  /** Pieces of the workflow runs that this process works on. */
  readonly pieces: () => readonly string[];
  readonly createAttempt: (record: JobRecord, answers: PermitAnswers) => Attempt;
  /** Whether a job of this owner does not run here because its earlier owner's attempt is not yet proved gone. */
  readonly isRecovering: (record: JobRecord) => boolean;
  /** A takeover is in progress: its jobs may belong to this owner already. */
  readonly isTakingOver: () => boolean;
  /** Called with jobs that may come from a takeover whose answer was lost. */
  readonly onInherited: (records: readonly JobRecord[]) => void;
  /** Called after a settlement was committed, or found to be stale. */
  readonly onSettled: (settlement: Settlement, settled: SettledAndClaimed["settled"][number]) => void;
  /** Called when the loop is at rest: nothing is in flight, and there is nothing to claim at the moment. */
  readonly onQuiet: () => void;
}

type EffectOf<Type extends DriveEffect["type"]> = Extract<DriveEffect, { type: Type }>;

export class DriveLoop {
  readonly #options: DriveLoopOptions;
  readonly #active = new Map<string, Attempt>();
  readonly #waiting: { readonly until: () => boolean; readonly resolve: () => void }[] = [];
  readonly #answers: PermitAnswers = {
    onGranted: (record) => {
      const { throttle, concurrency } = this.#options;
      if (!throttle.isEmpty) throttle.grant(record, this.#granted(), concurrency);
    },
    onDenied: (scope, denial) => {
      const { throttle, clock } = this.#options;
      throttle.deny(scope, denial, this.#granted(), clock.monotonicMs());
    },
  };
  #state: DriveState = initialState;
  /** An effect may cause an event; that event waits until the effects before it are performed. */
  readonly #events: DriveEvent[] = [];
  #isHandling = false;
  #round: NodeJS.Immediate | undefined;
  #timer: Timer | undefined;

  constructor(options: DriveLoopOptions) {
    this.#options = options;
  }

  /** Records of the attempts in flight. */
  active(): readonly JobRecord[] {
    return [...this.#active.values()].map((attempt) => attempt.record);
  }

  /** Why no job starts here now: as many run as may. Null if there is room. */
  full(): Reason | null {
    const { concurrency: limit } = this.#options;
    const running = this.#active.size;
    if (running < limit) return null;
    const message = `${running} of ${limit} jobs run in this process`;
    return { code: "AC_CONCURRENCY", message, evidence: { limit, running } };
  }

  /** Nothing in flight and nothing left to write. */
  get isEmpty(): boolean {
    return this.#active.size === 0 && this.#state.outbox.length === 0 && isAtRest(this.#state);
  }

  /** Claims as this owner from now on. */
  resume(owner: string): void {
    this.#handle({ type: "resumed", owner });
  }

  /** Stops claiming; attempts in flight continue and their ends are written. */
  pause(): void {
    this.#handle({ type: "paused" });
  }

  /** There may be something to claim. `by`: see `JobStore.onChange`. */
  wake(by: string | null = null): void {
    this.#handle({ type: "woken", by });
  }

  /** This process has just handed a job to the store: a claim that follows at once can share its commit. */
  expectSubmit(): void {
    this.#handle({ type: "submitting" });
  }

  /** Finds jobs that a takeover may have moved to this owner although its answer was lost. */
  reconcile(): void {
    this.#handle({ type: "takeover_unanswered" });
  }

  /** Writes the end of an attempt. Resolves once the store has answered, after as many tries as needed. */
  settle(settlement: Settlement): Promise<void> {
    return new Promise((written) => {
      this.#handle({ type: "ended", outgoing: { settlement, written } });
    });
  }

  /** Resolves once no attempt is in flight; ends may be unwritten. Call `pause` first, or it may never resolve. */
  whenEnded(): Promise<void> {
    return this.#when(() => this.#active.size === 0);
  }

  /** Resolves once nothing is in flight and everything is written. Call `pause` first, or it may never resolve. */
  whenEmpty(): Promise<void> {
    return this.#when(() => this.isEmpty);
  }

  #when(until: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ until, resolve });
      this.#tellWaiting();
    });
  }

  cancel(jobId: string, request: CancelRequest<Reason>): void {
    this.#active.get(jobId)?.cancellation.cancel(request);
  }

  cancelAll(request: CancelRequest<Reason>): void {
    for (const attempt of this.#active.values()) attempt.cancellation.cancel(request);
  }

  close(): void {
    this.pause();
    this.#timer?.cancel();
  }

  #handle(event: DriveEvent): void {
    this.#events.push(event);
    if (this.#isHandling) return;
    this.#isHandling = true;
    try {
      for (let due = this.#events.shift(); due !== undefined; due = this.#events.shift()) {
        const { state, effects } = next(this.#state, due);
        this.#state = state;
        for (const effect of effects) this.#perform(effect);
      }
    } finally {
      this.#isHandling = false;
    }
  }

  #perform(effect: DriveEffect): void {
    switch (effect.type) {
      case "wait_round":
        return this.#waitRound(effect.until);
      case "find_unknown":
        return void this.#findUnknown(effect.owner);
      case "inherit":
        return effect.records.length === 0 ? undefined : this.#options.onInherited(effect.records);
      case "plan":
        return this.#handle({ type: "planned", steps: this.#plan() });
      case "write":
        return void this.#write(effect.call);
      case "tell":
        return this.#tell(effect);
      case "begin":
        return this.#begin(effect.record);
      case "cancel_timer":
        return this.#timer?.cancel();
      case "rest":
        return this.#rest(effect);
      case "back_off":
        return this.#backOff(effect);
    }
  }

  #waitRound(until: "round" | "now"): void {
    const arrive = (): void => this.#handle({ type: "round" });
    clearImmediate(this.#round);
    if (until === "now") queueMicrotask(arrive);
    else this.#round = setImmediate(arrive);
  }

  async #findUnknown(owner: string): Promise<void> {
    const { store, clock, isRecovering, isTakingOver } = this.#options;
    let running: readonly JobRecord[];
    try {
      running = await store.runningOf(owner);
    } catch (error) {
      return this.#handle({ type: "failed", error });
    }
    const known = new Set([
      ...this.active().map((record) => claimId(attemptRef(record))),
      ...this.#state.outbox.map(({ settlement }) => claimId(settlement.ref)),
    ]);
    const unknown = running.filter(
      (record) => !known.has(claimId(attemptRef(record))) && !isRecovering(record),
    );
    this.#handle({ type: "found", unknown, isTakingOver: isTakingOver(), at: clock.now() });
  }

  /** Records of the attempts that the runtime has granted. */
  #granted(): readonly JobRecord[] {
    return [...this.#active.values()].filter(({ isGranted }) => isGranted).map(({ record }) => record);
  }

  #plan(): readonly ClaimStep[] {
    const { throttle, clock, concurrency, only } = this.#options;
    if (only()?.length === 0) return [];
    const active = this.active();
    throttle.advance(active, clock.monotonicMs());
    const free = concurrency - active.length;
    return free <= 0 ? [] : throttle.plan(free, active);
  }

  async #write({ sent, owner, step }: EffectOf<"write">["call"]): Promise<void> {
    const { store, clock } = this.#options;
    const settlements = sent.map(({ settlement }) => settlement);
    let answer: SettledAndClaimed;
    try {
      answer = await store.settleAndClaim(settlements, this.#requestOf(owner, step));
    } catch (error) {
      return this.#handle({ type: "failed", error });
    }
    this.#handle({ type: "answered", answer, at: clock.now() });
  }

  #requestOf(owner: string | null, step: ClaimStep | undefined): ClaimRequest | undefined {
    if (step === undefined || owner === null) return undefined;
    const { clock, perKey, only, pieces } = this.#options;
    return { owner, now: clock.now(), ...step, perKey, only: only(), pieces: pieces() };
  }

  #tell({ sent, settled }: EffectOf<"tell">): void {
    for (const [index, { settlement, written }] of sent.entries()) {
      const outcome = settled[index];
      if (outcome !== undefined) this.#options.onSettled(settlement, outcome);
      written();
    }
  }

  #begin(record: JobRecord): void {
    const attempt = this.#options.createAttempt(record, this.#answers);
    this.#active.set(record.job.id, attempt);
    void attempt.run().then((settlement) => {
      this.#active.delete(record.job.id);
      const written = this.settle(settlement);
      // Only now: an end that is not written yet must not look like none.
      this.#tellWaiting();
      return written;
    });
  }

  /**
   * Sets a timer for the next turn: when a throttled scope may be tried again, or, if there was room for more jobs, when the next
   * delayed job is due.
   */
  #rest({ nextRunAt, hasLooked }: EffectOf<"rest">): void {
    const { clock, throttle, onQuiet } = this.#options;
    const recheckAtMs = throttle.nextRecheckMs();
    const waitMs = Math.min(
      recheckAtMs === null ? Infinity : recheckAtMs - clock.monotonicMs(),
      nextRunAt === null ? Infinity : nextRunAt - clock.now(),
    );
    if (this.#state.owner !== null && waitMs < Infinity)
      this.#timer = clock.setTimer(Math.max(1, waitMs), () => this.wake());
    this.#tellWaiting();
    if (this.isEmpty && hasLooked) onQuiet();
  }

  #backOff({ delayMs, error, isFirst }: EffectOf<"back_off">): void {
    const { log, clock } = this.#options;
    if (isFirst) log.error({ error }, "the job store did not take a change; trying again");
    this.#timer = clock.setTimer(delayMs, () => this.#handle({ type: "retry_due" }));
    this.#tellWaiting();
  }

  #tellWaiting(): void {
    for (const waiter of this.#waiting.splice(0)) {
      if (waiter.until()) waiter.resolve();
      else this.#waiting.push(waiter);
    }
  }
}

/** A job may be claimed again before the end of its earlier claim is written. */
function claimId({ jobId, epoch }: AttemptRef): string {
  return `${epoch} ${jobId}`;
}
