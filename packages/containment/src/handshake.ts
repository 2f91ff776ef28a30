/**
 * The shell scripts that run first inside every box, with descriptor 3 as their line to this process. A script prints
 * `ready` when the box is complete and armed, and continues only after the reply `go`: if this process dies before that,
 * the read ends and the payload never runs. Both scripts need only a POSIX shell; they are tested with dash and bash. The
 * payload's stderr is descriptor 4, so that messages of the wrapper (util-linux complains when its child is killed) do not
 * mix with the payload's output.
 *
 * In a PID namespace, the script stays as PID 1: it reaps orphans of the payload, and the payload keeps the normal behavior
 * of signals, which PID 1 does not have. The script sets no traps: the kernel protects PID 1 without them, and a shell with
 * traps loses a signal that reaches its fork before the fork has reset them. The payload becomes the leader of its own
 * session, so that a `kill 0` in it reaches neither the script nor the box.
 */

/**
 * `ready` includes the number of the newest process: the payload gets the next one. The kernel tells it without starting a
 * process. The variables have names that no payload uses, because the script changes them.
 */
const wait = `
read -r agentcore_1 agentcore_1 agentcore_1 agentcore_1 agentcore_1 </proc/loadavg || agentcore_1=
echo "ready $agentcore_1" >&3
read -r agentcore_1 <&3 && [ "$agentcore_1" = go ] || exit 125`;

/**
 * The arguments are `setsid`, `--` and the payload. After the payload has exited, the script waits for this process, so
 * that leftover processes can be counted first. Its own stderr is the line: a shell prints a message about a child that was
 * killed by a signal and none about a child that exited, which distinguishes `exit 143` from a death by TERM.
 */
export const waitingScript = `${wait}
exec 2>&3 3>&-
(exec "$@" 2>&4 4>&-)
echo "exit $?" >&2
read -r agentcore_1 <&2
exit 0`;

/** The arguments are the payload, which replaces the script. */
export const replacingScript = `${wait}
exec 2>&4 3>&- 4>&-
exec "$@"`;

/** The state of the line. */
export type HandshakeState =
  | { readonly phase: "starting" }
  | {
      readonly phase: "ready";
      /** The highest process number that had been given out, in the numbers of the box; null if unknown. */
      readonly newestPid: number | null;
      readonly signalNoted: boolean;
    }
  | { readonly phase: "exited"; readonly status: number; readonly bySignal: boolean };

export const handshakeStart: HandshakeState = { phase: "starting" };

/** Returns the state after one more line. Lines without meaning in a state do not change it. */
export function afterLine(state: HandshakeState, line: string): HandshakeState {
  switch (state.phase) {
    case "starting": {
      const ready = /^ready (\d*)$/.exec(line);
      if (ready === null) return state;
      return { phase: "ready", newestPid: ready[1] === "" ? null : Number(ready[1]), signalNoted: false };
    }
    case "ready": {
      const exit = /^exit (\d+)$/.exec(line);
      if (exit === null) return { ...state, signalNoted: true };
      const status = Number(exit[1]);
      return { phase: "exited", status, bySignal: state.signalNoted && status > 128 };
    }
    case "exited":
      return state;
  }
}
