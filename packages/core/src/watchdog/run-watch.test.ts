import type { WorkerEvent } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { nextDueMs, type RunLimits, type RunWatch, startWatch, stepWatch } from "./run-watch.ts";

const second = 1000;
const limits: RunLimits = {
  timeoutMs: 600 * second,
  silenceMs: 60 * second,
  toolSilenceMs: 180 * second,
  noProgressMs: 120 * second,
  maxCostUsd: 2,
  maxTokens: 1000,
};

const stdout: WorkerEvent = { type: "stdout", text: "." };
const text: WorkerEvent = { type: "text", text: "thinking" };
const toolCall: WorkerEvent = { type: "tool_call", id: "t1", tool: "bash", summary: "npm test" };
const toolResult: WorkerEvent = { type: "tool_result", id: "t1", ok: true, exitCode: 0, summary: "" };
const usage = (outputTokens: number | null, costUsd: number | null = null): WorkerEvent => ({
  type: "usage",
  usage: { inputTokens: null, cachedInputTokens: null, outputTokens },
  costUsd,
});

/** Plays events at their seconds, then lets time pass until the end. Returns the first reason to stop, and when. */
function play(
  events: readonly [atSecond: number, event: WorkerEvent][],
  untilSecond: number,
  change: Partial<RunLimits> = {},
) {
  let watch: RunWatch = startWatch({ ...limits, ...change }, 0, 0);
  for (let at = 0; at <= untilSecond; at += 1) {
    const due = events
      .filter(([when]) => when === at)
      .map(([, event]) => ({ kind: "event", event }) as const);
    for (const input of [...due, { kind: "tick" } as const]) {
      const { watch: after, stop } = stepWatch(watch, input, at * second);
      watch = after;
      if (stop !== null) return { at, code: stop.code, how: stop.evidence.how ?? null };
    }
  }
  return null;
}

const every = (seconds: number, event: WorkerEvent, until: number): [number, WorkerEvent][] =>
  Array.from({ length: Math.floor(until / seconds) }, (_, i) => [(i + 1) * seconds, event]);

it.each<
  [
    string,
    [number, WorkerEvent][],
    Partial<RunLimits>,
    { at: number; code: string; how: string | null } | null,
  ]
>([
  ["works until its wall clock ends", every(10, text, 700), {}, { at: 600, code: "AC_TIMEOUT", how: null }],
  ["says nothing", [], {}, { at: 60, code: "AC_STALLED", how: "silent" }],
  ["falls silent later", [[30, text]], {}, { at: 90, code: "AC_STALLED", how: "silent" }],
  [
    "is busy in a tool for longer than it may be silent",
    [
      [10, toolCall],
      [180, toolResult],
      [181, text],
    ],
    {},
    { at: 241, code: "AC_STALLED", how: "silent" },
  ],
  [
    "hangs in a tool",
    [[10, toolCall]],
    { noProgressMs: null },
    { at: 190, code: "AC_STALLED", how: "silent_in_tool" },
  ],
  [
    "prints in a tool",
    [[10, toolCall], ...every(50, stdout, 600)],
    { noProgressMs: null },
    { at: 600, code: "AC_TIMEOUT", how: null },
  ],
  [
    "prints and makes no progress",
    every(10, stdout, 700),
    {},
    { at: 120, code: "AC_STALLED", how: "no_progress" },
  ],
  [
    "waits for its provider and says so",
    every(30, { type: "progress", text: "retrying" }, 600),
    { noProgressMs: null },
    { at: 600, code: "AC_TIMEOUT", how: null },
  ],
  [
    "reports the same usage again and again",
    every(10, usage(5), 700),
    {},
    { at: 130, code: "AC_STALLED", how: "no_progress" },
  ],
  [
    "reaches its cost ceiling",
    [
      [5, usage(1, 1.99)],
      [6, usage(1, 2)],
    ],
    {},
    { at: 6, code: "AC_COST_CEILING", how: null },
  ],
  [
    "reaches its token ceiling",
    [
      [5, usage(999)],
      [7, usage(1000)],
    ],
    {},
    { at: 7, code: "AC_TOKEN_CEILING", how: null },
  ],
  [
    "reports totals out of order",
    [
      [5, usage(900, 1.9)],
      [6, usage(3, 0.1)],
      [7, usage(901, null)],
    ],
    { timeoutMs: 8 * second },
    { at: 8, code: "AC_TIMEOUT", how: null },
  ],
  [
    "has no ceilings",
    [[5, usage(1e9, 1e6)]],
    { maxCostUsd: null, maxTokens: null, timeoutMs: 9 * second },
    { at: 9, code: "AC_TIMEOUT", how: null },
  ],
  ["is within everything", every(10, text, 100), {}, null],
])("a worker that %s", (_name, events, change, expected) => {
  const until = expected === null ? 100 : 1000;
  expect(play(events, until, change)).toEqual(expected);
});

it("what is due next follows from what is in flight", () => {
  let watch = startWatch({ ...limits, noProgressMs: null }, 0, 0);
  expect(nextDueMs(watch)).toBe(60_000);
  watch = stepWatch(watch, { kind: "event", event: toolCall }, 10_000).watch;
  expect(nextDueMs(watch)).toBe(190_000);
  watch = stepWatch(watch, { kind: "event", event: toolResult }, 100_000).watch;
  expect(nextDueMs(watch)).toBe(160_000);
});

describe("waking up", () => {
  it("time in which the runtime was stopped counts for no limit", () => {
    const watch = startWatch(limits, 0, 0);
    const twoHours = 7200 * second;
    const woke = stepWatch(watch, { kind: "woke", sleptMs: twoHours }, twoHours + 30 * second);
    expect(woke.stop).toBeNull();
    const later = stepWatch(woke.watch, { kind: "tick" }, twoHours + 60 * second);
    expect(later.stop?.code).toBe("AC_STALLED");
  });

  it("a limit that had been reached before is still reached", () => {
    const watch = startWatch(limits, 0, 0);
    expect(stepWatch(watch, { kind: "woke", sleptMs: 5000 }, 66_000).stop?.code).toBe("AC_STALLED");
  });
});

it("a worker that opens tools without end is remembered within bounds", () => {
  let watch = startWatch(limits, 0, 0);
  for (let i = 0; i < 5000; i += 1) {
    watch = stepWatch(watch, { kind: "event", event: { ...toolCall, id: `t${i}` } }, i).watch;
  }
  expect(watch.toolsInFlight.size).toBe(1000);
});
