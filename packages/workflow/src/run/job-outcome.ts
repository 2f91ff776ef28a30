/** How the end of a job reads as the end of a step's attempt. Pure. */
import type { JobEnd } from "@agentcore/scheduler";
import type { Stall } from "../definition.ts";
import type { WorkOutcome } from "../plan/step-state.ts";

export interface WorkEnd {
  readonly outcome: WorkOutcome;
  readonly reason: string;
  readonly errorClass: string | null;
  /** What makes a finished attempt count as a failed iteration. */
  readonly violations: readonly string[];
}

export function workEnd(end: JobEnd, stall: Stall | null): WorkEnd {
  const errorClass = end.result?.errorClass ?? null;
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
    case "dead":
      return end.result?.outcome === "stalled"
        ? stalledEnd(reason, stall)
        : { outcome: "failed", reason: failureText(end, reason), errorClass, violations: [] };
  }
}

function stalledEnd(reason: string, stall: Stall | null): WorkEnd {
  const reaction = stall?.onStall;
  const errorClass = reaction?.errorClass ?? "stalled";
  if (reaction?.asIncomplete !== true) return { outcome: "failed", reason, errorClass, violations: [] };
  return { outcome: "succeeded", reason, errorClass, violations: [...reaction.fingerprintPrefix, "stalled"] };
}

function failureText({ result, reason }: JobEnd, text: string): string {
  const code = result?.code ?? reason?.code;
  const exit =
    result?.exitCode === null || result?.exitCode === undefined ? "" : `exit code ${result.exitCode}: `;
  return code === undefined || code === null ? text : `${exit}${text} (${code})`;
}
