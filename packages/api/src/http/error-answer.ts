/** Errors as answers: the document `error`, and the HTTP status that its code has. */
import { AgentCoreError, errorCodes, errorText, isAgentCoreError, type ErrorCode } from "@agentcore/contract";

/** Codes without an entry: 503 if the same request may succeed later, otherwise 400. */
const statuses: Partial<Readonly<Record<ErrorCode, number>>> = {
  AC_API_UNAUTHORIZED: 401,
  AC_API_FORBIDDEN: 403,
  AC_API_HOST: 403,
  AC_API_ORIGIN: 403,
  AC_WORKFLOW_NOT_ALLOWED: 403,
  AC_API_NO_OPERATION: 404,
  AC_JOB_NOT_FOUND: 404,
  AC_ARTIFACT_NOT_FOUND: 404,
  AC_ATTEMPT_ELSEWHERE: 404,
  AC_WORKFLOW_RUN_NOT_FOUND: 404,
  AC_TRIGGER_NOT_FOUND: 404,
  AC_EVENT_NOT_FOUND: 404,
  AC_FIRING_NOT_FOUND: 404,
  AC_TOPIC_UNKNOWN: 404,
  AC_TRIGGERS_NONE: 404,
  AC_KEY_HELD: 409,
  AC_JOB_IN_RUN: 409,
  AC_JOB_UNFINISHED: 409,
  AC_WORKFLOW_TAKEN: 409,
  AC_WORKFLOW_ENDED: 409,
  AC_WORKFLOW_CHANGED: 409,
  AC_WORKFLOW_NOT_WAITING: 409,
  AC_WORKFLOW_BUSY: 409,
  AC_JOB_TOO_LARGE: 413,
  AC_API_TOO_LARGE: 413,
  AC_API_BUSY: 503,
  AC_API_TIMEOUT: 504,
  AC_STORE_CORRUPT: 500,
  AC_STORE_GONE: 500,
  AC_INTERNAL: 500,
};

export const statusOf = (code: ErrorCode): number =>
  statuses[code] ?? (errorCodes[code].retryable ? 503 : 400);

/** The codes of each status, but for those that have it by default. */
export function errorStatuses(): Readonly<Record<number, readonly string[]>> {
  const codes = Object.entries(statuses);
  const distinct = [...new Set(codes.map(([, status]) => status))].toSorted((a, b) => a - b);
  return Object.fromEntries(
    distinct.map((status) => [status, codes.flatMap(([code, each]) => (each === status ? [code] : []))]),
  );
}

/** An error that is none of ours is a fault of this code: its text is for the log, not for callers. */
export const asAgentCoreError = (error: unknown): AgentCoreError =>
  isAgentCoreError(error)
    ? error
    : new AgentCoreError("AC_INTERNAL", "internal error; the log of the daemon has it", { cause: error });

/** For the log. */
export const causeText = ({ cause, message }: AgentCoreError): string =>
  cause === undefined ? message : errorText(cause);
