import { expect, it } from "vitest";
import type { CronSource, IntervalSource } from "../definition.ts";
import {
  cursorFrom,
  dueSlots,
  nextSlotAt,
  nextSlots,
  slotsBetween,
  type DueSlots,
  type SlotCursor,
} from "./slots.ts";
import type { ScheduledSource } from "./slot-times.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const at = (text: string): number => Date.parse(text);
const short = (ms: number): string => new Date(ms).toISOString().slice(5, 16);

const cron = (schedule: string, change: Partial<CronSource> = {}): CronSource => ({
  type: "cron",
  schedule,
  timezone: "UTC",
  missed: "once",
  catchupWindowMs: hourMs,
  ...change,
});
const every = (everyMs: number): IntervalSource => ({ type: "interval", everyMs });

/** A cursor up to which everything is decided. */
const doneAt = (source: ScheduledSource, moment: number): SlotCursor => cursorFrom(source, undefined, moment);

const seen = ({ slots }: DueSlots): string[] =>
  slots.map((slot) => `${short(slot.at)} ${slot.skipped?.code ?? "runs"}`);

it.each<[string, string, string, string, string[]]>([
  ["a daily slot in the gap", "30 2 * * *", "Europe/Berlin", "03-28T12:00", ["03-29T01:00", "03-30T00:30"]],
  [
    "a daily slot in the gap",
    "30 2 * * *",
    "America/New_York",
    "03-07T12:00",
    ["03-08T07:00", "03-09T06:30"],
  ],
  [
    "a daily slot that exists twice",
    "30 2 * * *",
    "Europe/Berlin",
    "10-24T12:00",
    ["10-25T00:30", "10-26T01:30"],
  ],
  [
    "a daily slot that exists twice",
    "30 1 * * *",
    "America/New_York",
    "10-31T12:00",
    ["11-01T05:30", "11-02T06:30"],
  ],
  [
    "two slots in the gap, at one minute",
    "0,30 2 * * *",
    "Europe/Berlin",
    "03-28T12:00",
    ["03-29T01:00", "03-30T00:00"],
  ],
  ["steps in the gap", "*/20 2 * * *", "Europe/Berlin", "03-28T12:00", ["03-29T01:00", "03-30T00:00"]],
  [
    "steps that exist twice",
    "*/20 2 * * *",
    "Europe/Berlin",
    "10-24T12:00",
    ["10-25T00:00", "10-25T00:20", "10-25T00:40", "10-26T01:00"],
  ],
  [
    "a range of hours around the gap",
    "0 1-3 * * *",
    "Europe/Berlin",
    "03-28T22:00",
    ["03-29T00:00", "03-29T01:00", "03-29T23:00"],
  ],
  [
    "every second hour, one of which is in the gap",
    "0 */2 * * *",
    "Europe/Berlin",
    "03-28T22:00",
    ["03-28T23:00", "03-29T01:00", "03-29T02:00"],
  ],
  [
    "every second hour, one of which exists twice",
    "0 */2 * * *",
    "Europe/Berlin",
    "10-24T21:00",
    ["10-24T22:00", "10-25T00:00", "10-25T03:00"],
  ],
  [
    "each hour, across the gap",
    "30 * * * *",
    "Europe/Berlin",
    "03-28T23:45",
    ["03-29T00:30", "03-29T01:30", "03-29T02:30"],
  ],
  [
    "each hour, across the hour that exists twice",
    "30 * * * *",
    "America/New_York",
    "11-01T04:45",
    ["11-01T05:30", "11-01T06:30", "11-01T07:30"],
  ],
  [
    "each half hour, across the hour that exists twice",
    "*/30 * * * *",
    "Europe/Berlin",
    "10-25T00:10",
    ["10-25T00:30", "10-25T01:00", "10-25T01:30", "10-25T02:00"],
  ],
  ["a slot only on the day of the change", "30 2 29 3 *", "Europe/Berlin", "03-28T12:00", ["03-29T01:00"]],
  ["Sunday as 7", "0 0 * * 7", "UTC", "03-28T12:00", ["03-29T00:00", "04-05T00:00"]],
  ["Sunday as 0", "0 0 * * 0", "UTC", "03-28T12:00", ["03-29T00:00", "04-05T00:00"]],
])("%s: the slots of %s in %s after %s", (_name, schedule, timezone, from, expected) => {
  const source = cron(schedule, { timezone });
  const start = at(`2026-${from}:00Z`);
  const endAt = at(`2026-${expected.at(-1)}:00Z`);
  const slots: string[] = [];
  let cursor = doneAt(source, start);
  for (let now = nextSlotAt(source, cursor); now !== null && now <= endAt; now = nextSlotAt(source, cursor)) {
    const due = dueSlots(source, cursor, now);
    slots.push(...seen(due));
    cursor = due.cursor;
  }
  expect(slots).toEqual(expected.map((slot) => `${slot} runs`));
  const between = slotsBetween(source, { from: start, to: endAt, limit: 100, cursor: null });
  expect(between.slots.map((slot) => short(slot.at))).toEqual(expected);
});

