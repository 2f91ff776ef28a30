/** Maps the error of a run that could not start to its error class, by error code. */
import { errorText, isAgentCoreError, type ErrorClass, type ErrorCode } from "@agentcore/contract";
import type { StartFailure } from "../verdict.ts";

const classes: Partial<Record<ErrorCode, ErrorClass>> = {
  AC_USAGE: "invalid_request",
  AC_CONFIG_INVALID: "invalid_request",
  AC_JOB_INVALID: "invalid_request",
  AC_WORKSPACE_MISSING: "invalid_request",
  AC_WORKER_UNKNOWN: "invalid_request",
  AC_CAPABILITY_UNSUPPORTED: "invalid_request",
  AC_CREDENTIAL_UNAVAILABLE: "auth",
  AC_MODEL_UNPRICED: "invalid_request",
  AC_SPEND_GATE_REQUIRED: "invalid_request",
  // The ledger refused the hold that a run needs before it may use the spend gate.
  AC_BUDGET_COST: "budget_exhausted",
  AC_BUDGET_TOKENS: "budget_exhausted",
  AC_WORKER_MISSING: "worker_missing",
  AC_WORKER_TOO_OLD: "worker_missing",
  AC_ADAPTER_MISSING: "worker_missing",
  AC_ADAPTER_INVALID: "worker_protocol",
};

/** Disk errors, which the user can fix: not an error of the job or of AgentCore. */
const storageErrors: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EROFS", "EIO"]);

export function startFailureOf(error: unknown): StartFailure {
  if (isAgentCoreError(error)) {
    return { class: classes[error.code] ?? "internal", code: error.code, message: error.message };
  }
  if (error instanceof Error && storageErrors.has((error as NodeJS.ErrnoException).code ?? "")) {
    return { class: "internal", code: "AC_STORE_UNAVAILABLE", message: error.message };
  }
  return {
    class: "internal",
    code: "AC_INTERNAL",
    message: `internal error: ${errorText(error)}`,
  };
}
