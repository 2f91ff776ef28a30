import { describe, expect, it } from "vitest";
import { testJob, testResult } from "../testing/fixtures.ts";
import { fakeIdentity, fakePermit } from "../testing/fake-runtime.ts";
import { spendingOf, chargeOfLost, chargeUnder, leftOf, lostResult } from "./charge.ts";

const request = {
  jobId: "j",
  attempt: 1,
  maxAttempts: 3,
  worker: "codex",
  provider: "openai",
  workspace: "/w",
  capabilities: [],
  timeoutMs: 1000,
  maxCostUsd: 3,
  maxTokens: 500,
  priorityClass: "batch" as const,
};
const started = { at: 10, identity: fakeIdentity("p"), permit: fakePermit("p", request, 5) };
const lost = { claimedAt: 1, now: 30, message: "gone", recorded: null };

describe("what an attempt costs", () => {
  it("is what its result says, every kind of token counted", () => {
    const usage = { inputTokens: 1, cachedInputTokens: 2, outputTokens: 4 };
    expect(spendingOf(testResult({ costUsd: 0.5, usage }))).toEqual({ costUsd: 0.5, tokens: 7 });
    expect(spendingOf(testResult())).toEqual({ costUsd: 0, tokens: 0 });
  });

  it("is all it was allowed where nobody saw its end, and says that it is estimated", () => {
    const result = lostResult({ ...lost, started });
    expect(result).toMatchObject({ outcome: "lost", costUsd: 3, costBasis: "estimated", durationMs: 20 });
    expect(chargeOfLost(result, started)).toEqual({ costUsd: 3, tokens: 500 });
  });

  it("is what its own records bound it by, where they say", () => {
    const usage = { inputTokens: 60, cachedInputTokens: null, outputTokens: 10 };
    const result = lostResult({ ...lost, started, recorded: { costUsd: 0.5, usage } });
    expect(result).toMatchObject({ costUsd: 0.5, costBasis: "estimated", usage });
    expect(chargeOfLost(result, started)).toEqual({ costUsd: 0.5, tokens: 70 });
    expect(chargeUnder(started.permit, result)).toEqual({ costUsd: 0.5, tokens: 70 });
  });

  it("is bounded likewise where the runtime was lost, and as reported where it was not", () => {
    const result = lostResult({ ...lost, started });
    expect(chargeUnder(started.permit, result)).toEqual({ costUsd: 3, tokens: 500 });
    expect(chargeUnder(started.permit, lostResult({ ...lost, started: null }))).toEqual({
      costUsd: 0,
      tokens: 0,
    });
    expect(chargeUnder(started.permit, testResult({ costUsd: 1, costBasis: "estimated" }))).toEqual({
      costUsd: 1,
      tokens: 0,
    });
  });

  it("is nothing where it was never started, or calls no provider", () => {
    const shell = { ...started, permit: { ...started.permit, provider: null } };
    for (const none of [null, shell]) {
      const result = lostResult({ ...lost, started: none });
      expect(result).toMatchObject({ costUsd: null, costBasis: "none" });
      expect(chargeOfLost(result, none)).toEqual({ costUsd: 0, tokens: 0 });
    }
  });

  it("leaves the rest of the job's ceilings, never less than nothing", () => {
    const job = testJob({ limits: { maxCostUsd: 5, maxTokens: 100 } });
    expect(leftOf(job, { costUsd: 2, tokens: 30 })).toEqual({ maxCostUsd: 3, maxTokens: 70 });
    expect(leftOf(job, { costUsd: 9, tokens: 300 })).toEqual({ maxCostUsd: 0, maxTokens: 0 });
    expect(leftOf(testJob(), { costUsd: 2, tokens: 30 })).toEqual({});
  });
});
