/** What the board says of an attempt after each of its events. */
import type { RunEvent, WorkerEvent } from "@agentcore/contract";
import { testResult } from "@agentcore/scheduler/testing";
import { expect, it } from "vitest";
import { activityOf, afterEvent, Board, type Doing } from "./board.ts";

const base = { jobId: "j", at: 100, attempt: 1 };
const started: RunEvent = { ...base, type: "attempt_started", at: 50, worker: "codex" };
const worker = (event: WorkerEvent, at = 100): RunEvent => ({ ...base, at, type: "worker_event", event });
const call = (id: string, command?: string): RunEvent =>
  worker({
    type: "tool_call",
    id,
    tool: "Read",
    summary: "a.ts",
    ...(command === undefined ? {} : { command }),
  });
const result = (id: string): RunEvent =>
  worker({ type: "tool_result", id, ok: true, exitCode: 0, summary: "" });
const usage = (outputTokens: number | null, costUsd: number | null): RunEvent =>
  worker({ type: "usage", usage: { inputTokens: 10, cachedInputTokens: null, outputTokens }, costUsd });
const calls = (waiting: number, streaming: number, identical: number, at: number): RunEvent =>
  worker({ type: "calls", waiting, streaming, identical }, at);
const reason = { code: "AC_CANCELLED", message: "enough", evidence: {} };
const stopping: RunEvent = { ...base, type: "attempt_stopping", ...reason };

const fold = (...events: readonly RunEvent[]): Doing | null => events.reduce<Doing | null>(afterEvent, null);

const cases: readonly [name: string, events: readonly RunEvent[], doing: object | null][] = [
  ["a worker that was started has said nothing", [started], { startedAt: 50, lastOutputAt: null }],
  ["any output is a sign of life", [started, worker({ type: "stdout", text: "x" })], { lastOutputAt: 100 }],
  [
    "a look of the runtime is none",
    [
      started,
      worker({
        type: "probe",
        found: "progressing",
        inRow: 1,
        digest: null,
        fingerprints: [],
        reasons: [],
        summary: null,
      }),
    ],
    { lastOutputAt: null },
  ],
  [
    "a tool call is open until its result",
    [started, call("a"), call("b", "npm test"), result("a")],
    {
      tools: new Map([["b", { words: "npm test", at: 100 }]]),
    },
  ],
  [
    "a tool without a command is named with what it does",
    [started, call("a")],
    { tools: new Map([["a", { words: "Read a.ts", at: 100 }]]) },
  ],
  [
    "spend and tokens are the greatest totals so far",
    [started, usage(5, 0.2), usage(2, null), usage(3, 0.1)],
    {
      costUsd: 0.2,
      tokens: 15,
    },
  ],
  [
    "the model is the one that the worker names",
    [started, worker({ type: "started", session: null, model: "m" })],
    {
      model: "m",
    },
  ],
  [
    "what the runtime sees of its calls is no output, and its time is that of the last change of state",
    [started, calls(1, 0, 1, 60), calls(3, 0, 2, 70)],
    { lastOutputAt: null, calls: { waiting: 3, streaming: 0, at: 60, loopingAt: null } },
  ],
  [
    "requests that ask for the same are a loop, until another one is sent",
    [started, calls(1, 0, 4, 60), calls(0, 1, 5, 70), calls(1, 0, 9, 80)],
    { calls: { at: 80, loopingAt: 70 } },
  ],
  [
    "its end closes what it had open",
    [started, call("a"), worker({ type: "ended" }, 110), worker({ type: "stderr", text: "bye" }, 120)],
    { tools: new Map(), endedAt: 110 },
  ],
  [
    "a worker that works on has not ended",
    [started, worker({ type: "ended" }), call("a")],
    { endedAt: null },
  ],
  [
    "the first reason to stop counts",
    [started, stopping, { ...stopping, message: "again" }],
    {
      stopping: { code: "AC_CANCELLED", reason: "enough" },
    },
  ],
  [
    "events of an earlier attempt change nothing",
    [{ ...started, attempt: 2 }, usage(5, 1)],
    {
      attempt: 2,
      costUsd: null,
      lastOutputAt: null,
    },
  ],
  [
    "a new attempt begins from nothing",
    [started, usage(5, 1), { ...started, attempt: 2 }],
    { attempt: 2, costUsd: null },
  ],
  [
    "nothing is left after the end of the attempt",
    [started, { ...base, type: "attempt_ended", result: testResult() }],
    null,
  ],
  [
    "nothing is left after the end of the job",
    [started, { type: "job_ended", jobId: "j", at: 1, outcome: "cancelled", attempts: 1 }],
    null,
  ],
  [
    "an attempt that waits for its permit is not on the board",
    [{ ...base, type: "permit_deferred", retryAfterMs: 5, ...reason }],
    null,
  ],
];

