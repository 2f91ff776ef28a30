/** Builds the result line and exit code of a job from the store, so they are the same for every process and at any time. */
import type { ErrorClass, Outcome, ResultLine } from "@agentcore/contract";
import type { AttemptRecord, JobRecord } from "@agentcore/scheduler";
import { exitCodeOf } from "../exit-code.ts";
import { resultLine, type EndedWithoutAttempt } from "./result-line.ts";

export interface JobOutcome {
  readonly result: ResultLine;
  /** The gate permitted no attempt. */
  readonly refused: boolean;
  readonly exitCode: number;
}

/** For a job that has ended. */
export function outcomeOf(record: JobRecord, attempts: readonly AttemptRecord[]): JobOutcome {
  const results = attempts.flatMap(({ result }) => (result === null ? [] : [result]));
  const refused = record.state.kind === "dead" && record.result === null;
  const result = resultLine(record.job.id, results, endOf(record));
  return {
    result,
    refused,
    exitCode: exitCodeOf(result.outcome, { refused, errorClass: result.errorClass }),
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
