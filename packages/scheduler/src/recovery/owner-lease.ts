/**
 * This scheduler's lease, and its view of the others'. A lease is a beat that rises; an owner whose beat has not changed
 * for its whole lease by the observer's own monotonic clock has lost it, and so has one whose process is gone. No wall
 * clock is compared with another, so no jump of one can end a lease early or keep it alive. Processes of this machine are
 * looked at more often than beats are read: a death is seen at once, and costs no question to the store.
 */
import type { Clock, Log, Timer } from "@agentcore/contract";
import type { JobRecord } from "../job-record.ts";
import type { JobStore, OwnerProcess, OwnerRecord } from "../job-store.ts";

export interface OwnerLeasePorts {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly owner: string;
  readonly process: OwnerProcess;
  readonly leaseMs: number;
  /** Whether an owner's process is known to be gone; false where that cannot be told. Looked at only on the same host. */
  readonly isProcessGone: (process: OwnerProcess) => boolean;
  /** Jobs of an owner that lost its lease are this one's now. */
  readonly onTakenOver: (jobs: readonly JobRecord[]) => void;
  /** The answer of a takeover was lost: its jobs may be this owner's now. */
  readonly onTakeOverUnknown: () => void;
  /** Somebody took over from this owner: what it runs is not its own any more. Called once. */
  readonly onFenced: () => void;
}

/** Beats in one lease. */
const beatsPerLease = 5;

interface Observation {
  readonly beat: number;
  readonly sinceMs: number;
}

export class OwnerLease {
  readonly #ports: OwnerLeasePorts;
  readonly #seen = new Map<string, Observation>();
  /** The other owners, when they were last read. */
  #others: readonly OwnerRecord[] = [];
  #observing: Promise<void> | null = null;
  #timer: Timer | undefined;
  #ended = false;
  #takingOver = false;
  /** Takeovers whose answer was lost, and how many of them have been looked into since. */
  #unanswered = 0;
  #lookedInto = 0;

  constructor(ports: OwnerLeasePorts) {
    this.#ports = ports;
  }

  get owner(): string {
    return this.#ports.owner;
  }

  /** Registers, takes over from owners that are known to be gone, and goes on beating and observing. */
  async start(): Promise<void> {
    const { store, owner, process, leaseMs, clock } = this.#ports;
    await store.registerOwner({ owner, process, leaseMs, at: clock.now() });
    await this.observe();
    this.#arm();
  }

  /** Stops beating and forgets the owner; one that still has running jobs stays known, to be taken over from. */
  async resign(): Promise<void> {
    this.#end();
    const { store, owner, log } = this.#ports;
    try {
      await store.removeOwner(owner);
    } catch (error) {
      log.warn({ error, owner }, "could not sign off; the next scheduler takes over from this one");
    }
  }

  #end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  /** Looks at the other owners and takes over from those that lost their lease. */
  observe(): Promise<void> {
    this.#observing ??= this.#observeOnce().finally(() => {
      this.#observing = null;
    });
    return this.#observing;
  }

  /** Between two beats: observes only where the process of an owner that is known here is seen to be gone. */
  async lookForDead(): Promise<void> {
    if (!this.#ended && this.#others.some((other) => this.#isGone(other))) await this.observe();
  }

  async #observeOnce(): Promise<void> {
    const { store, clock, owner } = this.#ports;
    const owners = await store.owners();
    const nowMs = clock.monotonicMs();
    this.#others = owners.filter((other) => other.owner !== owner);
    const known = new Set(this.#others.map((other) => other.owner));
    for (const name of this.#seen.keys()) if (!known.has(name)) this.#seen.delete(name);
    for (const other of this.#others) if (this.#hasLost(other, nowMs)) await this.#takeOver(other);
  }

  /**
   * To be called before asking which jobs are this owner's. The function that it gives answers, when the answer is there,
   * whether jobs among them that nobody here knows may come from a takeover.
   */
  lookIntoTakeovers(): () => boolean {
    const before = this.#unanswered;
    return () => {
      const possible = this.#takingOver || this.#unanswered > this.#lookedInto;
      this.#lookedInto = Math.max(this.#lookedInto, before);
      return possible;
    };
  }

  async #takeOver({ owner: from, beat }: OwnerRecord): Promise<void> {
    const { store, clock, owner: to, log, onTakenOver, onTakeOverUnknown } = this.#ports;
    this.#takingOver = true;
    let moved: readonly JobRecord[];
    try {
      moved = await store.takeOver({ from, to, beat, at: clock.now() });
    } catch (error) {
      this.#unanswered += 1;
      onTakeOverUnknown();
      throw error;
    } finally {
      this.#takingOver = false;
    }
    this.#others = this.#others.filter(({ owner }) => owner !== from);
    log.warn({ from, jobs: moved.length }, "took over from a scheduler that is gone");
    onTakenOver(moved);
  }

  #isGone({ process: other }: OwnerRecord): boolean {
    const { process, isProcessGone } = this.#ports;
    return other.host === process.host && isProcessGone(other);
  }

  #hasLost(other: OwnerRecord, nowMs: number): boolean {
    if (this.#isGone(other)) return true;
    const seen = this.#seen.get(other.owner);
    if (seen?.beat === other.beat) return nowMs - seen.sinceMs >= other.leaseMs;
    this.#seen.set(other.owner, { beat: other.beat, sinceMs: nowMs });
    return false;
  }

  #arm(): void {
    if (this.#ended) return;
    const { clock, leaseMs } = this.#ports;
    this.#timer = clock.setTimer(leaseMs / beatsPerLease, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    const { store, owner, log, onFenced } = this.#ports;
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
