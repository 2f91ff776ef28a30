/**
 * Decides the outcome of a run. Pure: everything known about the ended run goes in; outcome, class, code and a summary for
 * people come out. Exit code 0 is a claim, not a success: every worker is known to exit with 0 after a denied tool, a
 * failed tool or a swallowed error.
 *
 * | in this order                                 | outcome            | class              | code                 |
 * |-----------------------------------------------|--------------------|--------------------|----------------------|
 * | processes survived, run was not being stopped | failed             | internal           | AC_UNCONTAINED       |
 * | it was stopped: by the cause's kind           | cancelled, …       | cancelled, …       | the cause's (*)      |
 * | AgentCore itself failed                       | failed             | internal           | AC_INTERNAL          |
 * | it never started                              | by the class (**)  | the failure's      | the failure's        |
 * | the adapter's reader failed                   | failed             | worker_protocol    | AC_ADAPTER_INVALID   |
 * | a failure below that is no provider's, of a run that reached a limit of its own | failed | task_failed | AC_RUN_LIMIT |
 * | the worker reported an error                  | failed             | the error's        | AC_PROVIDER_STATUS or AC_WORKER_ERROR |
 * | terminal event `error`, without an error      | failed             | permission_denied if a tool was denied, else task_failed | AC_TOOL_DENIED / AC_WORKER_ERROR |
 * | ended by a signal of somebody else            | failed             | worker_crashed     | AC_WORKER_SIGNAL     |
 * | no terminal event, a tool was denied          | failed             | permission_denied  | AC_TOOL_DENIED       |
 * | no terminal event, unreadable lines           | failed             | worker_protocol    | AC_WORKER_OUTPUT     |
 * | no terminal event, exit 0                     | failed             | worker_protocol    | AC_WORKER_NO_RESULT  |
 * | exit not 0: the worker has no terminal event  | failed             | task_failed        | AC_WORKER_EXIT       |
 * | exit not 0: it has one (come or not)          | failed             | worker_crashed     | AC_WORKER_EXIT       |
 * | a declared output is missing                  | failed             | task_failed        | AC_OUTPUT_MISSING    |
 * | the verify script could not be started        | failed             | the failure's      | the failure's        |
 * | the verify script failed                      | failed             | task_failed        | AC_VERIFY_FAILED     |
 * | a tool was denied, and nothing shows the work | failed             | permission_denied  | AC_TOOL_DENIED       |
 * | otherwise                                     | succeeded          | –                  | –                    |
 *
 * A worker that reported its end and did not exit is ended by the runner, and judged as if it had exited with code 0.
 *
 * (*) AC_UNCONTAINED if processes survived the stop: the outcome stays that of the cause, so that a cancelled job is not
 * retried, and the code names the more serious problem.
 *
 * (**) budget_exhausted for the class budget_exhausted, failed for any other; likewise of an error that the worker reported.
 *
 * Evidence of work after a denied tool: a change in the workspace, a verify script that passed, or a declared output that
 * was written during the run. With any of them, the run succeeds in spite of the denial, and the summary names the tool.
 * Without them, a worker's "done" is not believed: otherwise a run that was allowed nothing would count as one that had
 * nothing to do.
 */
import type {
  ErrorClass,
  ErrorCode,
  Outcome,
  StopCause,
  WorkerError,
  WorkerReport,
} from "@agentcore/contract";
import { oneLine } from "./event-text.ts";

/** The exit of the worker's process. An exit code `128 + n` of a shell or an init counts as signal n. */
export type WorkerExit =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signaled"; readonly signal: string }
  | { readonly kind: "not_started"; readonly failure: StartFailure };

export interface StartFailure {
  readonly class: ErrorClass;
  readonly code: ErrorCode;
  readonly message: string;
}

export type VerifyOutcome =
  | { readonly kind: "not_run" }
  | { readonly kind: "passed" }
  | { readonly kind: "failed"; readonly reason: string }
  /** Our fault, not the task's. */
  | { readonly kind: "not_started"; readonly failure: StartFailure };

export interface VerdictInput {
  /** The cause that ended the run from outside before the worker ended on its own, if any. */
  readonly stop: StopCause | null;
  readonly exit: WorkerExit;
  /** Null if the adapter's reader threw; `readerFailure` says why. */
  readonly report: WorkerReport | null;
  readonly readerFailure: string | null;
  /** An internal error of AgentCore while the worker ran; null for none. */
  readonly internalFailure: string | null;
  /** Null: unknown. */
  readonly workspaceChanged: boolean | null;
  /** Declared outputs that were written during the run. */
  readonly outputsWritten: number;
  /** Declared outputs that are missing, each with the reason. */
  readonly outputsMissing: readonly string[];
  readonly verify: VerifyOutcome;
  readonly survivors: number;
  /** Limits of processes, memory and file size that the run is known to have reached, as text. */
  readonly limitsReached: readonly string[];
  /** Last lines of stderr: the reason, if the worker gave none. */
  readonly stderrTail: string;
}

