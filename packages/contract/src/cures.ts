/**
 * What to do about an error code, in the words of the reader's entry point: options and commands for the command line,
 * options and functions for a program that uses the library.
 */
import { errorCodes, isErrorCode, type ErrorCode } from "./error-codes.ts";

export type EntryPoint = "command line" | "library";

/** Empty for a code that is not in the catalog. */
export function cureOf(code: string | null, entryPoint: EntryPoint): string {
  if (code === null || !isErrorCode(code)) return "";
  return (entryPoint === "library" ? libraryCures[code] : undefined) ?? errorCodes[code].cure;
}

/** Where the cure of the catalog names an option or a command of the command line. */
export const libraryCures: Readonly<Partial<Record<ErrorCode, string>>> = {
  AC_USAGE: "Correct the argument that the message names.",
  AC_CONFIG_INVALID: "Correct the setting of `config` that the message names.",
  AC_CONFIG_MISSING: "Name an existing file.",
  AC_WORKER_UNKNOWN: "Use a name that the message lists, or pass an adapter with that name in `adapters`.",
  AC_WORKER_MISSING:
    "Install the program, or set its path in `workers.NAME.program` of `config`; `npx agentcore doctor` says what was looked for.",
  AC_WORKER_TOO_OLD:
    "Update the program, or set the path of a newer one in `workers.NAME.program` of `config`.",
  AC_ARTIFACT_NOT_FOUND:
    "`showJob(id)` of the client returns the artifacts of each attempt. A directory is read on the machine that ran the attempt.",
  AC_JOB_UNFINISHED: "Wait for the end of the job first.",
  AC_CAPABILITY_UNSUPPORTED: "Request capabilities that the worker's adapter lists, or use another worker.",
  AC_BUDGET_COST:
    "Request a lower ceiling with `maxCostUsd`, raise the budget in `config`, or wait for its window to end if the request fits into a whole one; `runtime.load()` returns the levels.",
  AC_BUDGET_TOKENS:
    "Request a lower ceiling with `maxTokens`, raise the budget in `config`, or wait for its window to end if the request fits into a whole one; `runtime.load()` returns the levels.",
  AC_CONTAINMENT_UNAVAILABLE: "`npx agentcore doctor` says what is missing.",
  AC_GLOBAL_STOP:
    "Read the escalation with the reason; `close()` and another `createAgentCore()` clear the stop.",
  AC_DRAINING:
    "Call `createAgentCore()` again. A job that was stopped in its last attempt is a dead letter: `scheduler.deadLetters.replay(id)` queues it again; `maxAttempts: 2` allows a second attempt.",
  AC_TIMEOUT: "Allow more time with `timeoutMs`, or make the task smaller.",
  AC_STALLED: "Retry; raise `silenceTimeoutMs` if the worker needs long pauses.",
  AC_COST_CEILING: "Raise `maxCostUsd`, or make the task smaller.",
  AC_TOKEN_CEILING: "Raise `maxTokens`, or make the task smaller.",
  AC_UNCONTAINED:
    "Kill the processes that `npx agentcore doctor` names; the quarantine ends when they are gone.",
  AC_STORE_UNAVAILABLE:
    "Free disk space, correct the named permissions, end the process that holds the lock, start the database server, or use another `stateDir`; then repeat the call.",
  AC_STORE_REFUSED: "Correct the option `store` or the password in PGPASSWORD, or update the server.",
  AC_ATTEMPT_ELSEWHERE: "Read the files on the machine that ran the attempt.",
  AC_JOB_NOT_FOUND: "Check the id. Jobs that succeeded or were cancelled are deleted after `keep_ended`.",
  AC_JOB_IN_RUN:
    "Resume the run with `workflows.resume(id)`, or with `workflows.retry(id)` if it has failed.",
  AC_STALE_ATTEMPT: "Nothing to do; `scheduler.why(id)` returns late results.",
  AC_WORKFLOW_INVALID: "Correct the named places.",
  AC_WORKFLOW_INPUT: "Pass the inputs that the file declares under `inputs` in the option `inputs`.",
  AC_WORKFLOW_BRANCH: "Check out the named branch, or see the option `branch` of `workflows.run()`.",
  AC_WORKFLOW_RUN_NOT_FOUND: "`workflows.list()` returns the ids.",
  AC_WORKFLOW_ARTIFACT:
    "Put the context directory back and resume the run; or `workflows.cancel(id)`, then `workflows.retry(id, { from })` with the step that makes it.",
  AC_WORKFLOW_STEP: "Name one of its steps; `workflows.show(id)` returns them.",
  AC_WORKFLOW_SECRET: "Set the variable that the message names in `env` of `createAgentCore()`.",
  AC_WORKFLOW_ENDED:
    "`workflows.show(id)` says how it ended; `workflows.retry(id)` starts a failed run again.",
  AC_WORKFLOW_OPEN: "Go on with `workflows.resume(id)`, or end it with `workflows.cancel(id)`.",
  AC_WORKFLOW_NOT_WAITING: "`workflows.show(id)` returns the steps, and what each of them waits for.",
};
