/** The sources of `type: interval` and `type: cron`: they wait for slots on the clock and hand them to the daemon. */
import { backOffMs, errorText, loopWentRound, type Clock, type Timer } from "@agentcore/contract";
import type { EventSource } from "../definition.ts";
import { cursorFrom, dueSlots, nextSlotAt, type SlotCursor } from "../decide/slots.ts";
import { isScheduled, type ScheduledSource } from "../decide/slot-times.ts";
import type { Source, SourceCount, SourceHost } from "../source.ts";
import { SourceTally, type TallyOptions } from "./source-tally.ts";

/** The longest wait for a wall clock, which can be set meanwhile. */
const waitMsMax = 60_000;
const retryDelay = { minMs: 1_000, maxMs: 60_000 };

export interface SchedulesOptions extends TallyOptions {
  /** By id. Those of other types are left out. */
  readonly sources: ReadonlyMap<string, EventSource>;
  readonly host: SourceHost;
  readonly clock: Clock;
}

interface Schedule {
  readonly id: string;
  readonly source: ScheduledSource;
  cursor: SlotCursor;
  /** Writes that failed in a row. */
  failures: number;
  timer: Timer | null;
}

/** All schedules of a daemon. Where each stands is in the same commit as the events of its slots. */
export class Schedules implements Source {
  readonly #options: SchedulesOptions;
  readonly #tally: SourceTally;
  readonly #schedules: Schedule[] = [];
  readonly #inHand = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: SchedulesOptions) {
    this.#options = options;
    this.#tally = new SourceTally(options);
  }

  /** Hands over the slots of the time when no daemon ran, too. Rejects if the store cannot be written. */
  async start(): Promise<void> {
    const { sources, host, clock } = this.#options;
    for (const [id, source] of sources) {
      if (!isScheduled(source)) continue;
      const stored = host.stateOf(id);
      const cursor = cursorFrom(source, stored, clock.now());
      const schedule: Schedule = { id, source, cursor, failures: 0, timer: null };
      if (JSON.stringify(stored) !== JSON.stringify(cursor))
        await host.acceptWithState({ source: id, state: { ...cursor }, events: [] });
      this.#schedules.push(schedule);
    }
    for (const schedule of this.#schedules) this.#tick(schedule);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { timer } of this.#schedules) timer?.cancel();
    await Promise.allSettled(this.#inHand);
  }

  counts(): readonly SourceCount[] {
    return this.#tally.counts();
  }

  #tick(schedule: Schedule): void {
    const done = this.#handOver(schedule).then(
      () => this.#wait(schedule),
      (error: unknown) => this.#retry(schedule, error),
    );
    this.#inHand.add(done);
    void done.finally(() => this.#inHand.delete(done));
  }

  async #handOver(schedule: Schedule): Promise<void> {
    const { host, clock } = this.#options;
    const { id, source } = schedule;
    while (!this.#isClosed) {
      const before = cursorFrom(source, schedule.cursor, clock.now());
      const { slots, cursor } = dueSlots(source, before, clock.now());
      if (slots.length > 0) {
        const events = slots.map(({ key, payload, skipped }) => ({
          source: id,
          key,
          payload,
          chain: [],
          skipped,
        }));
        const answers = await host.acceptWithState({ source: id, state: { ...cursor }, events });
        for (const answer of answers) this.#tally.count(id, answer);
      }
      schedule.cursor = cursor;
      schedule.failures = 0;
      if (slots.length === 0) return;
      await loopWentRound();
    }
  }

  #wait(schedule: Schedule): void {
    const at = nextSlotAt(schedule.source, schedule.cursor);
    if (at !== null) this.#tickIn(schedule, Math.min(Math.max(0, at - this.#options.clock.now()), waitMsMax));
  }

  #retry(schedule: Schedule, error: unknown): void {
    schedule.failures += 1;
    this.#tally.refuse(
      schedule.id,
      "not_kept",
      "The slots of a schedule could not be stored; trying again.",
      {
        reason: errorText(error),
      },
    );
    this.#tickIn(schedule, backOffMs(schedule.failures, retryDelay));
  }

  #tickIn(schedule: Schedule, delayMs: number): void {
    if (this.#isClosed) return;
    schedule.timer = this.#options.clock.setTimer(delayMs, () => this.#tick(schedule));
  }
}