export interface Verdict {
  readonly outcome: Outcome;
  readonly errorClass: ErrorClass | null;
  readonly code: ErrorCode | null;
  readonly retryAfterMs: number | null;
  readonly summary: string;
}

export function verdict(input: VerdictInput): Verdict {
  return judgeRun(input) ?? judgeWork(input);
}

/** Whether the run counts as a success so far, so that outputs and the verify script are worth checking. */
export function claimsSuccess(input: VerdictInput): boolean {
  return judgeRun(input) === null;
}

/** The error of the run itself; null if the worker exited properly and claims success. */
function judgeRun(input: VerdictInput): Verdict | null {
  if (input.stop !== null) return stopped(input.stop, input.survivors);
  if (input.survivors > 0) return failed("internal", "AC_UNCONTAINED", uncontainedText(input.survivors));
  if (input.internalFailure !== null) {
    return failed("internal", "AC_INTERNAL", `internal error: ${input.internalFailure}`);
  }
  if (input.exit.kind === "not_started") {
    const { class: errorClass, code, message } = input.exit.failure;
    return failed(errorClass, code, message);
  }
  if (input.report === null) {
    return failed(
      "worker_protocol",
      "AC_ADAPTER_INVALID",
      `the adapter failed while reading the output: ${input.readerFailure ?? "no reason known"}`,
    );
  }
  const judged = judgeWorker(input, input.report, input.exit);
  if (judged === null || input.limitsReached.length === 0 || !mayComeOfLimit(judged)) return judged;
  return failed("task_failed", "AC_RUN_LIMIT", `${input.limitsReached.join("; ")}: ${judged.summary}`);
}

/** Refusals of a provider or a tool are not caused by a memory limit. */
function mayComeOfLimit({ errorClass }: Verdict): boolean {
  return errorClass === "worker_crashed" || errorClass === "worker_protocol" || errorClass === "task_failed";
}

const stopOutcomes: Readonly<Record<StopCause["kind"], { outcome: Outcome; errorClass: ErrorClass }>> = {
  cancelled: { outcome: "cancelled", errorClass: "cancelled" },
  isolated: { outcome: "cancelled", errorClass: "cancelled" },
  deadline: { outcome: "timed_out", errorClass: "timeout" },
  stalled: { outcome: "stalled", errorClass: "stalled" },
  budget: { outcome: "budget_exhausted", errorClass: "budget_exhausted" },
  runtime_lost: { outcome: "lost", errorClass: "lost" },
};

function stopped(stop: StopCause, survivors: number): Verdict {
  const { outcome, errorClass } = stopOutcomes[stop.kind];
  const uncontained = survivors > 0;
  return {
    outcome,
    errorClass,
    code: uncontained ? "AC_UNCONTAINED" : stop.code,
    retryAfterMs: null,
    summary: uncontained ? `${stop.message}; ${uncontainedText(survivors)}` : stop.message,
  };
}

/** The failure that the worker reports, by its report and its exit; null if both claim success. */
function judgeWorker(
  input: VerdictInput,
  report: WorkerReport,
  exit: Exclude<WorkerExit, { kind: "not_started" }>,
): Verdict | null {
  if (report.error !== null) return failedByReport(report.error, report.deniedTools);
  if (report.terminal === "error") return denied(report, "gave up") ?? workerError(report, input.stderrTail);
  if (exit.kind === "signaled") {
    return failed(
      "worker_crashed",
      "AC_WORKER_SIGNAL",
      withTail(`ended by ${exit.signal}`, input.stderrTail),
    );
  }
  if (report.terminal === "none") {
    return denied(report, "stopped") ?? noTerminalEvent(report, exit.code, input.stderrTail);
  }
  if (exit.code === 0) return null;
  return report.terminal === "success"
    ? failed(
        "worker_crashed",
        "AC_WORKER_EXIT",
        withTail(`said it had succeeded, then ${exitText(exit.code)}`, input.stderrTail),
      )
    : failed("task_failed", "AC_WORKER_EXIT", withTail(exitText(exit.code), input.stderrTail));
}

