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
 */
import { ignore, sleep, type Clock, type Log, type Timer } from "@agentcore/contract";
import type { JobRecord } from "../job-record.ts";
import type { JobStore, OwnerProcess, OwnerProcessState, OwnerRecord } from "../job-store.ts";

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
  readonly onTakenOver: (jobs: readonly JobRecord[]) => void;
  /** The answer to a takeover was lost: its jobs may belong to this owner now. */
  readonly onTakeOverUnknown: () => void;
  /** Another scheduler took over from this owner: its jobs are no longer its own. Called once. */
  readonly onFenced: () => void;
}

/** Beats in one lease. */
const beatsPerLease = 5;
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
  #timer: Timer | undefined;
  #ended = false;
  #takingOver = false;

  constructor(options: OwnerLeaseOptions) {
    this.#options = options;
  }

  get owner(): string {
    return this.#options.owner;
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
      await store.registerOwner({ owner, process, leaseMs, at: clock.now() });
      await this.observe();
    } catch (error) {
      this.#end();
      throw error;
    }
    this.#arm();
  }

  /** Stops beating and removes the owner. An owner with running jobs stays registered, so that others can take over from it. */
  async resign(): Promise<void> {
    this.#end();
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

  #end(): void {
    this.#ended = true;
    heldHere.delete(this.#options.owner);
    this.#timer?.cancel();
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
    if (!this.#ended && this.#others.some((other) => this.#isGone(other))) await this.observe();
  }

  async #observeOnce(): Promise<void> {
    const { store, clock, owner } = this.#options;
    const owners = await store.owners();
    const nowMs = clock.monotonicMs();
    this.#others = owners.filter((other) => other.owner !== owner);
    const known = new Set(this.#others.map((other) => other.owner));
    for (const name of this.#seen.keys()) if (!known.has(name)) this.#seen.delete(name);
    for (const other of this.#others) if (this.#hasLost(other, nowMs)) await this.#takeOver(other);
  }

  async #takeOver({ owner: from, beat }: OwnerRecord): Promise<void> {
    const { store, clock, owner: to, log, onTakenOver, onTakeOverUnknown } = this.#options;
    this.#takingOver = true;
    let moved: readonly JobRecord[];
    try {
      moved = await store.takeOver({ from, to, beat, at: clock.now() });
    } catch (error) {
      onTakeOverUnknown();
      throw error;
    } finally {
      this.#takingOver = false;
    }
    this.#others = this.#others.filter(({ owner }) => owner !== from);
    log.info({ from, jobs: moved.length }, "took over from a scheduler that is gone");
    onTakenOver(moved);
  }

  #isGone(other: OwnerRecord): boolean {
    return this.#stateOf(other) === "gone";
  }

  /** For an owner that its living process has given up, and for one that cannot be seen, only the beat is evidence. */
  #stateOf({ owner, process: other }: OwnerRecord): OwnerProcessState {
    const { process, processState } = this.#options;
    if (other === null) return "gone";
    if (!isSameMachine(other, process)) return "unknown";
    const state = processState(other);
    const isGivenUp = state === "alive" && isSameProcess(other, process) && !heldHere.has(owner);
    return isGivenUp ? "unknown" : state;
  }

  #hasLost(other: OwnerRecord, nowMs: number): boolean {
    const state = this.#stateOf(other);
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

  #arm(): void {
    if (this.#ended) return;
    const { clock, leaseMs } = this.#options;
    this.#timer = clock.setTimer(leaseMs / beatsPerLease, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    const { store, owner, log, onFenced } = this.#options;
    try {
      const answer = await store.heartbeat(owner);
      if (this.#ended) return;
      if (answer === "fenced") {
        this.#end();
        return onFenced();
      }
      await this.observe();
    } catch (error) {
      log.warn({ error }, "could not renew the lease; trying again");
    }
    this.#arm();
  }
}

/** The boot id identifies the machine; a host's name may change, and containers on one machine have several. */
function isSameMachine(a: OwnerProcess, b: OwnerProcess): boolean {
  return a.host === b.host || (a.bootId !== null && a.bootId === b.bootId);
}

function isSameProcess(a: OwnerProcess, b: OwnerProcess): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks && a.bootId === b.bootId;
}
