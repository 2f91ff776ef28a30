import type { Clock } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import { expect, it } from "vitest";
import type { EventSource } from "../definition.ts";
import { recordedLog, TestHost } from "../testing/sources.ts";
import { Schedules } from "./schedule-source.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const at = (text: string): number => Date.parse(text);

/** A clock that stands still between the timers that a test fires. */
function handClock(start: number) {
  const timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();
  let monotonicMs = 0;
  let ahead = start;
  const clock: Clock = {
    now: () => ahead + monotonicMs,
    monotonicMs: () => monotonicMs,
    setTimer(delayMs, fire) {
      const timer = { atMs: monotonicMs + delayMs, fire };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
  };
  const fireNext = async (): Promise<void> => {
    await until(() => timers.size > 0, { what: "a timer" });
    const [next] = [...timers].sort((a, b) => a.atMs - b.atMs);
    timers.delete(next!);
    monotonicMs = next!.atMs;
    next!.fire();
  };
  return {
    clock,
    timers,
    setWall: (now: number) => void (ahead = now - monotonicMs),
    runUntil: async (moment: number): Promise<void> => {
      while (clock.now() < moment) await fireNext();
      await until(() => timers.size > 0, { what: "a timer" });
    },
  };
}

const hourly: EventSource = {
  type: "cron",
  schedule: "0 * * * *",
  timezone: "UTC",
  missed: "once",
  catchupWindowMs: hourMs,
};

function rig(sources: Record<string, EventSource>, start: string, host = new TestHost()) {
  const time = handClock(at(start));
  const { log, lines } = recordedLog();
  const schedules = new Schedules({
    sources: new Map(Object.entries(sources)),
    host,
    log,
    clock: time.clock,
  });
  const seen = () =>
    host.events.map(
      ({ source, key, skipped }) => `${source} ${key?.slice(11, 16)} ${skipped?.code ?? "runs"}`,
    );
  return { ...time, schedules, host, lines, seen };
}

it("hands over each slot of intervals and schedules at its time, once, and leaves other sources alone", async () => {
  const { schedules, runUntil, host, seen } = rig(
    { hourly, half: { type: "interval", everyMs: 30 * minuteMs }, topic: { type: "queue", topic: "t" } },
    "2026-01-01T08:50Z",
  );
  await schedules.start();
  expect(host.events).toEqual([]);
  await runUntil(at("2026-01-01T10:00Z"));
  await until(() => host.events.length === 4);
  await schedules.close();
  expect(seen().sort()).toEqual([
    "half 09:20 runs",
    "half 09:50 runs",
    "hourly 09:00 runs",
    "hourly 10:00 runs",
  ]);
  expect(host.events.find(({ source }) => source === "half")?.payload).toEqual({
    type: "interval",
    firedAt: at("2026-01-01T09:20Z"),
  });
  expect(schedules.counts()).toContainEqual({ source: "half", kind: "accepted", count: 2 });
});

it("after a downtime it goes on where it stood: older slots are skipped with the reason, and the newest runs", async () => {
  const first = rig({ hourly }, "2026-01-01T08:50Z");
  await first.schedules.start();
  await first.schedules.close();
  const second = rig({ hourly }, "2026-01-01T11:30Z", first.host);
  await second.schedules.start();
  await until(() => second.seen().length === 3);
  await second.schedules.close();
  expect(second.seen()).toEqual([
    "hourly 09:00 catchup_window",
    "hourly 10:00 catchup_window",
    "hourly 11:00 runs",
  ]);
});

it("a store that cannot be written loses no slot: it is tried again, and said once", async () => {
  const { schedules, runUntil, host, lines, seen } = rig({ hourly }, "2026-01-01T08:59Z");
  await schedules.start();
  host.failure = new Error("disk full");
  await runUntil(at("2026-01-01T09:00:05Z"));
  expect(host.events).toEqual([]);
  host.failure = null;
  await runUntil(at("2026-01-01T09:02Z"));
  await schedules.close();
  expect(seen()).toEqual(["hourly 09:00 runs"]);
  expect(lines.map(({ reason }) => reason)).toEqual(["disk full"]);
});

it("a wall clock that is set forward or back runs no slot twice", async () => {
  const { schedules, runUntil, setWall, clock, seen } = rig({ hourly }, "2026-01-01T08:58Z");
  await schedules.start();
  setWall(at("2026-01-01T09:59Z"));
  await runUntil(at("2026-01-01T10:01Z"));
  setWall(at("2026-01-01T08:59Z"));
  await runUntil(at("2026-01-01T11:01Z"));
  expect(clock.now()).toBeGreaterThan(at("2026-01-01T11:00Z"));
  await schedules.close();
  expect(seen().filter((slot) => slot.endsWith("runs"))).toEqual([
    ...new Set(seen().filter((slot) => slot.endsWith("runs"))),
  ]);
  expect(seen()).toContain("hourly 11:00 runs");
});

it("takes nothing more once it is closed, and leaves no timer", async () => {
  const { schedules, timers, host } = rig({ hourly }, "2026-01-01T08:59Z");
  await schedules.start();
  await until(() => timers.size === 1);
  await schedules.close();
  await schedules.close();
  expect(timers.size).toBe(0);
  expect(host.events).toEqual([]);
});