function noTerminalEvent(report: WorkerReport, exitCode: number, stderrTail: string): Verdict {
  if (report.malformedLines > 0) {
    const lines = report.malformedLines === 1 ? "1 line" : `${report.malformedLines} lines`;
    return failed(
      "worker_protocol",
      "AC_WORKER_OUTPUT",
      withTail(`${exitText(exitCode)} after ${lines} that the adapter cannot read`, stderrTail),
    );
  }
  return exitCode === 0
    ? failed(
        "worker_protocol",
        "AC_WORKER_NO_RESULT",
        withTail("exited with code 0 but reported no result", stderrTail),
      )
    : failed("worker_crashed", "AC_WORKER_EXIT", withTail(`${exitText(exitCode)} and no result`, stderrTail));
}

type LastWords = Pick<WorkerReport, "summary" | "deniedTools">;

/** Checks the work after the worker claims success. */
function judgeWork(input: VerdictInput): Verdict {
  const words: LastWords = input.report ?? { summary: "", deniedTools: [] };
  if (input.outputsMissing.length > 0) {
    return failed("task_failed", "AC_OUTPUT_MISSING", `missing output: ${input.outputsMissing.join("; ")}`);
  }
  if (input.verify.kind === "not_started") {
    const { class: errorClass, code, message } = input.verify.failure;
    return failed(errorClass, code, `the verify script could not be started: ${message}`);
  }
  if (input.verify.kind === "failed") {
    return failed("task_failed", "AC_VERIFY_FAILED", `the verify script ${input.verify.reason}`);
  }
  const shown = input.workspaceChanged === true || input.verify.kind === "passed" || input.outputsWritten > 0;
  if (!shown) {
    const refused = denied(words, "changed nothing");
    if (refused !== null) return refused;
  }
  const summary = words.summary === "" ? "exited with code 0" : words.summary;
  return {
    outcome: "succeeded",
    errorClass: null,
    code: null,
    retryAfterMs: null,
    summary:
      words.deniedTools.length === 0
        ? summary
        : `${summary}\n(refused on the way: ${names(words.deniedTools)})`,
  };
}

/** Classes that come from a provider's response, even if the worker prints its text and not its status. */
const refusedByProvider: ReadonlySet<ErrorClass> = new Set([
  "rate_limited",
  "quota_exhausted",
  "provider_unavailable",
]);

function failedByReport(error: WorkerError, deniedTools: readonly string[]): Verdict {
  const status = error.status === null ? "" : ` (status ${error.status})`;
  const also = deniedTools.length === 0 ? "" : `; refused on the way: ${names(deniedTools)}`;
  const code =
    error.class === "permission_denied"
      ? "AC_TOOL_DENIED"
      : error.status !== null || refusedByProvider.has(error.class)
        ? "AC_PROVIDER_STATUS"
        : "AC_WORKER_ERROR";
  return {
    outcome: outcomeOf(error.class),
    errorClass: error.class,
    code: error.class === "budget_exhausted" ? "AC_COST_CEILING" : code,
    retryAfterMs: error.retryAfterMs,
    summary: `${error.message}${error.message.includes(String(error.status)) ? "" : status}${also}`,
  };
}

function workerError(report: WorkerReport, stderrTail: string): Verdict {
  const text = report.summary === "" ? withTail("the worker reported an error", stderrTail) : report.summary;
  return failed("task_failed", "AC_WORKER_ERROR", text);
}

/** The refusal of a tool as the reason, if one was refused. */
function denied(report: LastWords, then: string): Verdict | null {
  if (report.deniedTools.length === 0) return null;
  const words = report.summary === "" ? "" : `: ${oneLine(report.summary, 500)}`;
  return failed(
    "permission_denied",
    "AC_TOOL_DENIED",
    `the worker was refused ${names(report.deniedTools)} and ${then}${words}`,
  );
}

function failed(errorClass: ErrorClass, code: ErrorCode, summary: string): Verdict {
  return { outcome: outcomeOf(errorClass), errorClass, code, retryAfterMs: null, summary };
}

const outcomeOf = (errorClass: ErrorClass): Outcome =>
  errorClass === "budget_exhausted" ? "budget_exhausted" : "failed";

function uncontainedText(survivors: number): string {
  return `${survivors === 1 ? "1 process" : `${survivors} processes`} of the run could not be ended`;
}

function exitText(code: number): string {
  if (code === 126) return "exited with code 126 (a command could not be executed)";
  if (code === 127) return "exited with code 127 (a command was not found)";
  return `exited with code ${code}`;
}

function names(tools: readonly string[]): string {
  return [...new Set(tools)].join(", ");
}

function withTail(text: string, stderrTail: string): string {
  const tail = stderrTail.trim();
  return tail === "" ? text : `${text}: ${tail}`;
}
