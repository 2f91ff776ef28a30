/** Reports the error of a command: one message, the cure, and an exit code that distinguishes usage from failure. */
import { AgentCoreError, cureOf, errorDocument, isAgentCoreError, type ErrorCode } from "@agentcore/contract";
import { exitCodes } from "./exit-code.ts";
import type { Io } from "./io.ts";

/** Codes that mean: nothing was started; correct the command line or the configuration. */
const usageCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "AC_USAGE",
  "AC_CONFIG_INVALID",
  "AC_CONFIG_MISSING",
  "AC_CONFIG_EXPOSED",
  "AC_STORE_REFUSED",
  "AC_JOB_INVALID",
  "AC_JOB_TOO_LARGE",
  "AC_HOST_NOT_FOUND",
  "AC_JOB_NOT_FOUND",
  "AC_ATTEMPT_ELSEWHERE",
  "AC_WORKSPACE_MISSING",
  "AC_WORKER_UNKNOWN",
  "AC_WORKER_MISSING",
  "AC_WORKER_TOO_OLD",
  "AC_ADAPTER_MISSING",
  "AC_ADAPTER_INVALID",
  "AC_CAPABILITY_UNSUPPORTED",
  "AC_MODEL_UNPRICED",
  "AC_DAEMON_FILE",
  "AC_DAEMON_RUNNING",
  "AC_ADDRESS_UNAVAILABLE",
  "AC_API_HOST",
  "AC_API_NO_OPERATION",
  "AC_API_REQUEST",
  "AC_API_TOO_LARGE",
  "AC_TRIGGER_NOT_FOUND",
  "AC_EVENT_NOT_FOUND",
  "AC_FIRING_NOT_FOUND",
  "AC_TOPIC_UNKNOWN",
  "AC_EVENT_INVALID",
  "AC_TOKEN_NOT_FOUND",
  "AC_TRIGGERS_NONE",
  "AC_WORKFLOW_INVALID",
  "AC_WORKFLOW_INPUT",
  "AC_WORKFLOW_STEP",
  "AC_WORKFLOW_ONLY",
  "AC_WORKFLOW_OPEN",
  "AC_WORKFLOW_SECRET",
  "AC_WORKFLOW_PATH",
  "AC_WORKFLOW_BRANCH",
  "AC_WORKFLOW_RUN_NOT_FOUND",
  "AC_WORKFLOW_CHANGED",
]);

/** Codes that mean: the same call may work later. */
const unavailableCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "AC_STORE_UNAVAILABLE",
  "AC_STORE_GONE",
  "AC_API_UNREACHABLE",
  "AC_API_BUSY",
  "AC_API_TIMEOUT",
  "AC_EVENTS_BUSY",
]);

/** Codes that mean: the caller may not do it, or not now. */
const refusedCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "AC_API_UNAUTHORIZED",
  "AC_API_FORBIDDEN",
  "AC_WORKFLOW_NOT_ALLOWED",
  "AC_WORKFLOW_BUSY",
]);

/**
 * Prints the error and returns the exit code. With `json`, a line of type `error` goes to stdout as well. `command`: its words, for
 * the cure of a wrong call.
 */
export function reportError(
  error: unknown,
  io: Pick<Io, "stdout" | "stderr">,
  json: boolean,
  command = "",
): number {
  if (!isAgentCoreError(error)) {
    const internal = new AgentCoreError("AC_INTERNAL", `internal error: ${String(error)}${placeOf(error)}`);
    return reportError(internal, io, json);
  }
  const { code, message } = error;
  const cure = cureFor(error, command);
  io.stderr.write(`agentcore: ${message}\n  ${code}: ${cure}\n`);
  if (json) writeJsonError(io, error, cure);
  if (unavailableCodes.has(code)) return exitCodes.unavailable;
  if (refusedCodes.has(code)) return exitCodes.refused;
  if (code === "AC_TIMEOUT") return exitCodes.timedOut;
  return usageCodes.has(code) ? exitCodes.usage : exitCodes.failed;
}

const cureFor = ({ code }: AgentCoreError, command: string): string =>
  code === "AC_USAGE" && command !== "" ? `See agentcore help ${command}` : cureOf(code, "command line");

/** The innermost line of our code, for a bug report. */
function placeOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const [, place] = /^ +at .*?([^/() ]+:\d+:\d+)\)?$/m.exec(stack) ?? [];
  return place === undefined ? "" : ` (at ${place})`;
}

export function writeJsonError(
  io: Pick<Io, "stdout">,
  error: AgentCoreError,
  cure = cureOf(error.code, "command line"),
): void {
  io.stdout.json({ ...errorDocument(error), cure });
}
