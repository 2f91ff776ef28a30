import type { WireActivity, WorkerEvent } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import type { RunLimits } from "./run-limits.ts";
import { nextDueMs, type RunWatch, startWatch, stepWatch, type WatchInput } from "./run-watch.ts";

const second = 1000;
const limits: RunLimits = {
  timeoutMs: 600 * second,
  startMs: 60 * second,
  silenceMs: 60 * second,
  toolSilenceMs: 180 * second,
  firstByteMs: 100 * second,
  streamSilenceMs: 80 * second,
  exitAfterEndMs: 20 * second,
  noProgressMs: 120 * second,
  meteredNoProgressMs: 120 * second,
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

/** A number of bytes, after calls that wait and responses that stream. */
const wire = (waiting: number, streaming: number, bytes: number): WireActivity => ({
  waiting,
  streaming,
  bytes,
});

/** Plays events at their seconds, then lets time pass until the end. Returns the first reason to end it, and when. */
function play(
  events: readonly [atSecond: number, event: WorkerEvent | WireActivity][],
  untilSecond: number,
  change: Partial<RunLimits> = {},
) {
  let watch: RunWatch = startWatch({ ...limits, ...change }, 0, 0);
  for (let at = 0; at <= untilSecond; at += 1) {
    const due = events
      .filter(([when]) => when === at)
      .map(([, event]): WatchInput =>
        "type" in event ? { kind: "event", event } : { kind: "wire", activity: event },
      );
    for (const input of [...due, { kind: "tick" } as const]) {
      const { watch: after, stop, exitOverdue } = stepWatch(watch, input, at * second);
      watch = after;
      const cause = stop ?? exitOverdue;
      if (cause !== null) return { at, code: cause.code, how: cause.evidence.how ?? null };
    }
  }
  return null;
}

const every = <E extends WorkerEvent | WireActivity>(
  seconds: number,
  event: E,
  until: number,
): [number, E][] => Array.from({ length: Math.floor(until / seconds) }, (_, i) => [(i + 1) * seconds, event]);

it.each<
  [
    string,
    [number, WorkerEvent | WireActivity][],
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
  [
    "waits for the first byte of its provider for longer than it may be silent",
    [[10, wire(1, 0, 0)]],
    {},
    { at: 110, code: "AC_STALLED", how: "first_byte" },
  ],
  [
    "waits for a first byte and is retried by its client, which prints nothing",
    [
      [10, wire(1, 0, 0)],
      [60, wire(0, 0, 0)],
      [61, wire(1, 0, 0)],
    ],
    {},
    { at: 110, code: "AC_STALLED", how: "first_byte" },
  ],
  [
    "closes a call without an answer and goes on with a tool",
    [
      [10, wire(1, 0, 0)],
      [50, wire(0, 0, 0)],
      [51, toolCall],
    ],
    {},
    { at: 231, code: "AC_STALLED", how: "silent_in_tool" },
  ],
  [
    "receives a response that drips",
    [
      [5, wire(1, 0, 0)],
      ...Array.from({ length: 9 }, (_, i) => [(i + 1) * 65, wire(0, 1, i + 1)] as [number, WireActivity]),
    ],
    {},
    { at: 600, code: "AC_TIMEOUT", how: null },
  ],
  [
    "receives a response that stops, whatever it prints on stderr",
    [[5, wire(0, 1, 100)], ...every(7, { type: "stderr", text: "." }, 300)],
    {},
    { at: 85, code: "AC_STALLED", how: "stream_silence" },
  ],
  [
    "is silent after its call was closed",
    [
      [5, wire(0, 1, 100)],
      [50, wire(0, 0, 100)],
    ],
    {},
    { at: 110, code: "AC_STALLED", how: "silent" },
  ],
  [
    "gets an answer after a long thought and does not speak at once",
    [
      [5, wire(0, 1, 1)],
      ...every(60, wire(0, 1, 2), 480).map(([at], i): [number, WireActivity] => [at, wire(0, 1, i + 2)]),
      [485, wire(0, 0, 100)],
      [500, text],
    ],
    { timeoutMs: 520 * second },
    { at: 520, code: "AC_TIMEOUT", how: null },
  ],
  [
    "gets one useless answer after another",
    Array.from({ length: 500 }, (_, i) => [i + 1, wire(0, i % 2, i)] as [number, WireActivity]),
    {},
    { at: 120, code: "AC_STALLED", how: "no_progress" },
  ],
  [
    "has said that it is done and does not exit, while it prints on stderr",
    [[10, { type: "ended" }], ...every(3, { type: "stderr", text: "." }, 100)],
    {},
    { at: 30, code: "AC_STALLED", how: "not_exited" },
  ],
  [
    "has said that it is done and has a call open",
    [
      [5, wire(0, 1, 5)],
      [10, { type: "ended" }],
      [40, wire(0, 0, 6)],
    ],
    {},
    { at: 60, code: "AC_STALLED", how: "not_exited" },
  ],
  [
    "has said that it is done and then works on",
    [
      [10, { type: "ended" }],
      [25, text],
    ],
    {},
    { at: 85, code: "AC_STALLED", how: "silent" },
  ],
  [
    "is done although the end of a tool was never told",
    [
      [10, toolCall],
      [20, { type: "ended" }],
    ],
    {},
    { at: 40, code: "AC_STALLED", how: "not_exited" },
  ],
])("a worker that %s", (_name, events, change, expected) => {
  const until = expected === null ? 100 : 1000;
  expect(play(events, until, change)).toEqual(expected);
});

it("what is due next follows from what is in flight", () => {
  let watch = startWatch({ ...limits, noProgressMs: null }, 0, 0);
  expect(nextDueMs(watch, 0)).toBe(60_000);
  watch = stepWatch(watch, { kind: "event", event: toolCall }, 10_000).watch;
  expect(nextDueMs(watch, 10_000)).toBe(190_000);
  watch = stepWatch(watch, { kind: "event", event: toolResult }, 100_000).watch;
  expect(nextDueMs(watch, 100_000)).toBe(160_000);
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