const nine = (change: Partial<CronSource> = {}) => cron("0 9 * * *", change);
const hourly = (change: Partial<CronSource> = {}) => cron("0 * * * *", change);

it.each<[string, ScheduledSource, string, string, string[]]>([
  ["a slot that is due runs", nine(), "01T10:00", "02T09:00", ["01-02T09:00 runs"]],
  ["nothing is due before it", nine(), "01T10:00", "02T08:59", []],
  [
    "a slot that is half a minute late is not missed",
    nine({ missed: "skip" }),
    "01T10:00",
    "02T09:00:30",
    ["01-02T09:00 runs"],
  ],
  [
    "skip: a missed slot is skipped",
    nine({ missed: "skip" }),
    "01T10:00",
    "02T09:02",
    ["01-02T09:00 missed"],
  ],
  ["once: a missed slot runs", nine(), "01T10:00", "02T09:30", ["01-02T09:00 runs"]],
  [
    "once: a slot older than the window is skipped",
    nine(),
    "01T10:00",
    "02T10:01",
    ["01-02T09:00 catchup_window"],
  ],
  [
    "once: of several only the newest runs, and the others say why not",
    hourly({ catchupWindowMs: 2 * hourMs }),
    "02T06:30",
    "02T09:59",
    ["01-02T07:00 catchup_window", "01-02T08:00 missed", "01-02T09:00 runs"],
  ],
  [
    "skip: the newest slot, just due, runs and the missed ones before it do not",
    hourly({ missed: "skip", catchupWindowMs: dayMs }),
    "02T06:30",
    "02T08:00",
    ["01-02T07:00 missed", "01-02T08:00 runs"],
  ],
  [
    "all: every slot in the window runs, the oldest first",
    hourly({ missed: "all", catchupWindowMs: 2 * hourMs }),
    "02T05:30",
    "02T08:30",
    ["01-02T06:00 catchup_window", "01-02T07:00 runs", "01-02T08:00 runs"],
  ],
  [
    "an interval runs the newest slot, on its grid",
    every(hourMs),
    "02T05:30",
    "02T08:31",
    ["01-02T06:30 missed", "01-02T07:30 missed", "01-02T08:30 runs"],
  ],
  [
    "an interval is never too old",
    every(dayMs),
    "02T05:30",
    "09T04:00",
    ["3", "4", "5", "6", "7", "8"].map((day) => `01-0${day}T05:30 ${day === "8" ? "runs" : "missed"}`),
  ],
  ["a day that no month has for long", cron("0 0 29 2 *"), "02T05:30", "09T04:00", []],
])("%s", (_name, source, done, now, expected) => {
  const cursor = doneAt(source, at(`2026-01-${done}Z`));
  const due = dueSlots(source, cursor, at(`2026-01-${now}${now.length < 9 ? ":00" : ""}Z`));
  expect(seen(due)).toEqual(expected);
  expect(due.slots.map(({ key }) => key)).toEqual(due.slots.map((slot) => new Date(slot.at).toISOString()));
});

it("catching up on yesterday's slot leaves today's alone", () => {
  const source = nine({ catchupWindowMs: dayMs });
  const late = dueSlots(source, doneAt(source, at("2026-01-01T10:00Z")), at("2026-01-03T08:59Z"));
  expect(seen(late)).toEqual(["01-02T09:00 runs"]);
  expect(nextSlotAt(source, late.cursor)).toBe(at("2026-01-03T09:00Z"));
  expect(seen(dueSlots(source, late.cursor, at("2026-01-03T09:00Z")))).toEqual(["01-03T09:00 runs"]);
});

it.each<[string, ScheduledSource]>([
  ["cron", hourly({ missed: "all", catchupWindowMs: dayMs })],
  ["interval", every(hourMs)],
])("a clock that is set back runs no slot twice: %s", (_name, source) => {
  const cursor = doneAt(source, at("2026-01-01T08:30Z"));
  const before = dueSlots(source, cursor, at("2026-01-01T10:30Z"));
  expect(seen(before).at(-1)).toContain("runs");
  const back = cursorFrom(source, before.cursor, at("2026-01-01T07:00Z"));
  expect(seen(dueSlots(source, back, at("2026-01-01T07:00Z")))).toEqual([]);
  expect(seen(dueSlots(source, back, at("2026-01-01T10:10Z")))).toEqual([]);
});

