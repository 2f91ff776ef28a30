/**
 * The catalog of error codes: every refusal, deferral, kill and retry has one. `docs/error-codes.md` is generated from it.
 * Codes are part of the public interface: a code never changes its meaning and is never reused.
 */
import { daemonErrorCodes } from "./daemon-error-codes.ts";
import { apiErrorCodes } from "./api-error-codes.ts";
import { workflowErrorCodes } from "./workflow-error-codes.ts";

export interface ErrorCodeEntry {
  readonly meaning: string;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
  /** What the user can do about it. */
  readonly cure: string;
}

export const errorCodes = {
  // Usage and configuration
  AC_USAGE: {
    meaning: "The command line is wrong.",
    retryable: false,
    cure: "See `agentcore help` for the command.",
  },
  AC_OPTION_INVALID: {
    meaning: "An option that a program passed to a function of the library is wrong or unknown.",
    retryable: false,
    cure: "Correct the option that the message names.",
  },
  AC_NODE_UNSUPPORTED: {
    meaning: "The library was imported with a version of Node that lacks what it needs.",
    retryable: false,
    cure: "Run the program with Node 22.13 or newer.",
  },
  AC_CONFIG_INVALID: {
    meaning: "The configuration file is wrong.",
    retryable: false,
    cure: "Correct the named setting; `agentcore schema` prints what is allowed.",
  },
  AC_CONFIG_MISSING: {
    meaning: "The named configuration file does not exist, or cannot be read.",
    retryable: false,
    cure: "Name an existing file with --config, or leave the option out.",
  },
  AC_CONFIG_EXPOSED: {
    meaning: "Another user of the machine can change the configuration file, or replace it.",
    retryable: false,
    cure: "Own the file and the directories above it, and make them writable only by you (chown, chmod go-w), or use a copy elsewhere.",
  },
  AC_JOB_INVALID: { meaning: "The job is wrong.", retryable: false, cure: "Correct the named field." },
  AC_JOB_TOO_LARGE: {
    meaning: "The job's payload is larger than 1 MiB.",
    retryable: false,
    cure: "Put large input in a file of the workspace and name it in the instructions.",
  },
  AC_WORKSPACE_MISSING: {
    meaning: "The workspace does not exist or is not a directory.",
    retryable: false,
    cure: "Create the directory, or name another as the workspace.",
  },
  AC_WORKER_UNKNOWN: {
    meaning: "No adapter has that name.",
    retryable: false,
    cure: "Use a name that `agentcore doctor` lists, or load an adapter in the configuration.",
  },
  AC_WORKER_MISSING: {
    meaning: "The worker's program was not found.",
    retryable: false,
    cure: "Install it as `agentcore doctor` says, or set its path in the configuration.",
  },
  AC_WORKER_TOO_OLD: {
    meaning: "The worker's program is older than its adapter supports.",
    retryable: false,
    cure: "Update it as `agentcore doctor` says.",
  },
  AC_ADAPTER_MISSING: {
    meaning: "A configured adapter was not found.",
    retryable: false,
    cure: "Correct `workers.NAME.adapter`: a path is relative to the configuration file, a package must be installed beside it.",
  },
  AC_ADAPTER_INVALID: {
    meaning: "A configured adapter could not be loaded, or does not meet the contract.",
    retryable: false,
    cure: "Run the adapter's conformance suite; see docs/adapters.md.",
  },
  AC_MODEL_UNPRICED: {
    meaning:
      "The cost of the run could not be known, and the configuration refuses such runs (`unpriced: refuse`).",
    retryable: false,
    cure: "Name a model that has a price, set its price under `prices` in the configuration, or change `unpriced`.",
  },
  AC_SPEND_GATE_REQUIRED: {
    meaning:
      "The worker cannot use the spend gate in this run, and the configuration demands it (`spend_gate: required`).",
    retryable: false,
    cure: "Give the worker its key in an environment variable that `agentcore doctor` names, or set `workers.NAME.spend_gate: auto`; the run is then metered from its events.",
  },
  AC_CREDENTIAL_UNAVAILABLE: {
    meaning:
      "The credential of a provider could not be read: its variable is not set, its file is missing, or its command failed.",
    retryable: true,
    cure: "Correct `providers.NAME.credential` in the configuration, or what it names; run a command of it in a terminal to see why it fails.",
  },
  AC_CAPABILITY_UNSUPPORTED: {
    meaning: "The worker cannot enforce a requested capability.",
    retryable: false,
    cure: "Request capabilities that `agentcore doctor` lists for the worker.",
  },
  // Gate: rejected
  AC_ATTEMPTS_EXHAUSTED: {
    meaning: "All attempts are used up.",
    retryable: false,
    cure: "Replay the job with more attempts if you still need it.",
  },
  AC_DEADLINE_PASSED: {
    meaning: "The job's deadline has passed.",
    retryable: false,
    cure: "Submit again with a later deadline.",
  },
  AC_BUDGET_COST: {
    meaning: "A cost budget has too little left for the requested ceiling.",
    retryable: true,
    cure: "Request a lower ceiling with --max-cost, raise the budget, or wait for its window to end if the request fits into a whole one; `agentcore budget` shows the levels.",
  },
  AC_BUDGET_TOKENS: {
    meaning: "A token budget has too little left.",
    retryable: true,
    cure: "Request a lower ceiling with --max-tokens, raise the budget, or wait for its window to end if the request fits into a whole one; `agentcore budget` shows the levels.",
  },
  AC_CONTAINMENT_UNAVAILABLE: {
    meaning:
      "The job requires sealed containment but this machine has only best-effort containment, or this machine cannot contain workers at all.",
    retryable: false,
    cure: "`agentcore doctor` says what is missing.",
  },
  AC_GLOBAL_STOP: {
    meaning: "The runtime has stopped everything.",
    retryable: true,
    cure: "Read the escalation with the reason; `agentcore doctor` shows it, and a restart clears it.",
  },
  AC_DRAINING: {
    meaning:
      "The runtime or the scheduler is shutting down or closed: it takes no more work, and stops what runs.",
    retryable: true,
    cure: "Start `agentcore work`, or your own program, again. A job that was stopped in its last attempt is a dead letter: `agentcore dlq replay JOB` queues it again; `--max-attempts 2` (`maxAttempts: 2`) allows a second attempt.",
  },
  // Gate: deferred
  AC_CONCURRENCY: {
    meaning: "The maximum number of runs is in progress.",
    retryable: true,
    cure: "Wait, or raise the concurrency limit named in the evidence.",
  },
  AC_START_RATE: {
    meaning: "The maximum start rate is reached.",
    retryable: true,
    cure: "Wait, or raise the start rate named in the evidence.",
  },
  AC_BREAKER_OPEN: {
    meaning: "The worker or provider keeps failing; its circuit breaker is open.",
    retryable: true,
    cure: "Wait for the probe, or check the failures in the evidence.",
  },
  AC_BREAKER_PROBING: {
    meaning: "A probe is testing whether the worker or provider works again.",
    retryable: true,
    cure: "Wait for the probe to end.",
  },
  AC_GLOBAL_VALVE: {
    meaning: "Too many breakers are open, so no run is started.",
    retryable: true,
    cure: "Check for a common cause, such as the network.",
  },
  AC_PROVIDER_PAUSED: {
    meaning: "The provider asked its clients to wait.",
    retryable: true,
    cure: "Wait; the pause ends automatically.",
  },
  AC_BACKPRESSURE: {
    meaning: "The machine is short of memory, disk space or processor time.",
    retryable: true,
    cure: "Wait, or free the resource that the evidence names.",
  },
  AC_WORKSPACE_LOCKED: {
    meaning: "Another run works in the same workspace.",
    retryable: true,
    cure: "Wait, or give the run its own workspace.",
  },
  AC_WORKER_ISOLATED: {
    meaning: "The watchdog has isolated this kind of worker.",
    retryable: true,
    cure: "Check the failures in the evidence; the isolation ends after its cool-down.",
  },
  AC_WORKSPACE_ISOLATED: {
    meaning: "The watchdog has isolated this workspace, or an earlier run there could not be emptied.",
    retryable: true,
    cure: "Check the run that the evidence names.",
  },
  AC_DEGRADED: {
    meaning: "The request was granted with less than it asked for.",
    retryable: true,
    cure: "Check what was reduced; full grants return when the pressure ends.",
  },
  // Permit
  AC_PERMIT_INVALID: {
    meaning: "The permit was not issued by this runtime, was already used, or does not fit the task.",
    retryable: false,
    cure: "Request a permit and execute exactly the task that it was requested for.",
  },
  // Ends of a run
  AC_CANCELLED: {
    meaning: "The run was cancelled.",
    retryable: false,
    cure: "Submit the job again if you still need it.",
  },
  AC_TIMEOUT: {
    meaning: "The run reached its time limit.",
    retryable: true,
    cure: "Allow more time with --timeout (`timeoutMs`), or make the task smaller.",
  },
  AC_STALLED: {
    meaning:
      "The run showed no sign of life for too long. The message says what it waited for, and which limit of `watchdog` it reached.",
    retryable: true,
    cure: "Retry; raise that limit if the worker or its provider needs long pauses.",
  },
  AC_PROBE_STALLED: {
    meaning: "The task's probe found no progress several times in a row.",
    retryable: true,
    cure: "Read the probe's results; correct the task, or the probe if it is wrong.",
  },
  AC_PROBE_TERMINAL: {
    meaning: "The task's probe found a state from which the worker cannot recover.",
    retryable: false,
    cure: "Read the probe's results and remove the cause before you try again.",
  },
  AC_COST_CEILING: {
    meaning: "The run reached its cost ceiling and was stopped.",
    retryable: false,
    cure: "Raise --max-cost (`maxCostUsd`) or `limits.attempt.cost_usd`, or make the task smaller.",
  },
  AC_TOKEN_CEILING: {
    meaning: "The run reached its token ceiling and was stopped.",
    retryable: false,
    cure: "Raise the token limit, or make the task smaller.",
  },
  AC_CALL_CEILING: {
    meaning: "The run made as many requests to its provider as it may, and was stopped.",
    retryable: false,
    cure: "Raise `limits.attempt.calls` in the configuration, or make the task smaller.",
  },
  AC_LOOP_DETECTED: {
    meaning: "The worker sent the same request to its provider again and again, and was stopped.",
    retryable: true,
    cure: "Read the worker's output to see what it repeats; raise `limits.attempt.identical_calls` in the configuration if the task needs that.",
  },
  AC_UNCONTAINED: {
    meaning: "Processes of the run could not be killed; the workspace is quarantined.",
    retryable: false,
    cure: "Kill the processes that `agentcore doctor` names; the quarantine ends when they are gone.",
  },
  AC_RUNTIME_LOST: {
    meaning: "The runtime died during the run.",
    retryable: true,
    cure: "Nothing to do: the attempt counts as lost and is retried by policy.",
  },
  AC_LEASE_LOST: {
    meaning:
      "This host could not renew its lease on the shared store in time. It has stopped all that it ran, because another host may take over its jobs.",
    retryable: true,
    cure: "Check the connection to the store. The attempt counts as lost and is retried by policy; the host continues as soon as the store answers.",
  },
  AC_WORKER_EXIT: {
    meaning: "The worker exited with a code other than 0.",
    retryable: true,
    cure: "Read its output; the artifacts name the logs.",
  },
  AC_WORKER_SIGNAL: {
    meaning: "The worker was killed by a signal that AgentCore did not send.",
    retryable: true,
    cure: "Check the system log for the out-of-memory killer, and the worker's log for a crash.",
  },
  AC_RUN_LIMIT: {
    meaning: "The run failed after it reached its limit of processes, memory or file size.",
    retryable: false,
    cure: "Raise the limit under `limits.run`, or make the task smaller.",
  },
  AC_WORKER_NO_RESULT: {
    meaning: "The worker exited without its terminal event.",
    retryable: true,
    cure: "Read its output; if its format has changed, update the adapter.",
  },
  AC_WORKER_OUTPUT: {
    meaning: "The adapter does not understand the worker's output.",
    retryable: true,
    cure: "Compare the worker's version with the one the adapter supports.",
  },
  AC_WORKER_SPAWN: {
    meaning: "The worker's process could not be started.",
    retryable: true,
    cure: "Correct the system error named in the message.",
  },
  AC_WORKER_ERROR: {
    meaning: "The worker reported an error.",
    retryable: true,
    cure: "Read the worker's message; the error class says where the fault is.",
  },
  AC_TOOL_DENIED: {
    meaning: "The worker needed a tool that its capabilities do not allow.",
    retryable: false,
    cure: "Add the capability if the task should have it.",
  },
  AC_VERIFY_FAILED: {
    meaning: "The worker reported success, but the verify script failed.",
    retryable: true,
    cure: "Correct the work or the verify script; the verify log among the artifacts has all that the script printed.",
  },
  AC_OUTPUT_MISSING: {
    meaning: "A declared output is missing.",
    retryable: true,
    cure: "Name the path in the instructions, so that the worker writes it. `optional: true` in a job or workflow file allows it to be missing.",
  },
  AC_PROVIDER_STATUS: {
    meaning: "The provider refused a request.",
    retryable: true,
    cure: "Read the status in the message; the error class says whether to wait, pay, log in or correct the request.",
  },
  // Escalation
  AC_FAILURE_CONCENTRATION: {
    meaning: "Most recent runs of one worker, in one workspace or of all workers together failed.",
    retryable: true,
    cure: "Check the failures in the evidence.",
  },
  AC_SPEND_GATE_KEY: {
    meaning:
      "The spend gate refused a request because of its key: it is missing, unknown, or its permit has ended.",
    retryable: false,
    cure: "Find the process that sent it: the evidence says whose key it was, and `agentcore doctor` names processes that are left of ended runs.",
  },
  AC_CANCEL_SLOW: {
    meaning: "Runs take too long to stop.",
    retryable: true,
    cure: "Check in the receipts which processes the workers leave behind.",
  },
  AC_RESTART_INTENSITY: {
    meaning: "The runtime keeps dying and has used up its restarts.",
    retryable: false,
    cure: "Read the runtime's log; the scheduler starts no jobs until it is restarted.",
  },
  // Storage and state
  AC_STORE_UNAVAILABLE: {
    meaning: "The state directory, or the shared store, cannot be read or written at the moment.",
    retryable: true,
    cure: "Free disk space, correct the named permissions, end the process that holds the lock, start the database server, or use another directory with --state-dir; then repeat the call. A running `agentcore work` continues afterwards.",
  },
  AC_STORE_REFUSED: {
    meaning:
      "The shared store does not accept the user, the password or the name of the database, its server is too old, or its schema has other tables.",
    retryable: false,
    cure: "Correct AGENTCORE_STORE, `store` in agentcore.yaml or the password in PGPASSWORD, or update the server.",
  },
  AC_STORE_CORRUPT: {
    meaning: "The database is damaged.",
    retryable: false,
    cure: "Restore a backup, or start with an empty state directory; the message names the copy of the damaged file.",
  },
  AC_STORE_GONE: {
    meaning: "The database was removed or replaced while it was in use, so writes to it are lost.",
    retryable: false,
    cure: "Put the state directory back, or start again on a new one; the earlier jobs are in the one that is gone.",
  },
  AC_STORE_NEWER: {
    meaning: "The database was written by a newer version.",
    retryable: false,
    cure: "Update AgentCore, or use another state directory.",
  },
  AC_STORE_OLDER: {
    meaning: "The database was written by a version too old to upgrade from.",
    retryable: false,
    cure: "Use another state directory, or the version that wrote it.",
  },
  AC_HOST_NOT_FOUND: {
    meaning: "No host of that name works on the queue.",
    retryable: false,
    cure: "`agentcore hosts` shows the names.",
  },
  AC_JOB_NOT_FOUND: {
    meaning: "No job has that id.",
    retryable: false,
    cure: "`agentcore jobs list` shows the ids.",
  },
  AC_ARTIFACT_NOT_FOUND: {
    meaning: "The attempt has no artifact of that name, or what it names is no file of the attempt any more.",
    retryable: false,
    cure: "`agentcore jobs show JOB` lists the artifacts of each attempt. A directory is read on the machine that ran the attempt.",
  },
  AC_ATTEMPT_ELSEWHERE: {
    meaning: "The logs and artifacts of the attempt are on another machine of the shared store.",
    retryable: false,
    cure: "Ask on the machine that ran it; `agentcore jobs show JOB` has what the store keeps of each attempt.",
  },
  AC_JOB_UNFINISHED: {
    meaning: "The job has not ended, so it has no result yet.",
    retryable: true,
    cure: "Wait for it: `agentcore jobs wait JOB`.",
  },
  AC_JOB_IN_RUN: {
    meaning: "The job is a step of a workflow run and cannot be run again separately.",
    retryable: false,
    cure: "Resume the run: `agentcore workflow resume RUN`, or `agentcore workflow retry RUN` if it has failed.",
  },
  AC_KEY_HELD: {
    meaning: "An unfinished job has the same key, and the dedup policy is reject.",
    retryable: true,
    cure: "Wait for the named job, or submit with the dedup policy `coalesce` or `latest-wins`.",
  },
  AC_SUPERSEDED: {
    meaning: "A newer job with the same key replaced this one.",
    retryable: false,
    cure: "Check the job that the evidence names.",
  },
  AC_STALE_ATTEMPT: {
    meaning: "A result arrived for an attempt that is no longer current; it was kept but not applied.",
    retryable: false,
    cure: "Nothing to do; `agentcore jobs show` lists late results.",
  },
  // Workflows
  ...workflowErrorCodes,
  // Daemon
  ...daemonErrorCodes,
  // API
  ...apiErrorCodes,
  // Wire
  AC_WIRE_MALFORMED: {
    meaning: "A message is not valid.",
    retryable: false,
    cure: "See docs/wire.md for the messages.",
  },
  AC_WIRE_TOO_LARGE: {
    meaning: "A message is larger than 8 MiB.",
    retryable: false,
    cure: "Send less in one message.",
  },
  AC_WIRE_UNKNOWN_METHOD: {
    meaning: "The method does not exist.",
    retryable: false,
    cure: "See docs/wire.md for the methods.",
  },
  AC_WIRE_NOT_READY: {
    meaning: "The handshake has not taken place, or no protocol version is supported by both sides.",
    retryable: false,
    cure: "Send `initialize` first, with a version that the runtime supports.",
  },
  AC_INTERNAL: {
    meaning: "An internal error of AgentCore.",
    retryable: true,
    cure: "Please report it with the log.",
  },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof errorCodes;

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(errorCodes, value);
}
