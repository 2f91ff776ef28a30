/**
 * Keeps this scheduler's lease, and observes the leases of others. The state of its process decides whether another
 * scheduler still owns its jobs:
 *
 * | process                                            | its jobs                                        |
 * | -------------------------------------------------- | ----------------------------------------------- |
 * | of this machine and alive, also stopped by SIGSTOP | stay its own, however long it does not beat     |
 * | gone, or it signed off                             | are taken over at once                          |
 * | cannot be seen                                     | are taken over once its lease has run out       |
 * | this very one, which has given that owner up       | the same: a start or an end that failed         |
 *
 * A lease is a rising beat. It has run out when the beat has not changed for its whole length on the observer's monotonic
 * clock. Wall clocks are never compared, so a change of one cannot end a lease early or extend it. Processes of this
 * machine are checked more often than beats are read: a death is noticed at once, without a query to the store.
 *
 * `own-lease.ts` decides how this owner keeps its lease, `judge-owner.ts` what is known of the others.
 */
import { ignore, sleep, type Clock, type Log, type Timer } from "@agentcore/contract";
import type { JobRecord } from "../job-record.ts";
import type { JobStore, OwnerProcess, OwnerProcessState, OwnerRecord } from "../job-store.ts";
import { judgeOwner, type OwnerJudgment } from "./judge-owner.ts";
import {
  type FencedBy,
  newLease,
  nextOwnLease,
  type OwnLease,
  type OwnLeaseEffect,
  type OwnLeaseEvent,
} from "./own-lease.ts";

export interface OwnerLeaseOptions {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly owner: string;
  readonly process: OwnerProcess;
  readonly leaseMs: number;
  /** Called only for processes of this machine. */
  readonly processState: (process: OwnerProcess) => OwnerProcessState;
  /** The given jobs of an owner that lost its lease belong to this owner now. */
  readonly onTakenOver: (jobs: readonly JobRecord[], where: OwnerJudgment["where"]) => void;
  /** The answer to a takeover was lost: its jobs may belong to this owner now. */
  readonly onTakeOverUnknown: (where: OwnerJudgment["where"]) => void;
  /** Where machines share the store: this owner has its jobs until this moment of the monotonic clock. */
  readonly onRenewed: (untilMs: number) => void;
  /** This owner has lost its lease: its jobs are no longer its own, or may not be for long. Called once. */
  readonly onFenced: (by: FencedBy) => void;
}

/** Waits between tries to sign off while the store does not answer. */
const resignAgainMs = [100, 200, 400, 800];

interface Observation {
  readonly beat: number;
  readonly sinceMs: number;
  /** Whether it was logged that the owner does not beat but lives. */
  isTold: boolean;
}

/** Owners of the schedulers in this process. Only this process knows that one of its owners was given up. */
const heldHere = new Set<string>();

export class OwnerLease {
  readonly #options: OwnerLeaseOptions;
  readonly #seen = new Map<string, Observation>();
  /** The other owners, as last read. */
  #others: readonly OwnerRecord[] = [];
  #observing: Promise<void> | null = null;
  #lease: OwnLease = newLease;
  #beatTimer: Timer | undefined;
  #endTimer: Timer | undefined;
  #takingOver = false;
  #process: OwnerProcess;

  constructor(options: OwnerLeaseOptions) {
    this.#options = options;
    this.#process = options.process;
  }

  get owner(): string {
    return this.#options.owner;
  }

  /** As last read from the store: somebody may have asked this host to drain. */
  get process(): OwnerProcess {
    return this.#process;
  }

  /** Whether it still has its jobs. */
  get isHeld(): boolean {
    return this.#lease.kind === "held";
  }

  /** The store was asked to move jobs to this owner and has not answered yet. */
  get isTakingOver(): boolean {
    return this.#takingOver;
  }

