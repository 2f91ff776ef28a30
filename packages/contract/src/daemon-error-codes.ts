/** The part of the catalog that is about the daemon. */

export const daemonErrorCodes = {
  AC_DAEMON_FILE: {
    meaning: "The daemon file is not valid.",
    retryable: false,
    cure: "Correct the places that the message names; `agentcore daemon validate FILE` checks the file.",
  },
  AC_DAEMON_RUNNING: {
    meaning: "Another daemon uses the state directory.",
    retryable: false,
    cure: "End the process that the message names, or use another `state_dir`.",
  },
  AC_TRIGGER_NOT_FOUND: {
    meaning: "The daemon file has no trigger of that name.",
    retryable: false,
    cure: "`agentcore trigger list` shows the triggers.",
  },
  AC_EVENT_NOT_FOUND: {
    meaning: "No event has that id, or its time of retention is over.",
    retryable: false,
    cure: "`agentcore trigger show` lists the latest events of a trigger.",
  },
  AC_FIRING_NOT_FOUND: {
    meaning: "No firing with that id waits or runs.",
    retryable: false,
    cure: "`agentcore trigger show` lists the firings of a trigger.",
  },
} as const;
