import { describe, expect, it } from "vitest";
import { jobSchema, type WorkerResult } from "@agentcore/contract";
import {
  jobDecisionsDocument,
  jobDetailsDocument,
  jobDocument,
  type AttemptRecord,
  type Decision,
  type JobRecord,
  type JobState,
  type WhyFacts,
  type WhyReport,
} from "@agentcore/scheduler";
import { testPermit } from "@agentcore/scheduler/testing";
import { jobLines, jobTable } from "./job-screen.ts";
import { textOf } from "./line.ts";
import { whyLines } from "./why-screen.ts";

const now = 1_000_000;
const reason = { code: "AC_CONCURRENCY", message: "4 of 4 runs of global are in progress", evidence: {} };

function record(state: JobState, fields: Partial<JobRecord> = {}): JobRecord {
  return {
    job: jobSchema.parse({
      id: "j1",
      key: "nightly",
      task: {
        worker: "codex",
        model: "m1",
        workspace: "/w",
        instructions: "Fix\nit",
        capabilities: ["read", "edit"],
        verify: "npm test",
        outputs: [{ name: "report", path: "report.md" }],
      },
      limits: { timeoutMs: 600_000, maxAttempts: 3, maxCostUsd: 2.5 },
      context: { labels: { team: "core" } },
    }),
    state,
    submittedAt: now - 65_000,
    attempt: 1,
    epoch: 1,
    spent: { costUsd: 0.5, tokens: 100 },
    rank: 0,
    readyFrom: 0,
    concurrencyKey: null,
    result: null,
    ...fields,
  };
}

it("the list has one line for each job", () => {
  const running = {
    kind: "running",
    owner: "o",
    claimedAt: 0,
    started: null,
    cancelRequested: null,
  } as const;
  const jobs = [
    record(running),
    record({ ...running, cancelRequested: reason }, { spent: { costUsd: 0, tokens: 0 } }),
  ];
  expect(jobTable(jobs.map(jobDocument), now).map(textOf)).toEqual([
    "JOB  STATE     WORKER  ATTEMPT   COST   AGE  INSTRUCTIONS",
    "j1   running   codex       1/3  $0.50  1m5s  Fix it",
    "j1   stopping  codex       1/3      –  1m5s  Fix it",
  ]);
});

const doing = {
  activity: "waiting",
  activityAt: new Date(now - 125_000).toISOString(),
  tool: null,
  reason: null,
  lastOutputAt: null,
  startedAt: null,
} as const;
const runs = { kind: "running", owner: "o", claimedAt: 0, started: null, cancelRequested: null } as const;

it("the list says what a running job does, if that is known, unless it is stopping", () => {
  const jobs = [record(runs), record({ ...runs, cancelRequested: reason })];
  const lines = jobTable(jobs.map(jobDocument), now, undefined, new Map([["j1", doing]])).map(textOf);
  expect(lines[1]).toContain("j1   running, waiting 2m5s  codex");
  expect(lines[2]).toContain("j1   stopping");
});

const result: WorkerResult = {
  outcome: "failed",
  errorClass: "task_failed",
  code: "AC_WORKER_EXIT",
  retryAfterMs: null,
  summary: "exit code 1",
  artifacts: [
    { name: "stdout.log", kind: "stdout", path: "/s/stdout.log", bytes: 10 },
    { name: "verify", kind: "log", path: "/s/verify.log", bytes: 11 },
  ],
  observations: { commands: [], filesChanged: [] },
  usage: { inputTokens: null, cachedInputTokens: null, outputTokens: null },
  costUsd: 0.5,
  costBasis: "reported",
  session: null,
  exitCode: 1,
  containment: {
    level: "sealed",
    implementation: "unshare",
    processesSeen: 1,
    survivors: 0,
    signals: [],
    emptyAfterMs: 3,
    provedBy: "pid-namespace",
  },
  startedAt: 0,
  durationMs: 4000,
};

