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
      tools: new Map([["b", "npm test"]]),
    },
  ],
  [
    "a tool without a command is named with what it does",
    [started, call("a")],
    { tools: new Map([["a", "Read a.ts"]]) },
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
  expect([...tools.values()].every((words) => words.length <= 120)).toBe(true);
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
const tools = new Map([["a", "npm test"]]);
it.each([
  ["starting", { startedAt: now - 10_000, lastOutputAt: null }, 600_000],
  ["working", { startedAt: 0, lastOutputAt: now - 59_000 }, 600_000],
  ["silent", { startedAt: 0, lastOutputAt: now - 61_000 }, 600_000],
  ["silent", { startedAt: 0, lastOutputAt: now - 6000 }, 20_000],
  ["working", { startedAt: 0, lastOutputAt: now - 4000 }, 20_000],
  ["silent", { startedAt: now - 61_000, lastOutputAt: null }, 600_000],
  ["tool", { startedAt: 0, lastOutputAt: now - 900_000, tools }, 600_000],
] as const)("is %s by the evidence %o", (activity, evidence, silenceLimitMs) => {
  const doing = { tools: new Map<string, string>(), ...evidence };
  expect(activityOf(doing, { now, isStopping: false, silenceLimitMs })).toBe(activity);
  expect(activityOf(doing, { now, isStopping: true, silenceLimitMs })).toBe("stopping");
});
