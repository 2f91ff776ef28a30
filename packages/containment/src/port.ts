/**
 * The port of containment: starts one command so that no process of it can stay behind. There are three implementations
 * (`bubblewrap`, `unshare`, `process-group`); `openContainment` picks one with a probe. Stages of a run: `start` (boxed and
 * waiting) → `go` (released) → the payload exits or is cancelled → leftovers are killed → emptiness is proved → receipt.
 * The usual caller is the runner of `@agentcore/worker-kit`.
 */
import type { Readable, Writable } from "node:stream";
import type { CancelSignal, ContainmentLevel, ContainmentReceipt, RunIdentity } from "@agentcore/contract";
import type { LimitsEnforced, RunLimitName, RunLimits } from "./run-limits.ts";

export const implementationNames = ["bubblewrap", "unshare", "process-group"] as const;
export type ImplementationName = (typeof implementationNames)[number];

/** Environment variable that identifies a run's processes from outside; set by {@link Containment.start}. */
export const markerVariable = "AGENTCORE_RUN_ID";

/** A command to run contained, without a shell: `args` are passed unchanged. */
export interface ContainedCommand {
  /** Absolute path of a program, or a name that is looked up on the PATH of `env`. */
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /**
   * The complete environment of the payload; nothing is inherited. Names must be `[A-Za-z_][A-Za-z0-9_]*`. `PWD` and {@link
   * markerVariable} are added.
   */
  readonly env: Readonly<Record<string, string>>;
  /** Unique id of this run, `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`; for example a UUID. Must not be reused. */
  readonly marker: string;
  /**
   * The caller's name for the run, stored in its record and reported by a sweep. Several runs may have the same label. With
   * it, a later process finds a run whose marker it does not know.
   */
  readonly label?: string;
  /**
   * Which processes get TERM: the payload alone, or its whole process group, for a shell that waits for the program it
   * runs. Default `process`.
   */
  readonly termTo?: "process" | "group";
  /**
   * Directories inside a hidden one (see `OpenContainmentOptions.hidden`) that this run can see and write; the rest of the
   * hidden directory does not exist for the run. A symbolic link to a directory appears as a link, with the directory at
   * its real path. `cwd` is always visible. Default: none. No effect on directories that are not hidden.
   */
  readonly visible?: readonly string[];
  /** Cancels the run like {@link Contained.cancel}. A start that still waits for its turn is aborted. */
  readonly signal?: CancelSignal;
  /** Time in ms from the first TERM of a cancel to KILL. Default 5,000. */
  readonly graceMs?: number;
  /** Time in ms from the first TERM to the second. Default 2,000; not sent if `graceMs` is not longer. */
  readonly secondTermAfterMs?: number;
  /**
   * The payload makes its own sandbox from user namespaces. As root it then keeps CAP_SETFCAP, without which the kernel
   * does not let root make one, and no other capability. Default false. No effect for other users.
   */
  readonly ownSandbox?: boolean;
  /** Limits of machine resources, as far as {@link Containment.limits} says that they are enforced. Default: none. */
  readonly limits?: RunLimits;
}

export interface Containment {
  readonly level: ContainmentLevel;
  readonly implementation: ImplementationName;
  /** Whether hidden directories are really unreachable for a worker. False for `process-group`, which cannot hide. */
  readonly hides: boolean;
  /** Which limits of a run are enforced on this machine, and by what. */
  readonly limits: LimitsEnforced;
  /**
   * Starts the box and holds the payload back until {@link Contained.go}: if this process dies before, the payload never
   * runs. Only a few boxes start at a time, in the order of the calls. Resolves when the box is identified, and recorded if
   * there is a registry.
   *
   * Rejects with an `AgentCoreError`: `AC_WORKSPACE_MISSING` (cwd), `AC_WORKER_MISSING` (command not found),
   * `AC_WORKER_SPAWN` (the system refused, the box did not become ready, or called from a worker thread), `AC_CANCELLED`
   * (`signal`), `AC_JOB_INVALID` (marker or environment, a `cwd` that is a hidden directory itself, a `visible` that is no
   * directory).
   */
  start(command: ContainedCommand): Promise<Contained>;
}

/** How the payload ended; exactly one of the two is set. */
export interface PayloadExit {
  readonly code: number | null;
  /**
   * With `bubblewrap` and `unshare`, a payload that dies of SIGINT or SIGPIPE has exit code 130 or 141, because the shell
   * that waits for it cannot tell the difference.
   */
  readonly signal: NodeJS.Signals | null;
}

/** A process of the run, with the pid that this process sees. */
export interface ContainedProcess {
  readonly pid: number;
  /** Start time in clock ticks since boot; together with `pid`, it identifies one process uniquely. */
  readonly startTicks: number;
  /** The kernel's name of its program, at most 15 bytes. */
  readonly name: string;
}

/** A started run. It ends on its own or by {@link cancel}; in both cases every caller gets the same receipt. */
export interface Contained {
  readonly level: ContainmentLevel;
  readonly implementation: ImplementationName;
  readonly identity: RunIdentity;
  readonly stdin: Writable;
  /** Ends when the last process that holds it open is gone. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Releases the payload. Calling it again, or after a cancel, does nothing. */
  go(): void;
  /** Resolves when the payload has exited. Its leftover processes are then killed automatically; see {@link finish}. */
  readonly exited: Promise<PayloadExit>;
  /**
   * Sends TERM to the payload, TERM again, KILL to every process, uses `cgroup.kill`, then proves emptiness. With `force`,
   * now or in a later call, sends KILL at once. When the payload exits, the rest is killed without waiting for the grace
   * period. Resolves with the receipt of {@link finish}. Never rejects; `survivors` above 0 means uncontained.
   */
  cancel(options?: { readonly force?: boolean }): Promise<ContainmentReceipt>;
  /** Resolves with the receipt when the payload has exited for any reason and the box is proved empty or given up. */
  finish(): Promise<ContainmentReceipt>;
  /** The processes counted in `survivors` of the receipt. Empty if the run is contained, and before its end. */
  survivors(): readonly ContainedProcess[];
  /**
   * Limits that the run reached, if the kernel counts that (limits of a cgroup). Known with the receipt, empty before. A
   * run that writes too large a file gets SIGXFSZ, and dies of it unless it ignores the signal.
   */
  limitsReached(): readonly RunLimitName[];
}
