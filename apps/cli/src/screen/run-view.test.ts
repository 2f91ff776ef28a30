import { describe, expect, it } from "vitest";
import type { PermitRecord, ProbeClass, RunEvent, WorkerEvent, WorkerResult } from "@agentcore/contract";
import { textOf } from "./line.ts";
import { advance, emptyView, formatDollars, formatElapsed, spentUsd, type RunView } from "./run-view.ts";
import { statusLine } from "./status-line.ts";

const base = { jobId: "j1", at: 1000, attempt: 1 } as const;

const permit: PermitRecord = {
  id: "p1",
  jobId: "j1",
  attempt: 1,
  worker: "codex",
  provider: "openai",
  workspace: "/w",
  issuedAt: 1000,
  deadline: 601_000,
  grants: {
    capabilities: ["read", "edit"],
    maxCostUsd: 2.5,
    maxTokens: 50_000,
    model: "m1",
    timeoutMs: 600_000,
  },
  degraded: [{ field: "maxCostUsd", from: 5, to: 2.5, code: "AC_DEGRADED", reason: "memory is short" }],
  budgets: [],
  breakers: [],
};

function play(events: readonly RunEvent[], limits = { maxAttempts: 1, maxCostUsd: null as number | null }) {
  let view: RunView = emptyView(limits);
  const lines: string[] = [];
  for (const event of events) {
    const next = advance(view, event);
    view = next.view;
    lines.push(...next.lines.map(textOf));
  }
  return { view, lines };
}

const worker = (event: WorkerEvent, at = 1000): RunEvent => ({ type: "worker_event", ...base, at, event });

const probe = (found: ProbeClass, inRow: number): WorkerEvent => ({
  type: "probe",
  found,
  inRow,
  digest: null,
  fingerprints: [],
  reasons: ["no new file"],
  summary: null,
});

describe("the lines of a run", () => {
  const table: readonly (readonly [RunEvent, readonly string[]])[] = [
    [{ type: "job_submitted", jobId: "j1", at: 1000, deduplicated: false }, []],
    [
      { type: "job_submitted", jobId: "j1", at: 1000, deduplicated: true },
      ["   0.0s  joined  job j1 has the same key"],
    ],
    [
      { type: "permit_granted", ...base, permit },
      [
        "   0.0s  permit  read, edit · up to 10m · up to $2.50 · up to 50,000 tokens · model m1",
        "   0.0s  reduced cost ceiling lowered from $5.00 to $2.50: memory is short (AC_DEGRADED)",
      ],
    ],
    [
      {
        type: "permit_deferred",
        ...base,
        retryAfterMs: 2000,
        code: "AC_CONCURRENCY",
        message: "4 of 4 run",
        evidence: {},
      },
      ["   0.0s  wait    4 of 4 run (AC_CONCURRENCY); trying again in 2s"],
    ],
    [
      { type: "permit_rejected", ...base, code: "AC_BUDGET_COST", message: "0.10 left", evidence: {} },
      ["   0.0s  refused 0.10 left (AC_BUDGET_COST)"],
    ],
    [{ type: "attempt_started", ...base, worker: "codex" }, ["   0.0s  start   codex"]],
    [worker({ type: "started", session: "s1", model: "m1" }), ["   0.0s  worker  model m1 · session s1"]],
    [worker({ type: "started", session: null, model: null }), []],
    [
      worker({ type: "text", text: "First.\n\n  Then \u001b[31mred\u001b[0m." }),
      ["   0.0s  say     First.", "   0.0s          Then red."],
    ],
    [worker({ type: "stdout", text: "hi" }), ["   0.0s  out     hi"]],
    [worker({ type: "stderr", text: "ho" }), ["   0.0s  err     ho"]],
    [
      worker({ type: "tool_call", id: "t", tool: "Bash", summary: "tests", command: "npm\ntest" }),
      ["   0.0s  run     npm test"],
    ],
    [worker({ type: "tool_call", id: "t", tool: "Read", summary: "a.ts" }), ["   0.0s  tool    Read a.ts"]],
    [worker({ type: "tool_result", id: "t", ok: true, exitCode: 0, summary: "fine" }), []],
    [worker({ type: "file_change", path: "src/a.ts", change: "modify" }), ["   0.0s  modify  src/a.ts"]],
    [worker({ type: "progress", text: "provider is busy" }), ["   0.0s  wait    provider is busy"]],
    [worker({ type: "denied", tool: "Bash", text: "rm -rf /" }), ["   0.0s  denied  Bash rm -rf /"]],
    [worker({ type: "raw", text: "{}" }), []],
    [
      worker({ type: "warning", text: "maxSteps has no effect" }),
      ["   0.0s  note    maxSteps has no effect"],
    ],
    [worker(probe("progressing", 3)), []],
    [worker(probe("stalled", 2)), ["   0.0s  probe   stalled (2 in a row): no new file"]],
    [worker(probe("terminal", 1)), ["   0.0s  probe   terminal: no new file"]],
    [
      { type: "attempt_stopping", ...base, code: "AC_TIMEOUT", message: "10m passed", evidence: {} },
      ["   0.0s  stop    10m passed (AC_TIMEOUT)"],
    ],
    [
      {
        type: "retry_scheduled",
        ...base,
        delayMs: 1500,
        code: "AC_WORKER_EXIT",
        message: "exit code 1",
        evidence: {},
      },
      ["   0.0s  retry   in 1.5s: exit code 1 (AC_WORKER_EXIT)"],
    ],
    [
      {
        type: "retry_scheduled",
        ...base,
        delayMs: 638,
        code: "AC_PROVIDER_STATUS",
        message: "attempt 2 of 3 in 638ms: overloaded",
        evidence: {},
      },
      ["   0.0s  retry   attempt 2 of 3 in 638ms: overloaded (AC_PROVIDER_STATUS)"],
    ],
    [
      {
        type: "escalation",
        jobId: "j1",
        at: 1000,
        stage: "notify",
        target: "worker:codex",
        code: "AC_FAILURE_CONCENTRATION",
        message: "5 of 5 failed",
        evidence: {},
      },
      ["   0.0s  alarm   worker:codex: 5 of 5 failed (AC_FAILURE_CONCENTRATION)"],
    ],
    [
      { type: "events_dropped", jobId: "j1", at: 1000, count: 1234 },
      ["   0.0s          … 1,234 events not shown; the log has them"],
    ],
    [{ type: "job_ended", jobId: "j1", at: 1000, outcome: "succeeded", attempts: 1 }, []],
  ];

  it.each(
    table.map(
      ([event, lines]) =>
        [event.type === "worker_event" ? event.event.type : event.type, event, lines] as const,
    ),
  )("of %s", (_name, event, lines) => {
    expect(play([event]).lines).toEqual(lines);
  });

  it("tell the time since the first event and the attempt where there may be several", () => {
    const { lines } = play(
      [
        worker({ type: "stdout", text: "a" }),
        { type: "attempt_started", ...base, at: 66_000, attempt: 2, worker: "codex" },
      ],
      {
        maxAttempts: 3,
        maxCostUsd: null,
      },
    );
    expect(lines).toEqual(["   0.0s  out     a", "  1m05s  start   codex, attempt 2 of 3"]);
  });

  it("name a failed command again when it ends", () => {
    const { lines, view } = play([
      worker({ type: "tool_call", id: "t", tool: "Bash", summary: "tests", command: "npm test" }),
      worker({ type: "tool_result", id: "t", ok: false, exitCode: 1, summary: "1 failing" }),
      worker({ type: "tool_result", id: "unknown", ok: false, exitCode: null, summary: "gone" }),
    ]);
    expect(lines.slice(1)).toEqual(["   0.0s  exit 1  npm test: 1 failing", "   0.0s  failed  gone"]);
    expect(view.inFlight.size).toBe(0);
  });

  it("of a very long text end with what is left out", () => {
    const { lines } = play([
      worker({ type: "text", text: Array.from({ length: 100 }, (_, n) => `line ${n}`).join("\n") }),
    ]);
    expect(lines).toHaveLength(41);
    expect(lines.at(-1)).toContain("60 more lines in the log");
  });
});

