/**
 * The moments of a schedule, and nothing of what became of them. An interval has a slot each `every` from its start. Of a cron
 * schedule whose hour is `*`, slots follow real time across a change to or from daylight saving. Every other schedule is of the
 * wall clock: a slot that does not exist is at the next valid minute, and one that exists twice is at its first.
 */
import { Cron } from "croner";
import type { CronSource, EventSource, IntervalSource } from "../definition.ts";

export type ScheduledSource = IntervalSource | CronSource;

export const isScheduled = (source: EventSource): source is ScheduledSource =>
  source.type === "interval" || source.type === "cron";

export interface SlotTimes {
  /** The first slot after the moment; null: there is none. */
  after(at: number): number | null;
  /** The last slot in (`after`, `until`]; null: there is none. */
  last(after: number, until: number): number | null;
}

/** `anchor`: the moment from which an interval counts. Throws a `TypeError` for a schedule that is none. */
export function slotTimes(source: ScheduledSource, anchor: number): SlotTimes {
  return source.type === "interval" ? intervalTimes(source, anchor) : cronTimes(source);
}

function intervalTimes({ everyMs }: IntervalSource, anchor: number): SlotTimes {
  const slotAt = (at: number): number => anchor + Math.floor((at - anchor) / everyMs) * everyMs;
  return {
    after: (at) => slotAt(at) + everyMs,
    last: (after, until) => (slotAt(until) > after ? slotAt(until) : null),
  };
}

function cronTimes({ schedule, timezone }: CronSource): SlotTimes {
  const cron = new Cron(withListedTimes(schedule), {
    mode: "5-part",
    timezone,
    paused: true,
    fixedTimeRule: "no-wildcard",
  });
  const after = (at: number): number | null => cron.nextRun(new Date(at))?.getTime() ?? null;
  return { after, last: (from, until) => lastSlot(after, from, until) };
}

/** Looks twice as far back each time, because only the way forward is sure to agree with itself across daylight saving. */
function lastSlot(after: SlotTimes["after"], from: number, until: number): number | null {
  for (let backMs = 60_000; ; backMs *= 2) {
    const start = Math.max(from, until - backMs);
    let found: number | null = null;
    for (let slot = after(start); slot !== null && slot <= until; slot = after(slot)) found = slot;
    if (found !== null || start === from) return found;
  }
}

/**
 * The schedule with minutes and hours as plain lists, unless its hour is `*`: croner takes a step or a wildcard for a schedule
 * of real time, which leaves slots out or doubles them when the clock changes.
 */
function withListedTimes(schedule: string): string {
  const [minute = "", hour = "", ...rest] = schedule.trim().split(/\s+/);
  const hours = listed(hour, 24);
  if (hours === null || hours.length === 24) return schedule;
  return [(listed(minute, 60) ?? [minute]).join(","), hours.join(","), ...rest].join(" ");
}

/** The numbers of a field, in order; null if it is written in a way that only croner knows. */
function listed(field: string, count: number): readonly number[] | null {
  const numbers = new Set<number>();
  for (const part of field.split(",")) {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    if (match === null) return null;
    const [, low = "0", high = match[1] ?? String(count - 1), step = "1"] = match;
    if (Number(step) === 0 || Number(high) >= count) return null;
    for (let number = Number(low); number <= Number(high); number += Number(step)) numbers.add(number);
  }
  return numbers.size === 0 ? null : [...numbers].sort((a, b) => a - b);
}
