/** Decides what the result of an attempt means for its job: success, a retry, or its end. The drive loop writes the decision. */
import type { ErrorClass, Random, WorkerResult } from "@agentcore/contract";
import { attemptRef, type JobRecord, type Reason } from "../job-record.ts";
import type { DecisionType, NewDecision } from "../decision.ts";
import type { Charge, Settlement } from "../job-store.ts";
import { spendingOf } from "../retry/charge.ts";
import { drawsOnBudget, type RetryBudget } from "../retry/retry-budget.ts";
import {
  errorClassOf,
  withinLimits,
  type RetryAnswer,
  type RetryPolicyFunction,
  type RetryQuestion,
} from "../retry/retry-policy.ts";

export interface DecisionOptions {
  readonly retry: RetryPolicyFunction;
  readonly budget: RetryBudget;
  readonly random: Random;
  readonly now: number;
  readonly nowMs: number;
}

export interface EndedAttempt {
  readonly record: JobRecord;
  readonly result: WorkerResult;
  /** Why the scheduler requested the stop; null if it did not. */
  readonly stopped: Reason | null;
  /** Default: what the result reports. */
  readonly charge?: Charge;
  /** Proved: its worker was never released. */
  readonly neverBegan?: boolean;
}

/** Codes of a stop that concerns the scheduler or the runtime and not the job: the job is not over. */
const systemStops = new Set(["AC_DRAINING", "AC_RUNTIME_LOST", "AC_LEASE_LOST", "AC_GLOBAL_STOP"]);

export function settleResult(ended: EndedAttempt, options: DecisionOptions): Settlement {
  const { record, result, stopped } = ended;
  const charge = ended.charge ?? spendingOf(result);
  const base = { ref: attemptRef(record), at: options.now, charge };
  if (result.outcome === "succeeded") return { ...base, kind: "succeeded", result };
  if (stopped !== null && errorClassOf(result) === "cancelled" && !systemStops.has(stopped.code)) {
    const decisions = [decisionOf(record, options.now, "cancelled", stopped)];
    return { ...base, kind: "cancelled", result, reason: stopped, decisions };
  }
  if (ended.neverBegan === true || (stopped === null && isClosedBeforeItBegan(result))) {
    const message = `no worker was started: ${result.summary}`;
    const reason: Reason = { code: stopped?.code ?? result.code ?? "AC_CANCELLED", message, evidence: {} };
    const decisions = [decisionOf(record, options.now, "deferred", reason)];
    return deferral(record, { at: options.now, delayMs: 0, reason, decisions });
  }
  const counted = asCounted(result, stopped);
  const spent = {
    costUsd: record.spent.costUsd + charge.costUsd,
    tokens: record.spent.tokens + charge.tokens,
  };
  const question = {
    job: record.job,
    result: counted,
    attempt: record.attempt,
    spent,
    chance: options.random.next(),
  };
  const answer = withBudget(question, withinLimits(question, options.retry(question)), options);
  if (answer.kind === "dead") {
    const decisions = [decisionOf(record, options.now, "dead", answer.reason)];
    return { ...base, kind: "dead", result, reason: answer.reason, decisions };
  }
  const { delayMs, reason } = answer;
  const type = answer.parked ? "parked" : errorClassOf(counted) === "lost" ? "lost" : "retry";
  const decisions = [decisionOf(record, options.now, type, reason)];
  return { ...base, kind: "retry", result, runAt: options.now + delayMs, delayMs, reason, decisions };
}

/** Whether the attempt was stopped for a reason that does not concern its job. */
export function isStoppedForSystem(result: WorkerResult, stopped: Reason | null): boolean {
  return stopped !== null && systemStops.has(stopped.code) && errorClassOf(result) === "cancelled";
}

/**
 * The runtime was closed just before it started the worker. The processes seen include a worker as soon as it is released, so a
 * receipt that saw none proves that it never ran. Without a receipt there was not even a box.
 */
function isClosedBeforeItBegan({ errorClass, code, containment, session, exitCode }: WorkerResult): boolean {
  if (errorClass !== "cancelled" || code !== "AC_CANCELLED") return false;
  if (containment === null) return session === null && exitCode === null;
  return containment.processesSeen === 0 && containment.survivors === 0;
}

/**
 * An attempt that was stopped although nobody wanted its job to end (a shutdown, an isolation by the watchdog) counts as lost:
 * the limits of the job decide whether it may run again.
 */
function asCounted(result: WorkerResult, stopped: Reason | null): WorkerResult {
  if (errorClassOf(result) !== "cancelled") return result;
  const errorClass: ErrorClass = "lost";
  return {
    ...result,
    errorClass,
    code: stopped?.code ?? result.code,
    summary: stopped?.message ?? result.summary,
  };
}

function withBudget(question: RetryQuestion, answer: RetryAnswer, options: DecisionOptions): RetryAnswer {
  if (answer.kind === "dead" || !drawsOnBudget(errorClassOf(question.result))) return answer;
  const putOffMs = options.budget.spend(options.nowMs);
  if (putOffMs <= answer.delayMs) return answer;
  const evidence = { ...answer.reason.evidence, retryBudgetWaitMs: putOffMs };
  const message = `${answer.reason.message} (put off by ${putOffMs} ms: the retry budget is used up)`;
  return { ...answer, delayMs: putOffMs, reason: { ...answer.reason, message, evidence } };
}

export function decisionOf(record: JobRecord, at: number, type: DecisionType, reason: Reason): NewDecision {
  const { code, message, evidence } = reason;
  return { jobId: record.job.id, attempt: record.attempt, at, type, code, message, evidence };
}

/** Puts a job back whose attempt never began: it is due again after the delay, and its number is given back. */
export function deferral(
  record: JobRecord,
  { at, delayMs, ...rest }: Pick<Deferral, "delayMs" | "reason" | "decisions"> & { readonly at: number },
): Deferral {
  return { ref: attemptRef(record), at, kind: "defer", runAt: at + delayMs, delayMs, ...rest };
}

type Deferral = Extract<Settlement, { readonly kind: "defer" }>;
