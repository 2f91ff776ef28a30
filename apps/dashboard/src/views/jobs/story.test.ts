import { describe, expect, it } from "vitest";
import { grantText, storyOf, type Attempt, type Decisions, type Job } from "./story.ts";

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

const shape: Omit<
  Job,
  "type" | "dedup" | "verify" | "outputs" | "attempts" | "calls" | "earlierCalls" | "lateResults"
> = {
  id: "j",
  state: "queued",
  worker: "codex",
  model: null,
  workspace: "/w",
  instructions: "x",
  capabilities: ["edit"],
  tenant: null,
  key: null,
  labels: {},
  run: null,
  step: null,
  iteration: null,
  attempt: 0,
  maxAttempts: 2,
  timeoutMs: 90_000,
  maxCostUsd: 2,
  maxTokens: null,
  submittedAt: at(0),
  runAt: null,
  claimedAt: null,
  endedAt: null,
  code: null,
  reason: null,
  outcome: null,
  errorClass: null,
  summary: null,
  session: null,
  exitCode: null,
  durationMs: null,
  costUsd: null,
  tokens: null,
  replayedAs: null,
};

const job = (change: Partial<Job> = {}): Job => ({
  ...shape,
  type: "job_details",
  dedup: "coalesce",
  verify: null,
  outputs: [],
  attempts: [],
  calls: [],
  earlierCalls: 0,
  lateResults: [],
  ...change,
});

const why = (...decisions: Partial<Decisions["decisions"][number]>[]): Decisions => ({
  ...shape,
  type: "job_decisions",
  waitingFor: null,
  decisions: decisions.map((decision) => ({
    type: "deferred",
    at: at(1),
    lastAt: at(1),
    count: 1,
    attempt: 0,
    code: "AC_CAPACITY",
    message: "full",
    evidence: {},
    configuredAt: null,
    ...decision,
  })),
  ahead: [],
  blockedBy: null,
  cost: null,
  left: [],
});

const attempt = (change: Partial<Attempt>): Attempt => ({
  attempt: 1,
  claimedAt: at(4),
  startedAt: at(6),
  endedAt: null,
  decision: null,
  outcome: null,
  errorClass: null,
  code: null,
  summary: null,
  session: null,
  exitCode: null,
  durationMs: null,
  costUsd: null,
  costBasis: null,
  metered: null,
  inputTokens: null,
  cachedInputTokens: null,
  outputTokens: null,
  filesChanged: null,
  permit: {
    id: "p",
    jobId: "j",
    attempt: 1,
    worker: "codex",
    provider: null,
    workspace: "/w",
    issuedAt: at(5),
    deadline: at(95),
    grants: {
      capabilities: ["read", "edit"],
      maxCostUsd: 1.5,
      maxTokens: 5000,
      model: "big",
      timeoutMs: 90_000,
    },
    degraded: [],
    budgets: [],
    breakers: [],
  },
  artifacts: [],
  containment: null,
  ...change,
});

const titles = (...given: Parameters<typeof storyOf>): readonly string[] =>
  storyOf(...given).map(({ title }) => title);

describe("the story of a job", () => {
  it("is told in the order of the moments, with reasons and the limits of each permit", () => {
    const failed = attempt({ endedAt: at(8), outcome: "timed_out", summary: "too slow", code: "AC_TIMEOUT" });
    const second = attempt({
      attempt: 2,
      startedAt: at(12),
      permit: { ...failed.permit!, issuedAt: at(11) },
    });
    const story = storyOf(
      job({ state: "running", attempt: 2, attempts: [failed, second] }),
      why(
        { count: 7, lastAt: at(4) },
        { type: "retry", at: at(9), lastAt: at(9), attempt: 1, message: "in 2s" },
      ),
    );
    expect(story.map(({ title }) => title)).toEqual([
      "Submitted",
      "Waits",
      "Permit granted to attempt 1",
      "Started attempt 1",
      "Ended attempt 1: timed out",
      "Tried again",
      "Permit granted to attempt 2",
      "Started attempt 2",
    ]);
    expect(story[0]).toMatchObject({ text: "codex · up to 2 attempts · at most 1m30s · $2.00" });
    expect(story[1]).toMatchObject({ count: 7, until: Date.parse(at(4)), code: "AC_CAPACITY", text: "full" });
    expect(story[4]).toMatchObject({ tone: "bad", code: "AC_TIMEOUT", text: "too slow" });
    expect(grantText(failed.permit!)).toBe("read, edit · big · at most 1m30s · $1.50 · 5,000 tokens");
  });

  it("says its end once", () => {
    const dead = { state: "dead" as const, endedAt: at(9), reason: "no more attempts", code: "AC_TIMEOUT" };
    expect(titles(job(dead), null)).toEqual(["Submitted", "Failed for good"]);
    const decision = { type: "dead", at: at(9), lastAt: at(9) };
    expect(titles(job(dead), why(decision))).toEqual(["Submitted", "Failed for good"]);
    expect(titles(job({ state: "succeeded", endedAt: at(9) }), why())).toEqual(["Submitted", "Succeeded"]);
    const attempts = [attempt({ endedAt: at(9), outcome: "failed" })];
    expect(titles(job({ ...dead, attempts }), why(decision)).slice(-2)).toEqual([
      "Ended attempt 1: failed",
      "Failed for good",
    ]);
    const late = [{ attempt: 1, at: at(20), kind: "x", outcome: "succeeded", summary: "s" }];
    expect(titles(job({ ...dead, lateResults: late }), null).at(-1)).toBe("Late result of attempt 1");
  });

  it("keeps a decision of a kind that it does not know", () => {
    expect(titles(job(), why({ type: "moved" }))).toEqual(["Submitted", "moved"]);
  });
});
