/**
 * Decides what the end of a run means for its worker and provider: pure functions of its result. Only faults of a provider
 * or a worker count against them; a failed task, a cancel, a missing credential or an empty account does not.
 */
import { errorClassTraits, type ErrorCode, type WorkerResult } from "@agentcore/contract";
import type { Health } from "../breaker/breaker.ts";

export interface RunHealth {
  readonly worker: Health;
  readonly provider: Health;
  /** The provider asked for fewer requests; null if it did not. */
  readonly refusal: { readonly retryAfterMs: number | null } | null;
}

type Verdict = Pick<WorkerResult, "outcome" | "errorClass" | "retryAfterMs" | "code">;

/** A probe judges the task: its findings are not the worker's fault. */
const probeCodes: ReadonlySet<string | null> = new Set<ErrorCode>(["AC_PROBE_STALLED", "AC_PROBE_TERMINAL"]);

/** What the breakers and the provider's pause learn from a run. */
export function healthOf({ outcome, errorClass, retryAfterMs, code }: Verdict): RunHealth {
  if (outcome === "succeeded") return { worker: "success", provider: "success", refusal: null };
  if (errorClass === null || probeCodes.has(code))
    return { worker: "neutral", provider: "neutral", refusal: null };
  const { trips } = errorClassTraits[errorClass];
  // The model answered and the worker did its part: the task failed.
  const bothWorked = errorClass === "task_failed" || errorClass === "permission_denied";
  const healthFor = (target: "worker" | "provider"): Health => {
    if (trips === target) return "failure";
    return bothWorked ? "success" : "neutral";
  };
  const isRefusal =
    errorClass === "rate_limited" ||
    (retryAfterMs !== null && (errorClass === "provider_unavailable" || errorClass === "quota_exhausted"));
  return {
    worker: healthFor("worker"),
    provider: healthFor("provider"),
    refusal: isRefusal ? { retryAfterMs } : null,
  };
}

/** Whose failure a run is, for the search for concentrations. `none`: a success, or a failure that nobody here can help. */
export type Blame = "worker" | "task" | "none";

export function blameOf({ outcome, errorClass, code }: Verdict): Blame {
  if (outcome === "succeeded" || outcome === "cancelled" || errorClass === null) return "none";
  if (probeCodes.has(code)) return "task";
  const { fault } = errorClassTraits[errorClass];
  if (fault === "worker" || fault === "provider") return errorClass === "rate_limited" ? "none" : "worker";
  return fault === "task" ? "task" : "none";
}