describe("the status line", () => {
  const status = (
    events: readonly RunEvent[],
    now: number,
    limits?: { maxAttempts: number; maxCostUsd: number | null },
  ) => textOf(statusLine(play(events, limits).view, now)).slice(2);

  it("shows elapsed time, spend against the ceiling and the last action", () => {
    const events: RunEvent[] = [
      { type: "permit_granted", ...base, permit },
      { type: "attempt_started", ...base, worker: "codex" },
      worker({
        type: "usage",
        usage: { inputTokens: 1000, cachedInputTokens: null, outputTokens: 234 },
        costUsd: 0.12,
      }),
      worker({ type: "tool_call", id: "t", tool: "Bash", summary: "tests", command: "npm test" }),
    ];
    expect(status(events, 13_000)).toBe("12s · $0.12 of $2.50 · 1,234 tokens · run npm test");
  });

  it("does not invent a cost that nobody reported", () => {
    expect(status([{ type: "attempt_started", ...base, worker: "shell" }], 1000)).toBe(
      "0.0s · no cost known · shell starts",
    );
  });

  it("adds up the attempts and says which one it is", () => {
    const result = { costUsd: 0.5 } as WorkerResult;
    const events: RunEvent[] = [
      { type: "attempt_started", ...base, worker: "codex" },
      { type: "attempt_ended", ...base, result },
      { type: "attempt_started", ...base, attempt: 2, worker: "codex" },
      worker({
        type: "usage",
        usage: { inputTokens: null, cachedInputTokens: null, outputTokens: null },
        costUsd: 0.25,
      }),
    ];
    const { view } = play(events, { maxAttempts: 3, maxCostUsd: 2 });
    expect(spentUsd(view)).toBe(0.75);
    expect(textOf(statusLine(view, 1000))).toContain("$0.75 of $2.00 · attempt 2 of 3 · codex starts");
  });

  it("is empty when the run has ended", () => {
    expect(
      statusLine(play([{ type: "job_ended", jobId: "j", at: 1, outcome: "succeeded", attempts: 1 }]).view, 5),
    ).toEqual([]);
  });
});

it.each([
  [0, "0.0s"],
  [-5, "0.0s"],
  [9_940, "9.9s"],
  [9_960, "9s"],
  [42_300, "42s"],
  [187_000, "3m07s"],
  [7_500_000, "2h05m"],
])("%d ms elapsed are %s", (ms, text) => {
  expect(formatElapsed(ms)).toBe(text);
});

it.each([
  [0, "$0"],
  [0.0042, "$0.0042"],
  [0.126, "$0.13"],
  [12, "$12.00"],
])("%d dollars are %s", (dollars, text) => {
  expect(formatDollars(dollars)).toBe(text);
});

it("a sign of life that repeats itself is shown once", () => {
  const says = (text: string): RunEvent => ({
    ...base,
    type: "worker_event",
    event: { type: "progress", text },
  });
  const { lines } = play([says("answering"), says("answering"), says("thinking"), says("answering")]);
  expect(lines.map((line) => line.trim().split(/ +/).at(-1))).toEqual(["answering", "thinking", "answering"]);
});