  /** Registers, takes over from owners that are known to be gone, and continues to beat and observe. */
  async start(): Promise<void> {
    const { store, owner, process, leaseMs, clock } = this.#options;
    heldHere.add(owner);
    try {
      const sentMs = clock.monotonicMs();
      await store.registerOwner({ owner, process, leaseMs, at: clock.now() });
      this.#take({ type: "registered", sentMs, nowMs: clock.monotonicMs() });
      await this.observe();
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Stops beating and removes the owner. An owner with running jobs stays registered, so that others can take over from it. */
  async resign(): Promise<void> {
    this.abandon();
    const { store, owner, log, clock } = this.#options;
    for (const delayMs of [...resignAgainMs, null]) {
      try {
        await store.removeOwner(owner);
        return;
      } catch (error) {
        if (delayMs === null) {
          log.warn(
            { error, owner },
            "could not sign off; the next scheduler takes over when this process ends",
          );
          return;
        }
        ignore(error, "tried again");
      }
      await sleep(clock, delayMs);
    }
  }

  /** Stops beating and leaves the owner registered: others take over once its lease has run out. */
  abandon(): void {
    this.#take({ type: "ended" });
    heldHere.delete(this.#options.owner);
    this.#beatTimer?.cancel();
    this.#endTimer?.cancel();
  }

  #take(event: OwnLeaseEvent): void {
    const { leaseMs, process } = this.#options;
    const terms = { leaseMs, isShared: process.place !== undefined };
    const { lease, effects } = nextOwnLease(this.#lease, event, terms);
    this.#lease = lease;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: OwnLeaseEffect): void {
    const { clock, log, onRenewed, onFenced } = this.#options;
    switch (effect.type) {
      case "beat":
        return void this.#beat();
      case "next_beat":
        this.#beatTimer?.cancel();
        this.#beatTimer = clock.setTimer(effect.inMs, () =>
          this.#take({ type: "beat_due", nowMs: clock.monotonicMs() }),
        );
        return;
      case "renew":
        this.#endTimer?.cancel();
        this.#endTimer = clock.setTimer(effect.inMs, () =>
          this.#take({ type: "end_due", nowMs: clock.monotonicMs() }),
        );
        return onRenewed(effect.untilMs);
      case "observe":
        return void this.observe().catch((error: unknown) => this.#take({ type: "failed", error }));
      case "log":
        return log.warn({ error: effect.error }, "could not renew the lease; trying again");
      case "fenced":
        this.abandon();
        return onFenced(effect.by);
    }
  }

  async #beat(): Promise<void> {
    const { store, owner, clock } = this.#options;
    const sentMs = clock.monotonicMs();
    try {
      const answer = await store.heartbeat(owner);
      if (answer === "fenced") this.#take({ type: "taken_over" });
      else this.#take({ type: "taken", sentMs, nowMs: clock.monotonicMs() });
    } catch (error) {
      this.#take({ type: "failed", error });
    }
  }

  /** Reads the other owners and takes over from those that lost their lease. */
  observe(): Promise<void> {
    this.#observing ??= this.#observeOnce().finally(() => {
      this.#observing = null;
    });
    return this.#observing;
  }

  /** Between two beats: observes only if the process of a known owner is seen to be gone. */
  async lookForDead(): Promise<void> {
    const isGone = (other: OwnerRecord): boolean => this.#judge(other).state === "gone";
    if (this.#lease.kind !== "ended" && this.#others.some(isGone)) await this.observe();
  }

  async #observeOnce(): Promise<void> {
    const { store, clock, owner } = this.#options;
    const owners = await store.owners();
    const nowMs = clock.monotonicMs();
    this.#process = owners.find((own) => own.owner === owner)?.process ?? this.#process;
    this.#others = owners.filter((other) => other.owner !== owner);
    const known = new Set(this.#others.map((other) => other.owner));
    for (const name of this.#seen.keys()) if (!known.has(name)) this.#seen.delete(name);
    for (const other of this.#others) if (this.#hasLost(other, nowMs)) await this.#takeOver(other);
  }

  async #takeOver(other: OwnerRecord): Promise<void> {
    const { store, clock, owner: to, log, onTakenOver, onTakeOverUnknown } = this.#options;
    if (this.#lease.kind === "ended") return;
    const { owner: from, beat } = other;
    const { where } = this.#judge(other);
    this.#takingOver = true;
    let moved: readonly JobRecord[];
    try {
      moved = await store.takeOver({ from, to, beat, at: clock.now() });
    } catch (error) {
      onTakeOverUnknown(where);
      throw error;
    } finally {
      this.#takingOver = false;
    }
    this.#others = this.#others.filter(({ owner }) => owner !== from);
    log.info({ from, jobs: moved.length }, "took over from a scheduler that is gone");
    onTakenOver(moved, where);
  }

  #judge(other: OwnerRecord): OwnerJudgment {
    const { process, processState } = this.#options;
    return judgeOwner(other, { process, processState, isHeldHere: (owner) => heldHere.has(owner) });
  }

  #hasLost(other: OwnerRecord, nowMs: number): boolean {
    const { state } = this.#judge(other);
    if (state === "gone") return true;
    const seen = this.#seen.get(other.owner);
    if (seen?.beat !== other.beat) {
      this.#seen.set(other.owner, { beat: other.beat, sinceMs: nowMs, isTold: false });
      return false;
    }
    const hasRunOut = nowMs - seen.sinceMs >= other.leaseMs;
    if (state === "unknown") return hasRunOut;
    if (hasRunOut && !seen.isTold) {
      seen.isTold = true;
      const message =
        "a scheduler does not beat, but its process lives: its jobs stay its own; end it to free them";
      this.#options.log.warn(
        { owner: other.owner, pid: other.process?.pid, leaseMs: other.leaseMs },
        message,
      );
    }
    return false;
  }
}