it.each(cases)("%s", (_name, events, expected) => {
  if (expected === null) expect(fold(...events)).toBeNull();
  else expect(fold(...events)).toMatchObject(expected);
});

it("remembers a bounded number of tool calls and short words of each", () => {
  const calls = Array.from({ length: 300 }, (_, at) => call(String(at), "é".repeat(5000)));
  const { tools } = fold(started, ...calls)!;
  expect(tools.size).toBe(100);
  expect([...tools.keys()].at(-1)).toBe("299");
  expect([...tools.values()].every(({ words }) => words.length <= 120)).toBe(true);
});

it("forgets attempts whose end is never told, and knows only the attempt that it is asked for", () => {
  const board = new Board();
  for (let at = 0; at < 10_500; at += 1) board.note({ ...started, jobId: `j${at}` });
  expect(board.size).toBe(10_000);
  expect(board.of("j10499", 1)).toMatchObject({ startedAt: 50 });
  expect(board.of("j10499", 2)).toBeNull();
  expect(board.of("j0", 1)).toBeNull();
});

const now = 1_000_000;
const tools = new Map([["a", { words: "npm test", at: 7 }]]);
const open = { waiting: 1, streaming: 0, at: now - 300_000, loopingAt: null };
it.each([
  ["starting", now - 10_000, { startedAt: now - 10_000, lastOutputAt: null }, 600_000],
  ["working", now - 59_000, { lastOutputAt: now - 59_000 }, 600_000],
  ["silent", now - 61_000, { lastOutputAt: now - 61_000 }, 600_000],
  ["silent", now - 6000, { lastOutputAt: now - 6000 }, 20_000],
  ["working", now - 4000, { lastOutputAt: now - 4000 }, 20_000],
  ["silent", now - 61_000, { startedAt: now - 61_000, lastOutputAt: null }, 600_000],
  ["tool", 7, { lastOutputAt: now - 900_000, tools }, 600_000],
  ["waiting", open.at, { lastOutputAt: 1, calls: open }, 600_000],
  ["streaming", open.at, { lastOutputAt: 1, calls: { ...open, streaming: 1 } }, 600_000],
  ["tool", 7, { lastOutputAt: 1, calls: open, tools }, 600_000],
  ["looping", 9, { lastOutputAt: 1, calls: { ...open, loopingAt: 9 }, tools }, 600_000],
  ["working", now - 5, { lastOutputAt: 1, calls: { ...open, waiting: 0, at: now - 5 } }, 600_000],
  ["finished", 11, { lastOutputAt: 11, endedAt: 11 }, 600_000],
  ["waiting", open.at, { lastOutputAt: 11, endedAt: 11, calls: open }, 600_000],
] as const)("is %s since %s by the evidence %o", (activity, at, evidence, silenceLimitMs) => {
  const doing = { startedAt: 0, tools: new Map(), calls: null, endedAt: null, ...evidence };
  expect(activityOf(doing, { now, isStopping: false, silenceLimitMs })).toEqual({ activity, at });
  expect(activityOf(doing, { now, isStopping: true, silenceLimitMs }).activity).toBe("stopping");
});
