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
  AC_ADDRESS_UNAVAILABLE: {
    meaning: "An address cannot be listened on: another process has the port, or this user may not use it.",
    retryable: true,
    cure: "Use another port, or end the process that has this one; `ss -ltnp` shows it.",
  },
  AC_TOPIC_UNKNOWN: {
    meaning: "No event of the daemon file listens to that topic.",
    retryable: false,
    cure: "Name a topic of an event with `type: queue`.",
  },
  AC_EVENT_INVALID: {
    meaning: "An event is not JSON, is too large or too deep, or its key or chain is not valid.",
    retryable: false,
    cure: "Send less, or what the message names; put large data in a file and send its path.",
  },
  AC_EVENTS_BUSY: {
    meaning: "More events are being stored than may be at once.",
    retryable: true,
    cure: "Send the event again after a moment.",
  },
  AC_WATCH_LIMIT: {
    meaning: "More files are to be watched than the system or the daemon allows.",
    retryable: false,
    cure: "Name fewer files under `paths`, name large directories under `ignore`, or raise `fs.inotify.max_user_watches` with sysctl.",
  },
} as const;
