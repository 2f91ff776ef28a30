/**
 * Decides whether a failed attempt is retried, and when. Pure. Which error classes can be retried at all is
 * `errorClassTraits` in the contract; the table here says how long each waits. Delays grow
 * exponentially with full jitter (uniform in [0, cap), after "Exponential Backoff And Jitter", AWS Architecture Blog,
 * 2015), so that jobs that failed together do not return together.
 */
import {
  backOffMs,
  errorClassTraits,
  formatDuration,
  retryPolicySchema,
  type ErrorClass,
  type Job,
  type Outcome,
  type WorkerResult,
} from "@agentcore/contract";
import type { Reason, Spending } from "../job-record.ts";

/** The minimum wait of the next attempt, in addition to the jittered backoff. */
type Wait =
  /** As long as the provider asked, if it did. */
  | "asked"
  /** Until the moment that the provider named; without one there is no minimum. */
  | "until_reset";

/** The default for each class: `errorClassTraits` says whether it is retried, and this table how it waits. */
const waits: Readonly<Partial<Record<ErrorClass, Wait>>> = { quota_exhausted: "until_reset" };

export interface RetryQuestion {
  readonly job: Job;
  readonly result: WorkerResult;
  /** Number of the attempt that failed. */
  readonly attempt: number;
  /** Of all attempts, including this one. */
  readonly spent: Spending;
  /** Uniform in [0, 1): the jitter. */
  readonly chance: number;
}

export type RetryAnswer =
  | {
      readonly kind: "retry";
      readonly delayMs: number;
      /** It waits for a moment that the provider named, and not for the backoff. */
      readonly parked: boolean;
      readonly reason: Reason;
    }
  | { readonly kind: "dead"; readonly reason: Reason };

/** Replaceable. Attempts and cost stay within the job's limits, regardless of the answer: see {@link withinLimits}. */
export type RetryPolicyFunction = (question: RetryQuestion) => RetryAnswer;

const classByOutcome: Readonly<Record<Exclude<Outcome, "succeeded">, ErrorClass>> = {
  failed: "task_failed",
  cancelled: "cancelled",
  timed_out: "timeout",
  stalled: "stalled",
  budget_exhausted: "budget_exhausted",
  lost: "lost",
};

export function errorClassOf(result: Pick<WorkerResult, "errorClass" | "outcome">): ErrorClass {
  if (result.errorClass !== null) return result.errorClass;
  return result.outcome === "succeeded" ? "internal" : classByOutcome[result.outcome];
}

/** The default policy. */
export const decideRetry: RetryPolicyFunction = ({ job, result, attempt, chance }) => {
  const errorClass = errorClassOf(result);
  const policy = job.retry ?? retryPolicySchema.parse({});
  const wait = waits[errorClass] ?? "asked";
  const resetKnown = wait === "until_reset" && result.retryAfterMs !== null;
  // If the probe found the failure terminal, another attempt would too.
  const isCurable = errorClassTraits[errorClass].retryable && result.probe?.class !== "terminal";
  const wanted = policy.retryOn?.includes(errorClass) ?? (isCurable || resetKnown);
  if (!wanted) return { kind: "dead", reason: notRetried(result, errorClass) };
  // Parked jobs would all return at the reset: spread them over the longest delay instead of the next one.
  const capMs = resetKnown ? policy.maxDelayMs : backoffCapMs(policy, attempt);
  const delayMs = Math.round((result.retryAfterMs ?? 0) + chance * capMs);
  const next = `attempt ${attempt + 1} of ${job.limits.maxAttempts}`;
  return {
    kind: "retry",
    delayMs,
    parked: resetKnown,
    reason: reasonOf(result, `${next} in ${formatDuration(delayMs)}`),
  };
};

/** Upper bound of the jittered delay after the attempt: base × 2^(attempt-1), at most the maximum. */
export function backoffCapMs(
  policy: { readonly baseDelayMs: number; readonly maxDelayMs: number },
  attempt: number,
): number {
  return backOffMs(attempt, { minMs: policy.baseDelayMs, maxMs: policy.maxDelayMs });
}

/**
 * Turns a retry into a dead end if processes of the attempt are left, or if the job's attempts, cost or tokens are used up. A
 * delay that is not a number becomes 0.
 */
export function withinLimits(question: RetryQuestion, answer: RetryAnswer): RetryAnswer {
  if (answer.kind === "dead") return answer;
  const { job, result, attempt, spent } = question;
  const { maxAttempts, maxCostUsd, maxTokens } = job.limits;
  const dead = (why: string, code?: string): RetryAnswer => ({
    kind: "dead",
    reason: reasonOf(result, why, code),
  });
  // Its processes may still run: another attempt would overlap with them.
  if ((result.containment?.survivors ?? 0) > 0)
    return dead("processes of the attempt are left", "AC_UNCONTAINED");
  if (attempt >= maxAttempts) return dead(`attempt ${attempt} of ${maxAttempts} failed`);
  if (maxCostUsd !== undefined && spent.costUsd >= maxCostUsd) {
    return dead(`$${spent.costUsd} of $${maxCostUsd} are spent`, "AC_COST_CEILING");
  }
  if (maxTokens !== undefined && spent.tokens >= maxTokens) {
    return dead(`${spent.tokens} of ${maxTokens} tokens are used`, "AC_TOKEN_CEILING");
  }
  return Number.isFinite(answer.delayMs) && answer.delayMs >= 0 ? answer : { ...answer, delayMs: 0 };
}

function notRetried(result: WorkerResult, errorClass: ErrorClass): Reason {
  const message = `${summaryOf(result).replace(/\.$/, "")}; this class (${errorClass}) is not retried`;
  return { ...reasonOf(result, ""), message };
}

const summaryOf = (result: WorkerResult): string =>
  result.summary === "" ? errorClassOf(result) : result.summary;

function reasonOf(result: WorkerResult, what: string, code?: string): Reason {
  const errorClass = errorClassOf(result);
  const evidence = { errorClass, outcome: result.outcome, retryAfterMs: result.retryAfterMs };
  return {
    code: code ?? result.code ?? codeOf(errorClass),
    message: `${what}: ${summaryOf(result)}`,
    evidence,
  };
}

/** For results without a code. */
function codeOf(errorClass: ErrorClass): string {
  switch (errorClass) {
    case "timeout":
      return "AC_TIMEOUT";
    case "stalled":
      return "AC_STALLED";
    case "budget_exhausted":
      return "AC_COST_CEILING";
    case "permission_denied":
      return "AC_TOOL_DENIED";
    case "cancelled":
      return "AC_CANCELLED";
    case "lost":
      return "AC_RUNTIME_LOST";
    case "worker_missing":
      return "AC_WORKER_MISSING";
    case "worker_crashed":
      return "AC_WORKER_SIGNAL";
    case "worker_protocol":
      return "AC_WORKER_OUTPUT";
    case "internal":
      return "AC_INTERNAL";
    case "rate_limited":
    case "quota_exhausted":
    case "provider_unavailable":
    case "network":
    case "auth":
    case "invalid_request":
      return "AC_PROVIDER_STATUS";
    case "task_failed":
      return "AC_WORKER_EXIT";
  }
}
