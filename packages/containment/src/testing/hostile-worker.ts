/**
 * A worker that does what it can to leave something behind, as a shell script that needs util-linux and nothing else:
 *
 * - `a` a plain child
 * - `b` a child in a session of its own
 * - `c` a daemon by double fork: own session, deaf to every signal that can be ignored, no open files, in `/`
 * - `d` the same with an empty environment
 * - `e` a hopper: forks, changes session and exits, over and over, so that no snapshot of it is ever true
 *
 * Every process of it carries a token among its arguments, where it can be found from outside even with an empty
 * environment, and ends by itself after some minutes in case a test leaks it.
 */
import type { ContainedCommand } from "../port.ts";

export const hostileKinds = "abcde";

/** What the worker does once its children are there. */
export type HostileEnding =
  /** Exits with 0 and leaves them. */
  | "exits"
  /** Stays, and dies of TERM. */
  | "stays"
  /** Stays, and ignores TERM. */
  | "stays-deaf";

export interface HostileOptions {
  /** Digits only, unique to the run. */
  readonly token: string;
  readonly ending: HostileEnding;
  /** Which of {@link hostileKinds}; default all. */
  readonly kinds?: string;
}

/** The line that the worker prints when all its children have been started. */
export const armedLine = "armed";

const script = `
token=$1 kinds=$2 ending=$3
sleep=$(command -v sleep)
nap="$sleep 300.$token"
deaf="trap '' HUP INT QUIT TERM USR1 USR2 ALRM PIPE TSTP TTIN TTOU; cd /; exec 0<&- 1>&- 2>&-; exec $nap"
hop='[ "$3" -gt 0 ] || exit 0; setsid /bin/sh -c "$1" hop "$1" "$2" $(($3 - 1)) &'
case $kinds in *a*) $nap & ;; esac
case $kinds in *b*) setsid $nap & ;; esac
case $kinds in *c*) (setsid /bin/sh -c "$deaf" deaf "$token" &) ;; esac
case $kinds in *d*) (setsid env -i /bin/sh -c "$deaf" deaf "$token" &) ;; esac
case $kinds in *e*) (setsid /bin/sh -c "$hop" hop "$hop" "$token" 20000 &) ;; esac
echo ${armedLine}
case $ending in
  exits) $sleep 0.02; exit 0 ;;
  stays-deaf) trap '' TERM ;;
esac
while :; do $nap; done`;

export function hostileCommand(options: HostileOptions): Pick<ContainedCommand, "command" | "args"> {
  const { token, ending, kinds = hostileKinds } = options;
  return { command: "/bin/sh", args: ["-c", script, "hostile", token, kinds, ending] };
}
