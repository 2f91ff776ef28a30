/** Translates the end of a job into the end of a step's attempt. Pure. */
import { omitUndefined } from "@agentcore/contract";
import type { JobEnd } from "@agentcore/scheduler";
import type { Stall } from "../definition.ts";
import type { WorkOutcome } from "../plan/step-state.ts";
import { stallEnd, type StallEnd } from "../stall/stall-end.ts";

export interface WorkEnd {
  readonly outcome: WorkOutcome;
  readonly reason: string;
  readonly errorClass: string | null;
  /** Of the catalog, if the end has one. */
  readonly code?: string;
  /** What makes a finished attempt count as a failed iteration. */
  readonly violations: readonly string[];
  /** A failure after which nothing is tried again: for this step, or for the whole run. */
  readonly final?: "step" | "run";
}

/** Codes of a job that was ended or refused because a ceiling leaves it nothing to spend. */
const budgetCodes: ReadonlySet<string> = new Set([
  "AC_COST_CEILING",
  "AC_TOKEN_CEILING",
  "AC_CALL_CEILING",
  "AC_BUDGET_COST",
  "AC_BUDGET_TOKENS",
]);

/** Whether a budget ended the step or run that has this code. */
export function isBudgetCode(code: string | null | undefined): boolean {
  return typeof code === "string" && budgetCodes.has(code);
}

export function workEnd(end: JobEnd, stall: Stall | null): WorkEnd {
  const reason = end.result?.summary || (end.reason?.message ?? "");
  switch (end.state) {
    case "succeeded":
      return { outcome: "succeeded", reason, errorClass: null, violations: [] };
    case "cancelled":
      return {
        outcome: "cancelled",
        reason: end.reason?.message ?? reason,
        errorClass: "cancelled",
        violations: [],
      };
    case "dead": {
      const stalled = stallEnd(end.result, stall);
      if (stalled !== null) return stalledEnd(end, reason, stalled);
      return { outcome: "failed", reason: failureText(end, reason), violations: [], ...classOf(end) };
    }
  }
}

/** If the job's ceiling prevented another attempt, the ceiling counts, and not the failure of the last attempt. */
export function classOf({ result, reason }: JobEnd): Pick<WorkEnd, "errorClass" | "code"> {
  const code = (isBudgetCode(reason?.code) ? reason?.code : (result?.code ?? reason?.code)) ?? null;
  const errorClass = isBudgetCode(code) ? "budget_exhausted" : (result?.errorClass ?? null);
  return { errorClass, ...(code === null ? {} : { code }) };
}

function stalledEnd(end: JobEnd, text: string, stalled: StallEnd): WorkEnd {
  const { asIncomplete, errorClass, fingerprints, final } = stalled;
  const reason = failureText(end, text);
  const { code } = classOf(end);
  const common = { reason, errorClass, ...omitUndefined({ code }) };
  if (asIncomplete) return { outcome: "succeeded", violations: fingerprints, ...common };
  return { outcome: "failed", violations: [], ...common, ...omitUndefined({ final }) };
}

function failureText({ result, reason }: JobEnd, text: string): string {
  if (isBudgetCode(reason?.code) && !isBudgetCode(result?.code))
    return `${reason?.message} (${reason?.code})`;
  const code = result?.code ?? reason?.code;
  const { exitCode = null } = result ?? {};
  // Most texts say it.
  const exit =
    exitCode === null || text.includes(`exited with code ${exitCode}`) ? "" : `exit code ${exitCode}: `;
  return code === undefined || code === null ? text : `${exit}${text} (${code})`;
}
