/**
 * The interface that the three implementations share once the payload is in its box: list processes, signal the payload,
 * kill everything, and check whether the box is empty. `contained-run.ts` uses it and does not need to know whether a box
 * is a PID namespace or a process group.
 */
import type { RunIdentity } from "@agentcore/contract";
import type { ContainedProcess } from "./port.ts";
import type { SignalOutcome } from "./proc.ts";
import type { RunLimitName } from "./run-limits.ts";

export interface Box {
  readonly identity: RunIdentity;
  /** The proof behind {@link isEmpty}: `cgroup`, `pid-namespace` or `process-group`. */
  readonly provedBy: string;
  /** The running payload and every process it started, without our wrapper and waiting script. */
  processes(): ContainedProcess[];
  /** Also `gone` before the payload is forked. */
  signalPayload(signal: NodeJS.Signals): SignalOutcome;
  /**
   * One pass of killing everything. Called with a growing number until {@link isEmpty}. Returns the signals that only this
   * pass sent, not earlier ones.
   */
  killAll(pass: number): string[];
  /** Whether no process is left, including our wrapper. */
  isEmpty(): boolean;
  /** The limits that the run reached, as far as the kernel counts that; see `Contained`. */
  limitsReached(): RunLimitName[];
  /** Releases the box's own resources. Called once, when the box is empty. */
  dispose(): void;
}