it("after a clock that was years ahead, the schedule goes on at the right time", () => {
  const ahead = doneAt(hourly(), at("2030-01-01T00:00Z"));
  const now = at("2026-01-01T08:30Z");
  const cursor = cursorFrom(hourly(), ahead, now);
  expect(nextSlotAt(hourly(), cursor)).toBe(at("2026-01-01T09:00Z"));
});

it("a schedule that was changed starts over: what it would have done before is not missed", () => {
  const now = at("2026-01-01T12:30Z");
  const stored = doneAt(nine(), at("2026-01-01T09:00Z"));
  expect(seen(dueSlots(hourly(), cursorFrom(hourly(), stored, now), now))).toEqual([]);
  expect(cursorFrom(nine(), stored, now)).toEqual(stored);
  expect(cursorFrom(nine({ timezone: "Europe/Berlin" }), stored, now).done).toBe(now);
  expect(cursorFrom(nine(), { done: "yesterday" }, now).done).toBe(now);
});

it("a long downtime leaves a bounded number of events, and the last one stands for the rest", () => {
  const source = cron("* * * * *", { catchupWindowMs: 0 });
  const now = at("2026-06-01T00:00:30Z");
  const { slots, cursor } = dueSlots(source, doneAt(source, at("2026-01-01T00:00Z")), now);
  expect(slots).toHaveLength(102);
  expect(slots[100]?.skipped).toEqual({
    code: "catchup_window",
    text: "every slot from here to 2026-05-31T23:59:00.000Z was missed",
  });
  expect(slots[101]).toMatchObject({ key: "2026-06-01T00:00:00.000Z", skipped: null });
  expect(dueSlots(source, cursor, now).slots).toEqual([]);
});

it("many missed slots that all run come in several batches, each slot once", () => {
  const source = cron("* * * * *", { missed: "all", catchupWindowMs: dayMs });
  const now = at("2026-01-02T00:00:30Z");
  let cursor = doneAt(source, at("2026-01-01T00:00:30Z"));
  const sizes: number[] = [];
  const keys = new Set<string>();
  for (;;) {
    const due = dueSlots(source, cursor, now);
    if (due.slots.length === 0) break;
    sizes.push(due.slots.length);
    for (const { key, skipped } of due.slots) if (skipped === null) keys.add(key);
    cursor = due.cursor;
  }
  expect(sizes).toEqual([500, 500, 440]);
  expect(keys.size).toBe(1440);
});

it("a backfill has the slots of its range, both ends included, and says when there are more", () => {
  const range = { from: at("2026-01-01T09:00Z"), to: at("2026-01-03T09:00Z"), cursor: null };
  const found = slotsBetween(nine(), { ...range, limit: 10 });
  expect(found.slots.map((slot) => short(slot.at))).toEqual(["01-01T09:00", "01-02T09:00", "01-03T09:00"]);
  expect(found.slots[0]?.payload).toEqual({ type: "cron", schedule: "0 9 * * *", firedAt: range.from });
  expect(found.isMore).toBe(false);
  expect(slotsBetween(nine(), { ...range, limit: 2 })).toMatchObject({ isMore: true, slots: { length: 2 } });
  const cursor = doneAt(every(dayMs), at("2026-01-01T10:00Z"));
  const interval = slotsBetween(every(dayMs), { ...range, cursor, limit: 10 });
  expect(interval.slots.map((slot) => short(slot.at))).toEqual(["01-01T10:00", "01-02T10:00"]);
});

it("the next slots are in order, at most as many as asked for, and none after the last", () => {
  const noon = at("2026-03-28T12:00Z");
  const berlin = cron("30 2 * * *", { timezone: "Europe/Berlin" });
  expect(nextSlots(berlin, doneAt(berlin, noon), 3).map(short)).toEqual([
    "03-29T01:00",
    "03-30T00:30",
    "03-31T00:30",
  ]);
  expect(nextSlots(every(hourMs), doneAt(every(hourMs), noon), 2)).toEqual([
    noon + hourMs,
    noon + 2 * hourMs,
  ]);
  const never = cron("0 0 31 2 *");
  expect(nextSlots(never, doneAt(never, noon), 5)).toEqual([]);
});
