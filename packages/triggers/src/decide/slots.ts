/**
 * Which slots of a schedule become events, which are skipped, and when to look again. Pure: the schedule stands at a cursor,
 * which is stored with the events, so that each slot runs once or its skip is recorded, whatever the process or the clock does.
 */
import { z } from "zod";
import type { Json, SkipReason } from "../trigger-event.ts";
import { slotTimes, type ScheduledSource, type SlotTimes } from "./slot-times.ts";

/** Where a schedule stands. */
export interface SlotCursor {
  /** What the file said of the schedule: another schedule starts over. */
  readonly schedule: string;
  /** The moment from which an interval counts. */
  readonly anchor: number;
  /** Everything up to this moment is decided. */
  readonly done: number;
}

const cursorSchema = z.strictObject({ schedule: z.string(), anchor: z.number(), done: z.number() });

export interface Slot {
  /** ISO time of the slot: no second event of the source has it. */
  readonly key: string;
  readonly at: number;
  readonly payload: Json;
  /** Null: it runs. */
  readonly skipped: SkipReason | null;
}

export interface DueSlots {
  readonly slots: readonly Slot[];
  readonly cursor: SlotCursor;
}

/** A slot is on time until so much later: timers are late after a stall, and daemons restart. */
const lateMs = 60_000;
/** Of slots that are skipped one after another, so many have a record each, and the rest of them share one. */
const recordsMax = 100;
/** Slots that run in one decision; the next one continues. */
const batchMax = 500;
/** A cursor so far ahead of the clock was set by a wrong clock. */
const aheadMsMax = 24 * 3_600_000;

const scheduleText = (source: ScheduledSource): string =>
  source.type === "interval" ? `every ${source.everyMs}` : `${source.schedule} ${source.timezone}`;

/**
 * The cursor to go on from. A schedule that is new or was changed begins now: what it would have done before is not missed. After
 * a clock that was far ahead it begins now too, and the keys of slots still keep each from running twice.
 */
export function cursorFrom(source: ScheduledSource, stored: unknown, now: number): SlotCursor {
  const { data } = cursorSchema.safeParse(stored);
  const isKept = data?.schedule === scheduleText(source) && data.done - now <= aheadMsMax;
  return isKept ? data : { schedule: scheduleText(source), anchor: now, done: now };
}

/** When the next slot is; null: never. */
export const nextSlotAt = (source: ScheduledSource, { anchor, done }: SlotCursor): number | null =>
  slotTimes(source, anchor).after(done);

/** When the next slots are, at most `count`. */
export function nextSlots(
  source: ScheduledSource,
  { anchor, done }: SlotCursor,
  count: number,
): readonly number[] {
  const times = slotTimes(source, anchor);
  const slots: number[] = [];
  for (let at = times.after(done); at !== null && slots.length < count; at = times.after(at)) slots.push(at);
  return slots;
}

/**
 * The slots up to now that the cursor has not passed, the oldest first, and the cursor behind them. A slot that is at most a
 * minute late runs if it is the newest. Of those that are later, `missed` says which run, and none is older than the catch-up
 * window. An interval runs the newest one.
 *
 * At most 100 skipped slots have an event each; the event of the last stands for the rest. At most 500 run: call again until
 * nothing is due.
 */
export function dueSlots(source: ScheduledSource, cursor: SlotCursor, now: number): DueSlots {
  const times = slotTimes(source, cursor.anchor);
  const newest = times.last(cursor.done, now);
  if (newest === null) return { slots: [], cursor };
  const { missed, catchupWindowMs } = catchUp(source);
  const oldest = now - catchupWindowMs;
  const isNewestRun = now - newest <= lateMs || (missed !== "skip" && newest >= oldest);
  const firstRun = missed === "all" ? (times.after(Math.max(cursor.done, oldest - 1)) ?? newest) : newest;
  const runFrom = isNewestRun ? Math.min(firstRun, newest) : newest + 1;
  const skipped = skippedSlots(source, times, cursor.done, runFrom, oldest);
  const run: Slot[] = [];
  for (let at: number | null = times.after(runFrom - 1); at !== null && at <= newest; at = times.after(at)) {
    if (run.length === batchMax) break;
    run.push(slotOf(source, at));
  }
  const done = run.at(-1)?.at ?? newest;
  return { slots: [...skipped, ...run], cursor: { ...cursor, done } };
}

const catchUp = (source: ScheduledSource): { missed: "skip" | "once" | "all"; catchupWindowMs: number } =>
  source.type === "cron" ? source : { missed: "once", catchupWindowMs: Infinity };

/** Slots in (`from`, `to`) exclusive of both, none of which runs. */
function skippedSlots(
  source: ScheduledSource,
  times: SlotTimes,
  from: number,
  to: number,
  oldest: number,
): readonly Slot[] {
  const slots: Slot[] = [];
  for (let at = times.after(from); at !== null && at < to; at = times.after(at)) {
    if (slots.length === recordsMax) {
      const last = times.last(at - 1, to - 1) ?? at;
      const text = `every slot from here to ${isoOf(last)} was missed`;
      slots.push({ ...slotOf(source, at), skipped: { code: codeOf(last, oldest), text } });
      return slots;
    }
    slots.push({ ...slotOf(source, at), skipped: skipReason(source, at, oldest) });
  }
  return slots;
}

const codeOf = (at: number, oldest: number): "missed" | "catchup_window" =>
  at < oldest ? "catchup_window" : "missed";

function skipReason(source: ScheduledSource, at: number, oldest: number): SkipReason {
  const code = codeOf(at, oldest);
  if (code === "catchup_window")
    return { code, text: "the daemon did not run then, and the slot is older than catchup_window" };
  const { missed } = catchUp(source);
  return {
    code,
    text: `the daemon did not run then, and ${missed === "skip" ? "missed slots are skipped" : "only the newest missed slot runs"}`,
  };
}

const isoOf = (at: number): string => new Date(at).toISOString();

/** A slot that runs. `firedAt` is the moment of the slot, even if it runs later. */
function slotOf(source: ScheduledSource, at: number): Slot {
  const payload: Json =
    source.type === "interval"
      ? { type: source.type, firedAt: at }
      : { type: source.type, schedule: source.schedule, firedAt: at };
  return { key: isoOf(at), at, payload, skipped: null };
}

/**
 * The slots in [`from`, `to`], for a backfill: at most `limit`, the oldest first. An interval counts from its cursor, and from
 * `from` if there is none.
 */
export function slotsBetween(
  source: ScheduledSource,
  { from, to, limit, cursor }: SlotRange,
): { readonly slots: readonly Slot[]; readonly isMore: boolean } {
  const times = slotTimes(source, cursor?.anchor ?? from);
  const slots: Slot[] = [];
  for (let at = times.after(from - 1); at !== null && at <= to; at = times.after(at)) {
    if (slots.length === limit) return { slots, isMore: true };
    slots.push(slotOf(source, at));
  }
  return { slots, isMore: false };
}

export interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly limit: number;
  readonly cursor: SlotCursor | null;
}
