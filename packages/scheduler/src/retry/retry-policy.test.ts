import { describe, expect, it } from "vitest";
import {
  errorClasses,
  errorClassTraits,
  outcomes,
  type JobInput,
  type WorkerResult,
} from "@agentcore/contract";
import { testFailure, testJob, testResult } from "../testing/fixtures.ts";
import { seededRandom, testSeed } from "@agentcore/contract/testing";
import {
  backoffCapMs,
  decideRetry,
  errorClassOf,
  withinLimits,
  type RetryAnswer,
  type RetryQuestion,
} from "./retry-policy.ts";

const seed = testSeed("retry policy");

function question(
  result: Partial<WorkerResult>,
  more: Partial<RetryQuestion> = {},
  job: Partial<JobInput> = {},
): RetryQuestion {
  return {
    job: testJob({ limits: { maxAttempts: 10 }, ...job }),
    result: testResult({ ...testFailure, code: null, ...result }),
    attempt: 1,
    spent: { costUsd: 0, tokens: 0 },
    chance: 0.5,
    ...more,
  };
}

const decide = (asked: RetryQuestion): RetryAnswer => withinLimits(asked, decideRetry(asked));

describe("the retry table", () => {
  it.each(errorClasses)("follows the traits of %s by default", (errorClass) => {
    const answer = decide(question({ errorClass }));
    expect(answer.kind).toBe(errorClassTraits[errorClass].retryable ? "retry" : "dead");
    expect(answer.reason.code).toMatch(/^AC_/);
  });

  it.each(errorClasses)("lets a job ask for exactly the classes it wants retried: %s", (errorClass) => {
    expect(decide(question({ errorClass }, {}, { retry: { retryOn: [errorClass] } })).kind).toBe("retry");
    expect(decide(question({ errorClass }, {}, { retry: { retryOn: [] } })).kind).toBe("dead");
  });

  it.each([
    ["stalled", "retry", "retry"],
    ["terminal", "dead", "retry"],
  ] as const)(
    "takes what a probe found %s for %s, and for %s where the job asks for it",
    (found, byDefault, asked) => {
      const probe = { class: found, by: "answer" as const, fingerprints: [], reasons: [], summary: null };
      const result = { outcome: "stalled", errorClass: "stalled", probe } as const;
      expect(decide(question(result)).kind).toBe(byDefault);
      expect(decide(question(result, {}, { retry: { retryOn: ["stalled"] } })).kind).toBe(asked);
    },
  );

  it("says in one sentence why it does not retry, where the summary is a sentence", () => {
    const { reason } = decide(question({ errorClass: "budget_exhausted", summary: "Set `prices`." }));
    expect(reason.message).toBe("Set `prices`; this class (budget_exhausted) is not retried");
  });

  it("takes the class from the outcome where the result names none", () => {
    const classes = outcomes.map((outcome) => errorClassOf(testResult({ outcome, errorClass: null })));
    expect(classes).toEqual([
      "internal",
      "task_failed",
      "cancelled",
      "timeout",
      "stalled",
      "budget_exhausted",
      "lost",
    ]);
  });

  it("waits as long as the provider asked, and jitters on top", () => {
    const asked = { errorClass: "rate_limited", retryAfterMs: 60_000 } as const;
    expect(decide(question(asked, { chance: 0 }))).toMatchObject({
      kind: "retry",
      delayMs: 60_000,
      parked: false,
    });
    expect(decide(question(asked, { chance: 0.999 }))).toMatchObject({ kind: "retry", delayMs: 60_999 });
  });

  it("parks a job until an exhausted quota is reset, spread over the longest delay", () => {
    const reset = { errorClass: "quota_exhausted", retryAfterMs: 3_600_000 } as const;
    expect(decide(question(reset, { chance: 0.5 }))).toMatchObject({
      kind: "retry",
      parked: true,
      delayMs: 3_750_000,
    });
    expect(decide(question({ ...reset, retryAfterMs: null })).kind).toBe("dead");
  });

  it.each([
    ["attempts", { attempt: 10 }, {}, "AC_WORKER_EXIT"],
    [
      "cost",
      { spent: { costUsd: 2, tokens: 0 } },
      { limits: { maxAttempts: 10, maxCostUsd: 2 } },
      "AC_COST_CEILING",
    ],
    [
      "tokens",
      { spent: { costUsd: 0, tokens: 9 } },
      { limits: { maxAttempts: 10, maxTokens: 9 } },
      "AC_TOKEN_CEILING",
    ],
  ])("ends where the %s are used up, whatever a policy says", (_what, more, job, code) => {
    const asked = question({ errorClass: "task_failed" }, more, job);
    const eager: RetryAnswer = {
      kind: "retry",
      delayMs: 0,
      parked: false,
      reason: { code: "AC_WORKER_EXIT", message: "", evidence: {} },
    };
    expect(withinLimits(asked, eager)).toMatchObject({ kind: "dead", reason: { code } });
  });

  it.each([NaN, Infinity, -1])("does not wait for %d ms", (delayMs) => {
    const asked = question({ errorClass: "task_failed" });
    const odd: RetryAnswer = {
      kind: "retry",
      delayMs,
      parked: false,
      reason: { code: "AC_WORKER_EXIT", message: "", evidence: {} },
    };
    expect(withinLimits(asked, odd)).toMatchObject({ kind: "retry", delayMs: 0 });
  });
});

describe("the backoff", () => {
  const policy = { baseDelayMs: 1000, maxDelayMs: 300_000 };

  it("has a cap that doubles and then stays", () => {
    const caps = Array.from({ length: 100 }, (_, index) => backoffCapMs(policy, index + 1));
    expect(caps.slice(0, 10)).toEqual([
      1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000,
    ]);
    expect(caps.every((cap, index) => index === 0 || cap >= caps[index - 1]!)).toBe(true);
    expect(caps.at(-1)).toBe(300_000);
  });

  it("is jittered fully: 10,000 delays of each attempt are uniform below the cap (Kolmogorov-Smirnov)", () => {
    process.stdout.write(`retry schedule: seed ${seed}\n`);
    const count = 10_000;
    for (const attempt of [1, 2, 5, 9]) {
      const cap = backoffCapMs(policy, attempt);
      const delays = Array.from({ length: count }, (_, index) => {
        const asked = question(
          { errorClass: "task_failed" },
          { attempt, chance: seededRandom(seed + index).next() },
        );
        const answer = decide(asked);
        return answer.kind === "retry" ? answer.delayMs : NaN;
      }).sort((a, b) => a - b);
      expect(delays[0]).toBeGreaterThanOrEqual(0);
      expect(delays.at(-1)).toBeLessThanOrEqual(cap);
      const distance = Math.max(
        ...delays.map((delay, index) => Math.abs(delay / cap - (index + 0.5) / count)),
      );
      // The 0.1 % critical value of the one-sample test is 1.95 / sqrt(n); rounding to whole ms adds 0.5 / cap.
      expect(distance).toBeLessThan(1.95 / Math.sqrt(count) + 0.5 / cap + 0.5 / count);
    }
  });
});
