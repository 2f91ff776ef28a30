/**
 * Periodic work: passing on cancels from other processes, reporting the queue to the runtime, noticing the death of other
 * schedulers and changes of the wall clock, deleting old jobs, applying late spooled results.
 */
import type { OwnerLease } from "../recovery/owner-lease.ts";
import type { Recovery } from "../recovery/recovery.ts";
import type { JobRecord } from "../job-record.ts";
import type { ResolvedOptions } from "../scheduler-options.ts";
import type { QueueClient } from "../submit/queue-client.ts";
import type { Change } from "../change-watch.ts";
import type { DriveLoop } from "./drive-loop.ts";
import { EndMarks } from "./end-marks.ts";

export interface HousekeepingOptions {
  readonly options: ResolvedOptions;
  readonly client: QueueClient;
  readonly loop: DriveLoop;
  readonly recovery: Recovery;
  /** Null before this scheduler is an owner. */
  readonly lease: () => OwnerLease | null;
}

/** In ticks of a quarter of a second. */
const reportEvery = 4;
const deleteEvery = 240;
/** In ticks. After a step of the wall clock, nothing is deleted for an hour, because the clock may be wrong. */
const quietAfterStep = 14_400;
/** A step of the wall clock, relative to the monotonic clock, after which the timers must be computed again. */
const clockStepMs = 1000;

export class Housekeeping {
  readonly #ports: HousekeepingOptions;
  readonly #awaitingIdle: (() => void)[] = [];
  #ticks = 0;
  #deleteFrom = 0;
  #cancelsDue = true;
  #working = false;
  readonly #endMarks: EndMarks;
  readonly #journalMarks: EndMarks;
  #wallAheadMs: number;

  constructor(ports: HousekeepingOptions) {
    this.#ports = ports;
    this.#endMarks = new EndMarks(ports.options.keepEndedMs);
    this.#journalMarks = new EndMarks(ports.options.keepEndedMs);
    this.#wallAheadMs = this.#wallAhead();
  }

  onChange(change: Change, by: string | null): void {
    this.#cancelsDue ||= change !== "tick";
    if (change !== "tick") this.#ports.loop.wake(by);
    if (change !== "here") void this.#work();
  }

  onQuiet(): void {
    if (this.#awaitingIdle.length > 0) this.#askIfIdle();
  }

  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#awaitingIdle.push(resolve);
      this.#askIfIdle();
    });
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    this.#ticks += 1;
    if (Math.abs(this.#wallAhead() - this.#wallAheadMs) > clockStepMs) {
      this.#wallAheadMs = this.#wallAhead();
      this.#deleteFrom = this.#ticks + quietAfterStep;
      this.#ports.loop.wake();
    }
    try {
      if (this.#endMarks.isEmpty) await this.#noteEnds();
      if (this.#cancelsDue) await this.#passOnCancels();
      await this.#ports.lease()?.lookForDead();
      if (this.#ticks % reportEvery === 0) await this.#report();
      if (this.#ticks % reportEvery === 0) await this.#ports.recovery.applySpool();
      if (this.#ticks % deleteEvery === 0 && this.#ticks >= this.#deleteFrom) await this.#deleteEnded();
      if (this.#awaitingIdle.length > 0) await this.#tellIfIdle();
    } catch (error) {
      this.#ports.options.log.warn({ error }, "housekeeping of the job store failed; trying again");
    }
    this.#working = false;
  }

  async #passOnCancels(): Promise<void> {
    const { loop, lease, options } = this.#ports;
    const owner = lease()?.owner;
    if (owner === undefined) return;
    this.#cancelsDue = false;
    let requests: readonly JobRecord[];
    try {
      requests = await options.store.cancelRequests(owner);
    } catch (error) {
      this.#cancelsDue = true;
      throw error;
    }
    for (const { job, state } of requests) {
      if (state.kind === "running" && state.cancelRequested !== null)
        loop.cancel(job.id, { reason: state.cancelRequested });
    }
  }

  async #report(): Promise<void> {
    const { options, client } = this.#ports;
    const { ready, oldestWaitMs } = await client.stats();
    options.runtime.reportQueue({ depth: ready, oldestWaitMs });
  }

  async #deleteEnded(): Promise<void> {
    const { store, journal, clock, keepEndedMs } = this.#ports.options;
    await this.#noteEnds();
    const endedBefore = clock.now() - keepEndedMs;
    const nowMs = clock.monotonicMs();
    await store.deleteEnded({ endedBefore, upToMark: this.#endMarks.deletableUpTo(nowMs) });
    await journal?.deleteEnded({ endedBefore, upToMark: this.#journalMarks.deletableUpTo(nowMs) });
  }

  async #noteEnds(): Promise<void> {
    const { store, journal, clock } = this.#ports.options;
    const atMs = clock.monotonicMs();
    if (journal !== undefined) this.#journalMarks.note(atMs, await journal.endMark());
    this.#endMarks.note(atMs, await store.endMark());
  }

  /** If the store does not answer, the next tick asks again. */
  #askIfIdle(): void {
    this.#tellIfIdle().catch((error: unknown) => {
      this.#ports.options.log.warn({ error }, "could not ask whether the queue is empty; asking again");
    });
  }

  async #tellIfIdle(): Promise<void> {
    const { ready, delayed, running } = await this.#ports.client.stats();
    if (ready + delayed + running > 0) return;
    for (const resolve of this.#awaitingIdle.splice(0)) resolve();
  }

  #wallAhead(): number {
    const { clock } = this.#ports.options;
    return clock.now() - clock.monotonicMs();
  }
}
