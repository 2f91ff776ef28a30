/**
 * What the three implementations have in common once the payload is in its box: look in, signal the payload, kill all,
 * and say whether it is empty. `contained-run.ts` drives it; the differences between a PID namespace and a process group
 * end here.
 */
import type { RunIdentity } from "@agentcore/contract";
import type { ContainedProcess } from "./port.ts";
import type { SignalOutcome } from "./proc.ts";
import type { RunLimitName } from "./run-limits.ts";

export interface Box {
  readonly identity: RunIdentity;
  /** How {@link isEmpty} knows: `cgroup`, `pid-namespace` or `process-group`. */
  readonly provedBy: string;
  /** The payload and everything it started that runs now, without our own wrapper and waiting script. */
  processes(): ContainedProcess[];
  /** `gone` also while the payload has not been forked yet. */
  signalPayload(signal: NodeJS.Signals): SignalOutcome;
  /**
   * One pass of killing everything; called again, with a growing number, until {@link isEmpty}. Returns the names of
   * signals that this pass sent and the ones before did not.
   */
  killAll(pass: number): string[];
  /** Whether nothing runs any more, our own wrapper included. */
  isEmpty(): boolean;
  /** The limits that the run came up against, as far as the kernel counts that; see `Contained`. */
  limitsReached(): RunLimitName[];
  /** Gives back what the box itself took. Called once, when it is empty. */
  dispose(): void;
}
