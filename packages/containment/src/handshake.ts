/**
 * The first thing that runs inside every box is one of the two shell scripts below, with descriptor 3 as its line to us.
 * It says `ready` when the box around it is complete and armed, and goes on only after the answer `go`: if this process
 * dies before that, the read ends and the payload never runs. Both scripts need nothing but a POSIX shell; every word
 * of them was tried with dash and bash. The payload's stderr comes as descriptor 4, because what the wrapper has to say
 * (util-linux complains when its child is killed) must not end up among the payload's words.
 *
 * In a PID namespace the script stays as PID 1: it reaps what the payload abandons, and the payload keeps the ordinary
 * behaviour of signals, which PID 1 does not have. It sets no traps: the kernel protects PID 1 without them, and a shell
 * with traps forgets a signal that reaches its fork before that has put them back. The payload becomes the leader of a
 * session of its own, so that a `kill 0` there reaches neither the script nor the box.
 */

/**
 * The number of the newest process so far comes with `ready`: the payload is the next one. The kernel says it without a
 * process being started for it. Variables have names that no payload's environment has, which would be changed else.
 */
const wait = `
read -r agentcore_1 agentcore_1 agentcore_1 agentcore_1 agentcore_1 </proc/loadavg || agentcore_1=
echo "ready $agentcore_1" >&3
read -r agentcore_1 <&3 && [ "$agentcore_1" = go ] || exit 125`;

/**
 * Its arguments are `setsid`, `--` and the payload. After the payload the script waits to be told, so that what was left
 * behind can be counted first. Its own stderr is the line to us: a shell writes a word about a child that was killed by
 * a signal, and none about one that exited, which tells `exit 143` from a death by TERM.
 */
export const waitingScript = `${wait}
exec 2>&3 3>&-
(exec "$@" 2>&4 4>&-)
echo "exit $?" >&2
read -r agentcore_1 <&2
exit 0`;

/** Its arguments are the payload, which takes the place of the script. */
export const replacingScript = `${wait}
exec 2>&4 3>&- 4>&-
exec "$@"`;

/** What the line has said so far. */
export type HandshakeState =
  | { readonly phase: "starting" }
  | {
      readonly phase: "ready";
      /** The highest process number that had been given out, in the numbers of the box; null where it is not known. */
      readonly newestPid: number | null;
      readonly signalNoted: boolean;
    }
  | { readonly phase: "exited"; readonly status: number; readonly bySignal: boolean };

export const handshakeStart: HandshakeState = { phase: "starting" };

/** The state after one more line. Lines that mean nothing in a state leave it as it is. */
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
