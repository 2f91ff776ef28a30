/**
 * Builds the last line of `--json`: the result of a job over all its attempts. Cost, tokens and time add up; all other
 * fields are those of the last attempt. Unknown values stay null: a sum with an unknown part is unknown.
 */
import {
  unknownUsage,
  type CostBasis,
  type ErrorClass,
  type Outcome,
  type ResultLine,
  type Usage,
  type WorkerResult,
} from "@agentcore/contract";
import type { AttemptRecord, JobRecord } from "../job-record.ts";

export interface JobResult {
  readonly result: ResultLine;
  /** The gate permitted no attempt. */
  readonly refused: boolean;
}

/** For a job that has ended. */
export function jobResult(record: JobRecord, attempts: readonly AttemptRecord[]): JobResult {
  const results = attempts.flatMap(({ result }) => (result === null ? [] : [result]));
  return {
    result: resultLine(record.job.id, results, endOf(record)),
    refused: record.state.kind === "dead" && record.result === null,
  };
}

/** Null if the last attempt's result says everything. */
function endOf({ state, result }: JobRecord): EndedWithoutAttempt | null {
  switch (state.kind) {
    case "queued":
    case "running":
    case "succeeded":
      return null;
    case "cancelled":
      return ended("cancelled", "cancelled", state.reason);
    case "dead":
      return result === null
        ? ended("failed", refusalClasses[state.reason.code] ?? null, state.reason)
        : null;
  }
}

function ended(
  outcome: Outcome,
  errorClass: ErrorClass | null,
  reason: { readonly code: string; readonly message: string },
): EndedWithoutAttempt {
  return { outcome, errorClass, code: reason.code, summary: reason.message };
}

/** Error classes for the refusals by the gate that have one. */
const refusalClasses: Readonly<Record<string, ErrorClass>> = {
  AC_BUDGET_COST: "budget_exhausted",
  AC_BUDGET_TOKENS: "budget_exhausted",
  AC_DEADLINE_PASSED: "timeout",
};

/** The end of a job that ended without an attempt: refused by the gate, or cancelled while it waited. */
export interface EndedWithoutAttempt {
  readonly outcome: Outcome;
  readonly errorClass: ErrorClass | null;
  readonly code: string | null;
  readonly summary: string;
}

/** `attempts`: results in order. `end` applies if there are none, or if the job did not end with the last attempt. */
export function resultLine(
  jobId: string,
  attempts: readonly WorkerResult[],
  end: EndedWithoutAttempt | null,
): ResultLine {
  const last = attempts.at(-1);
  const decided = end ??
    last ?? { outcome: "lost", errorClass: "lost", code: "AC_RUNTIME_LOST", summary: "" };
  return {
    type: "result",
    jobId,
    outcome: decided.outcome,
    errorClass: decided.errorClass,
    code: decided.code,
    attempts: attempts.length,
    summary: decided.summary,
    costUsd: sum(attempts.map(({ costUsd }) => costUsd)),
    costBasis: weakest(attempts.map(({ costBasis }) => costBasis)),
    usage: sumUsage(attempts.map(({ usage }) => usage)),
    observations: last?.observations ?? { commands: [], filesChanged: [] },
    artifacts: last?.artifacts ?? [],
    session: last?.session ?? null,
    containment: last?.containment ?? null,
    durationMs: span(attempts),
  };
}

function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}

function sumUsage(usages: readonly Usage[]): Usage {
  if (usages.length === 0) return unknownUsage;
  const of = (key: keyof Usage): number | null => sum(usages.map((usage) => usage[key]));
  return {
    inputTokens: of("inputTokens"),
    cachedInputTokens: of("cachedInputTokens"),
    outputTokens: of("outputTokens"),
  };
}

/** A sum is only as reliable as its weakest part. */
function weakest(bases: readonly CostBasis[]): CostBasis {
  return (["estimated", "reported", "metered"] as const).find((basis) => bases.includes(basis)) ?? "none";
}

/** From the first attempt's start to the last one's end, including waits between them. */
function span(attempts: readonly WorkerResult[]): number {
  const first = attempts[0];
  const last = attempts.at(-1);
  if (first === undefined || last === undefined) return 0;
  return Math.max(0, last.startedAt + last.durationMs - first.startedAt);
}
