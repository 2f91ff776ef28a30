/**
 * The catalogue of codes: every refusal, deferral, kill and retry carries one. `docs/error-codes.md` is generated from it.
 * A code is part of the public interface: its meaning never changes, and it is never given to something else.
 */
export interface ErrorCodeEntry {
  readonly meaning: string;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
  /** What to do about it. */
  readonly cure: string;
}

export const errorCodes = {
  // Usage and configuration
  AC_USAGE: {
    meaning: "The command line is wrong.",
    retryable: false,
    cure: "See `agentcore help` for the command.",
  },
  AC_CONFIG_INVALID: {
    meaning: "The configuration file is wrong.",
    retryable: false,
    cure: "Correct the file at the line named; `agentcore schema` prints what is allowed.",
  },
  AC_CONFIG_MISSING: {
    meaning: "The configuration file that was named is not there, or cannot be read.",
    retryable: false,
    cure: "Name an existing file with --config, or leave the option out.",
  },
  AC_CONFIG_EXPOSED: {
    meaning: "Another user of the machine can change the configuration file, or put another in its place.",
    retryable: false,
    cure: "Make the file and the directories above it yours and writable by you alone (chown, chmod go-w), or use a copy elsewhere.",
  },
  AC_JOB_INVALID: { meaning: "The job is wrong.", retryable: false, cure: "Correct the field named." },
  AC_JOB_TOO_LARGE: {
    meaning: "The job's payload is larger than 1 MiB.",
    retryable: false,
    cure: "Put large input in a file of the workspace and name it in the instructions.",
  },
  AC_WORKSPACE_MISSING: {
    meaning: "The workspace is not a directory.",
    retryable: false,
    cure: "Create it, or name another with --workspace.",
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
  AC_CAPABILITY_UNSUPPORTED: {
    meaning: "The worker cannot enforce a capability that was asked for.",
    retryable: false,
    cure: "Ask for capabilities that `agentcore doctor` lists for the worker.",
  },
  // Gate: rejected
  AC_ATTEMPTS_EXHAUSTED: {
    meaning: "All attempts are used up.",
    retryable: false,
    cure: "Replay the job with more attempts if it is worth it.",
  },
  AC_DEADLINE_PASSED: {
    meaning: "The moment after which the result is of no use has passed.",
    retryable: false,
    cure: "Submit again with a later deadline.",
  },
  AC_BUDGET_COST: {
    meaning: "A cost budget has too little left for the ceiling asked for.",
    retryable: true,
    cure: "Wait for the window to end, raise the budget, or ask for a lower ceiling; `agentcore budget` shows the levels.",
  },
  AC_BUDGET_TOKENS: {
    meaning: "A token budget has too little left.",
    retryable: true,
    cure: "Wait for the window to end or raise the budget.",
  },
  AC_CONTAINMENT_UNAVAILABLE: {
    meaning:
      "The job demands sealed containment and this machine offers best-effort only, or this machine can contain no worker at all.",
    retryable: false,
    cure: "`agentcore doctor` says what is missing.",
  },
  AC_GLOBAL_STOP: {
    meaning: "The runtime has stopped everything.",
    retryable: true,
    cure: "Read the escalation that says why; `agentcore doctor` shows it, a restart clears it.",
  },
  AC_DRAINING: {
    meaning: "The runtime is shutting down and grants no more permits.",
    retryable: true,
    cure: "Submit to the next runtime.",
  },
  // Gate: deferred
  AC_CONCURRENCY: {
    meaning: "As many runs as allowed are in progress.",
    retryable: true,
    cure: "Wait, or raise the concurrency limit named in the evidence.",
  },
  AC_START_RATE: {
    meaning: "Runs start as fast as allowed.",
    retryable: true,
    cure: "Wait, or raise the start rate named in the evidence.",
  },
  AC_BREAKER_OPEN: {
    meaning: "The worker or provider keeps failing; its circuit breaker is open.",
    retryable: true,
    cure: "Wait for the probe, or look at the failures that the evidence counts.",
  },
  AC_BREAKER_PROBING: {
    meaning: "A probe is finding out whether the worker or provider works again.",
    retryable: true,
    cure: "Wait for the probe to end.",
  },
  AC_GLOBAL_VALVE: {
    meaning: "So many breakers are open that nothing is started.",
    retryable: true,
    cure: "Look for a common cause, such as the network.",
  },
  AC_PROVIDER_PAUSED: {
    meaning: "The provider asked everybody to wait.",
    retryable: true,
    cure: "Wait; the pause ends on its own.",
  },
  AC_BACKPRESSURE: {
    meaning: "The machine is short of memory, disk or time.",
    retryable: true,
    cure: "Wait, or free what the evidence names.",
  },
  AC_WORKSPACE_LOCKED: {
    meaning: "Another run works in the same workspace.",
    retryable: true,
    cure: "Wait, or give the run a workspace of its own.",
  },
  AC_WORKER_ISOLATED: {
    meaning: "The watchdog has isolated this kind of worker.",
    retryable: true,
    cure: "Look at the failures that the evidence names; isolation ends after its cool-down.",
  },
  AC_WORKSPACE_ISOLATED: {
    meaning: "The watchdog has isolated this workspace, or an earlier run there could not be emptied.",
    retryable: true,
    cure: "Look at the run that the evidence names.",
  },
  AC_DEGRADED: {
    meaning: "Granted, but with less than was asked for.",
    retryable: true,
    cure: "See what was reduced; full grants return when the pressure ends.",
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
    cure: "Submit again if it is still wanted.",
  },
  AC_TIMEOUT: {
    meaning: "The run's wall-clock limit passed.",
    retryable: true,
    cure: "Give it more time with --timeout, or a smaller task.",
  },
  AC_STALLED: {
    meaning: "The worker was silent for too long with no tool call in flight.",
    retryable: true,
    cure: "Retry; raise the silence limit where the worker is known to think for long.",
  },
  AC_PROBE_STALLED: {
    meaning: "The task's probe found no progress as often as the task allows.",
    retryable: true,
    cure: "Read what the probe found; correct the task, or the probe where it is wrong.",
  },
  AC_PROBE_TERMINAL: {
    meaning: "The task's probe found a state that the worker cannot get out of.",
    retryable: false,
    cure: "Read what the probe found and remove the cause; trying again meets it again.",
  },
  AC_COST_CEILING: {
    meaning: "The run reached its cost ceiling and was stopped.",
    retryable: false,
    cure: "Raise --max-cost, or make the task smaller.",
  },
  AC_TOKEN_CEILING: {
    meaning: "The run reached its token ceiling and was stopped.",
    retryable: false,
    cure: "Raise the token limit, or make the task smaller.",
  },
  AC_UNCONTAINED: {
    meaning: "Processes of the run could not be ended; the workspace is quarantined.",
    retryable: false,
    cure: "End the processes that `agentcore doctor` names; the quarantine is lifted once they are gone.",
  },
  AC_RUNTIME_LOST: {
    meaning: "The runtime died during the run.",
    retryable: true,
    cure: "The attempt counts as lost and is retried by policy.",
  },
  AC_WORKER_EXIT: {
    meaning: "The worker ended with an exit code other than 0.",
    retryable: true,
    cure: "Read its output; the artifacts name the logs.",
  },
  AC_WORKER_SIGNAL: {
    meaning: "The worker was ended by a signal that AgentCore did not send.",
    retryable: true,
    cure: "Look for the out-of-memory killer or a crash in the worker's own log.",
  },
  AC_RUN_LIMIT: {
    meaning: "The run failed after it reached its limit of processes, memory or file size.",
    retryable: false,
    cure: "Raise the limit under `limits.run`, or give the task less to do at once.",
  },
  AC_WORKER_NO_RESULT: {
    meaning: "The worker exited without its terminal event.",
    retryable: true,
    cure: "Read its output; if its format has changed, update the adapter.",
  },
  AC_WORKER_OUTPUT: {
    meaning: "The worker's output is not what its adapter understands.",
    retryable: true,
    cure: "Compare the worker's version with the one the adapter supports.",
  },
  AC_WORKER_SPAWN: {
    meaning: "The worker's process could not be started.",
    retryable: true,
    cure: "See the system error in the message.",
  },
  AC_WORKER_ERROR: {
    meaning: "The worker reported an error.",
    retryable: true,
    cure: "See its message; the error class says whose fault it is.",
  },
  AC_TOOL_DENIED: {
    meaning: "The worker needed a tool that its capabilities do not allow.",
    retryable: false,
    cure: "Add the capability if the task may have it.",
  },
  AC_VERIFY_FAILED: {
    meaning: "The worker said it was done and the verify script failed.",
    retryable: true,
    cure: "Read the verify log among the artifacts.",
  },
  AC_OUTPUT_MISSING: {
    meaning: "A declared output is not there.",
    retryable: true,
    cure: "Have the task write it, or mark it optional.",
  },
  AC_PROVIDER_STATUS: {
    meaning: "The provider refused a request.",
    retryable: true,
    cure: "See the status in the message; the error class says whether to wait, pay, log in or correct the request.",
  },
  // Escalation
  AC_FAILURE_CONCENTRATION: {
    meaning: "Most recent runs of one worker, in one workspace or of all workers together failed.",
    retryable: true,
    cure: "Look at the failures that the evidence names.",
  },
  AC_CANCEL_SLOW: {
    meaning: "Runs take long to stop.",
    retryable: true,
    cure: "Look at what the workers leave behind; see the receipts.",
  },
  AC_RESTART_INTENSITY: {
    meaning: "The runtime was restarted as often as allowed and keeps dying.",
    retryable: false,
    cure: "Read the runtime's log; the scheduler takes no more jobs until it is restarted.",
  },
  // Storage and state
  AC_STORE_UNAVAILABLE: {
    meaning: "The state directory cannot be read or written just now.",
    retryable: true,
    cure: "Free disk space, correct the permissions named or end the process that holds the lock, then repeat the call; an `agentcore work` that runs goes on afterwards.",
  },
  AC_STORE_CORRUPT: {
    meaning: "The database is damaged.",
    retryable: false,
    cure: "The damaged file was kept aside as named; restore a backup or start with an empty state directory.",
  },
  AC_STORE_GONE: {
    meaning: "The database was removed or replaced while it was in use, so what is written to it is lost.",
    retryable: false,
    cure: "Put the state directory back, or start again on a new one; jobs submitted before are in the one that is gone.",
  },
  AC_STORE_NEWER: {
    meaning: "The database was written by a newer version.",
    retryable: false,
    cure: "Update AgentCore, or use another state directory.",
  },
  AC_STORE_OLDER: {
    meaning: "The database was written by a version so old that this one cannot bring it forward.",
    retryable: false,
    cure: "Use another state directory, or the version that wrote it.",
  },
  AC_JOB_NOT_FOUND: {
    meaning: "No job has that id.",
    retryable: false,
    cure: "`agentcore jobs list` shows the ids.",
  },
  AC_JOB_IN_RUN: {
    meaning: "The job is a step of a workflow run and is not run again on its own.",
    retryable: false,
    cure: "Resume the run: `agentcore workflow resume RUN`, or `agentcore workflow retry RUN` where it has failed.",
  },
  AC_KEY_HELD: {
    meaning: "A job with the same key is not finished, and the policy is to reject.",
    retryable: true,
    cure: "Wait for the job named, or submit with dedup coalesce or latest-wins.",
  },
  AC_SUPERSEDED: {
    meaning: "A newer job with the same key took this one's place.",
    retryable: false,
    cure: "Look at the job named in the evidence.",
  },
  AC_STALE_ATTEMPT: {
    meaning: "A result arrived for an attempt that is no longer the job's own; it was kept, not applied.",
    retryable: false,
    cure: "Nothing to do; `agentcore jobs show` lists late results.",
  },
  // Workflows
  AC_WORKFLOW_INVALID: {
    meaning: "The workflow file, or one that belongs to it, is wrong.",
    retryable: false,
    cure: "Correct the places named; `agentcore workflow validate` finds them all.",
  },
  AC_WORKFLOW_INPUT: {
    meaning: "The inputs given to a workflow are not those it declares.",
    retryable: false,
    cure: "Give them with --input NAME=VALUE, as the file's `inputs` say.",
  },
  AC_WORKFLOW_PATH: {
    meaning: "A path of a workflow leaves the workspace.",
    retryable: false,
    cure: "Name a path inside it; symbolic links must not lead out of it either.",
  },
  AC_WORKFLOW_GIT: {
    meaning: "A git command that a workflow needs failed.",
    retryable: false,
    cure: "Read git's own message, and put the repository in order.",
  },
  AC_GIT_MISSING: {
    meaning: "Git is needed and was not found.",
    retryable: false,
    cure: "Install git, or put it on PATH.",
  },
  AC_GIT_TIMEOUT: {
    meaning: "A git command took too long and was ended.",
    retryable: true,
    cure: "See what keeps it: a filter of the repository that hangs, a slow disk, a very large work tree.",
  },
  AC_GIT_FAILED: {
    meaning: "A git command could not be started, or did not run to its end.",
    retryable: true,
    cure: "Read the reason in the message.",
  },
  AC_WORKFLOW_BRANCH: {
    meaning: "The repository is not on a branch on which the workflow may work.",
    retryable: false,
    cure: "Check out the branch named, or see --base-branch, --protected-branches and --allow-protected-branch.",
  },
  AC_WORKFLOW_RUN_NOT_FOUND: {
    meaning: "No workflow run has that id.",
    retryable: false,
    cure: "`agentcore workflow list` shows the ids.",
  },
  AC_WORKFLOW_CHANGED: {
    meaning: "The workflow is not what it was when the run began.",
    retryable: false,
    cure: "Restore the files as they were, or start a new run.",
  },
  AC_WORKFLOW_ARTIFACT: {
    meaning: "An artifact that a step takes as its input is gone.",
    retryable: false,
    cure: "Put the context directory back and resume the run; or `agentcore workflow cancel RUN`, then `agentcore workflow retry RUN --from STEP` with the step that makes it.",
  },
  AC_WORKFLOW_CONTEXT: {
    meaning: "The context directory of a workflow cannot be written to.",
    retryable: false,
    cure: "Make it a directory that you may write to, or name another with context_dir.",
  },
  AC_WORKFLOW_ENDED: {
    meaning: "The workflow run has already ended.",
    retryable: false,
    cure: "Look at it with `agentcore workflow show RUN`; a failed one is begun again with `agentcore workflow retry RUN`.",
  },
  AC_WORKFLOW_RECORD: {
    meaning: "An entry of a workflow run's journal cannot be read.",
    retryable: false,
    cure: "Restore the state directory from a copy, or start a new run; the workspace is untouched.",
  },
  AC_WORKFLOW_TAKEN: {
    meaning: "Another process works on the same workflow run.",
    retryable: true,
    cure: "Wait for it, or end it; then resume the run.",
  },
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
    meaning: "No such method.",
    retryable: false,
    cure: "See docs/wire.md for the methods.",
  },
  AC_WIRE_NOT_READY: {
    meaning: "The handshake has not taken place, or the versions do not fit.",
    retryable: false,
    cure: "Send `initialize` first, with a version that the runtime supports.",
  },
  AC_INTERNAL: {
    meaning: "A fault of AgentCore itself.",
    retryable: true,
    cure: "Please report it with the log.",
  },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof errorCodes;

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(errorCodes, value);
}
