/** How an activity fails, and whether its engine may try again. */
import {
  AgentCoreError,
  errorClassTraits,
  errorCodes,
  errorText,
  isAgentCoreError,
  isErrorCode,
  type ErrorClass,
  type ErrorCode,
} from "@agentcore/contract";
import { errorClassOf } from "@agentcore/scheduler";
import type { ActivityResult } from "./activity-result.ts";

interface FailureFacts {
  readonly retryable: boolean;
  readonly result?: ActivityResult;
  readonly cause?: unknown;
}

/** The activity has no success to return. `code` is `AC_CANCELLED` if it was cancelled. */
export class ActivityFailure extends AgentCoreError {
  /**
   * Whether the engine may run the activity again. If not, make it a failure of the kind that the engine does not retry: the
   * work would fail again, was cancelled, or was retried already by AgentCore.
   */
  readonly retryable: boolean;
  /** Of the job's last attempt; null if the job did not start, or could not be followed. */
  readonly errorClass: ErrorClass | null;
  /** The end of the job; null if it has not ended, or its end is not known here. */
  readonly result: ActivityResult | null;

  constructor(code: ErrorCode, message: string, { retryable, result, cause }: FailureFacts) {
    super(code, message, { evidence: result === undefined ? {} : { jobId: result.jobId }, cause });
    this.name = "ActivityFailure";
    this.retryable = retryable;
    this.errorClass = result?.errorClass ?? null;
    this.result = result ?? null;
  }
}

/** Whether another job may do what this one did not. By the same table as the retries of AgentCore. */
export function mayRunAgain(result: ActivityResult): boolean {
  const { attempts, code, containment } = result;
  // A limit permitted none, for good.
  if (attempts === 0) return false;
  // Its processes may still run, or the probe says that another attempt would fail, too.
  if ((containment?.survivors ?? 0) > 0 || code === "AC_PROBE_TERMINAL") return false;
  return errorClassTraits[errorClassOf(result)].retryable;
}

/** For a job that ended without success. */
export function failureOf(result: ActivityResult, retryable: boolean): ActivityFailure {
  const { code, summary, outcome, jobId } = result;
  const known = code !== null && isErrorCode(code) ? code : codesOfOutcomes[outcome];
  return new ActivityFailure(known, `job ${jobId} ended as ${outcome}: ${summary}`, { retryable, result });
}

/** For results whose code is not in the catalog of this version. */
const codesOfOutcomes: Readonly<Record<ActivityResult["outcome"], ErrorCode>> = {
  succeeded: "AC_INTERNAL",
  failed: "AC_WORKER_EXIT",
  cancelled: "AC_CANCELLED",
  timed_out: "AC_TIMEOUT",
  stalled: "AC_STALLED",
  budget_exhausted: "AC_COST_CEILING",
  lost: "AC_RUNTIME_LOST",
};

/** Whether the same call may succeed later. An error that is not ours may be one of the connection. */
export const isTemporary = (error: unknown): boolean =>
  !isAgentCoreError(error) || errorCodes[error.code].retryable;

/** What was thrown before the end of a job was known: the job, if there is one, goes on. */
export function interrupted(error: unknown): ActivityFailure {
  if (error instanceof ActivityFailure) return error;
  const code = isAgentCoreError(error) ? error.code : "AC_INTERNAL";
  return new ActivityFailure(code, errorText(error), { retryable: isTemporary(error), cause: error });
}