describe("one job", () => {
  it("says what its running attempt does", () => {
    const started: AttemptRecord["started"] = { at: 5, permit: testPermit(record(runs)), identity: null };
    const attempt = { jobId: "j1", attempt: 1, owner: "o", claimedAt: 0, started };
    const open: AttemptRecord = { ...attempt, endedAt: null, result: null, decision: null };
    const shown = jobLines(jobDetailsDocument(record(runs), [open], []), now, doing).map(textOf);
    expect(shown).toContain("  attempt 1  running: the provider has not begun to answer for 2m5s");
  });

  it("says what it is, where it stands, what its attempts were and what to do", () => {
    const attempt: AttemptRecord = {
      jobId: "j1",
      attempt: 1,
      owner: "o",
      claimedAt: 0,
      started: null,
      endedAt: 5,
      result,
      decision: "dead",
    };
    const dead: JobState = {
      kind: "dead",
      endedAt: 5,
      replayedAs: "j2",
      reason: { ...reason, code: "AC_WORKER_EXIT", message: "exit code 1" },
    };
    expect(jobLines(jobDetailsDocument(record(dead), [attempt], []), now).map(textOf)).toEqual([
      "j1  dead",
      "  worker     codex, model m1",
      "  workspace  /w",
      "  may        read, edit",
      "  limits     10m an attempt, 3 attempts, $2.50",
      "  key        nightly (coalesce)",
      "  labels     team=core",
      "  submitted  1m5s ago",
      "  spent      $0.50",
      "  dead       exit code 1 (AC_WORKER_EXIT)",
      "  do         Read its output; the artifacts name the logs.",
      "  replayed   as j2",
      "  task       Fix it",
      "  verify     npm test",
      "  outputs    report.md",
      "  attempt 1  failed: AC_WORKER_EXIT after 4s, $0.50 (reported)",
      "             exit code 1",
      "             stdout /s/stdout.log (10 B)",
      "             verify log /s/verify.log (11 B)",
      "             nothing left running (verified by pid-namespace); sealed (unshare); no signal needed; empty after 3ms",
    ]);
  });

  it.each([
    [{ kind: "queued", runAt: now + 5000, delayMs: 5000, waitingFor: null }, "  runs       in 5s"],
    [
      { kind: "queued", runAt: now, delayMs: 0, waitingFor: reason },
      "  waits for  4 of 4 runs of global are in progress (AC_CONCURRENCY)",
    ],
    [
      { kind: "cancelled", endedAt: 1, reason: { ...reason, code: "AC_CANCELLED", message: "not wanted" } },
      "  cancelled  not wanted (AC_CANCELLED)",
    ],
    [
      {
        kind: "running",
        owner: "o",
        claimedAt: 0,
        started: null,
        cancelRequested: { ...reason, code: "AC_CANCELLED", message: "enough" },
      },
      "  stopping   enough (AC_CANCELLED)",
    ],
  ] as const)("in state %o says %s", (state, line) => {
    expect(jobLines(jobDetailsDocument(record(state), [], []), now).map(textOf)).toContain(line);
  });

  it("shows a result that came too late", () => {
    const late = [
      {
        ref: { jobId: "j1", attempt: 1, epoch: 1 },
        at: 1,
        kind: "succeeded",
        result: { ...result, outcome: "succeeded" },
      },
    ] as const;
    const lines = jobLines(jobDetailsDocument(record({ kind: "succeeded", endedAt: 1 }), [], late), now).map(
      textOf,
    );
    expect(lines.at(-1)).toMatch(/attempt 1 {2}a late result, succeeded: kept but not applied/);
  });
});

describe("why", () => {
  const queued: JobState = { kind: "queued", runAt: now, delayMs: 0, waitingFor: null };
  type Report = Pick<WhyReport, "record" | "waitingFor" | "decisions" | "ahead" | "blockedBy">;
  const linesOf = ({ placeOf, left, ...report }: Report & WhyFacts) =>
    whyLines(jobDecisionsDocument(report, { placeOf, left }), now).map(textOf);
  const facts: Report & WhyFacts = {
    record: record(queued),
    waitingFor: null,
    decisions: [],
    ahead: [],
    blockedBy: null,
    left: [],
    placeOf: () => null,
  };
  const deferred: Decision = {
    ...reason,
    jobId: "j1",
    at: now - 60_000,
    attempt: 1,
    type: "deferred",
    count: 12,
    lastAt: now - 2000,
    evidence: { setting: "limits.global.concurrency", limit: 4, running: 4 },
  };

  it("names each decision with its code, evidence and the line of the configuration", () => {
    const placeOf = (setting: string) =>
      setting === "limits.global.concurrency" ? "/c/agentcore.yaml:3" : null;
    expect(
      linesOf({
        ...facts,
        decisions: [deferred],
        placeOf,
        ahead: [
          { jobId: "a", waitingFor: null },
          { jobId: "b", waitingFor: reason },
        ],
        blockedBy: "c",
      }),
    ).toEqual([
      "j1  queued",
      "        2s ago  deferred ×12 in 58s attempt 1  AC_CONCURRENCY",
      "                4 of 4 runs of global are in progress",
      "                limit=4  running=4",
      "                limits.global.concurrency: /c/agentcore.yaml:3",
      "                Wait, or raise the concurrency limit named in the evidence.",
      "                c runs in the same workspace",
      "                queued behind a, b (AC_CONCURRENCY)",
    ]);
    expect(linesOf({ ...facts, decisions: [deferred] })).toContain(
      "                limits.global.concurrency: its default",
    );
  });

  it("says who is ahead, or that nothing holds it back", () => {
    expect(
      linesOf({
        ...facts,
        ahead: ["a", "b", "c", "d", "e", "f"].map((jobId) => ({ jobId, waitingFor: null })),
      })[1],
    ).toContain("behind a, b, c, d, e, and 1 more");
    expect(linesOf(facts)[1]).toContain("agentcore work");
    expect(linesOf({ ...facts, ahead: [{ jobId: "a", waitingFor: null }] })[2]).toContain("agentcore work");
    const delayed = record({ ...queued, runAt: now + 60_000, delayMs: 60_000 });
    expect(
      linesOf({ ...facts, record: delayed, ahead: [{ jobId: "a", waitingFor: null }] }).slice(1),
    ).toEqual([expect.stringMatching(/it was submitted with a delay: not before .*, in 1m$/)]);
    expect(linesOf({ ...facts, record: record({ kind: "succeeded", endedAt: 1 }) })[1]).toContain(
      "no decision went against it",
    );
  });
});
