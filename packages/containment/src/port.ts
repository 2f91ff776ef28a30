/**
 * The port of containment: starting one command in such a way that nothing of it can stay behind. Three
 * implementations stand behind it (`bubblewrap`, `unshare`, `process-group`); `openContainment` picks one by a probe.
 * A run goes through: `start` (boxed and waiting) → `go` (released) → the payload ends, or is cancelled → everything left
 * is killed → emptiness is proved → receipt. The runner of `@agentcore/worker-kit` is the usual caller.
 */
import type { Readable, Writable } from "node:stream";
import type { CancelSignal, ContainmentLevel, ContainmentReceipt, RunIdentity } from "@agentcore/contract";
import type { LimitsEnforced, RunLimitName, RunLimits } from "./run-limits.ts";

export const implementationNames = ["bubblewrap", "unshare", "process-group"] as const;
export type ImplementationName = (typeof implementationNames)[number];

/** Environment variable by which a run's processes are recognised from outside; set by {@link Containment.start}. */
export const markerVariable = "AGENTCORE_RUN_ID";

/** One command to run contained. No shell is put in between: `args` arrive as they are. */
export interface ContainedCommand {
  /** Absolute path of a program, or a name that is looked up on the PATH of `env`. */
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /**
   * The whole environment of the payload; nothing is inherited besides. Names must be `[A-Za-z_][A-Za-z0-9_]*`.
   * `PWD` and {@link markerVariable} are set on top.
   */
  readonly env: Readonly<Record<string, string>>;
  /** Unique id of this run, `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`; a UUID does well. Must not be used twice. */
  readonly marker: string;
  /**
   * What the run is for, in the caller's words; kept with its record and reported by a sweep. Several runs may have the
   * same one. A later process finds by it a run whose marker it never learnt.
   */
  readonly label?: string;
  /**
   * Who is asked to end by TERM: the payload alone, or its process group with it, for a shell that waits for the program
   * that it runs. Default `process`.
   */
  readonly termTo?: "process" | "group";
  /**
   * Directories below a hidden one (see `OpenContainmentOptions.hidden`) that this run sees and may write; everything else
   * below it is not there for the run. A symbolic link to a directory is there as a link, with the directory at its own
   * place. `cwd` is always visible. Default: none. Without effect on directories that are not hidden.
   */
  readonly visible?: readonly string[];
  /** Ends the run as {@link Contained.cancel} does. A start that still waits in line is given up. */
  readonly signal?: CancelSignal;
  /** How long the payload may take to end after the first TERM of a cancel, before KILL. Default 5,000. */
  readonly graceMs?: number;
  /** From the first TERM to the second. Default 2,000; not sent if `graceMs` is not longer. */
  readonly secondTermAfterMs?: number;
  /**
   * The payload puts up a sandbox of its own, from user namespaces. Root's payload then keeps the one capability without
   * which the kernel lets root make none, CAP_SETFCAP; it has no others. Default false. Without effect for other users.
   */
  readonly ownSandbox?: boolean;
  /** What it may use of the machine, as far as {@link Containment.limits} says that this is enforced. Default: no limits. */
  readonly limits?: RunLimits;
}

export interface Containment {
  readonly level: ContainmentLevel;
  readonly implementation: ImplementationName;
  /** Whether hidden directories are really out of a worker's sight and reach. False for `process-group`, which cannot. */
  readonly hides: boolean;
  /** Which limits of a run are enforced here, and by what. */
  readonly limits: LimitsEnforced;
  /**
   * Starts the box, a few at a time in the order of the calls, and holds the payload back until {@link Contained.go}: if
   * this process dies before, the payload never runs. Resolves once the box is known by identity, and recorded where a
   * registry is in use.
   *
   * Rejects with an `AgentCoreError`: `AC_WORKSPACE_MISSING` (cwd), `AC_WORKER_MISSING` (command not found),
   * `AC_WORKER_SPAWN` (the system refused, the box did not become ready, or called from a worker thread), `AC_CANCELLED`
   * (`signal`), `AC_JOB_INVALID` (marker or environment, a `cwd` that is a hidden directory itself, a `visible` that is no
   * directory).
   */
  start(command: ContainedCommand): Promise<Contained>;
}

/** How the payload itself ended; exactly one of the two is set. */
export interface PayloadExit {
  readonly code: number | null;
  /**
   * Under `bubblewrap` and `unshare` a payload that dies of SIGINT or SIGPIPE is seen as exit code 130 or 141: the
   * shell that waits for it does not tell the two apart.
   */
  readonly signal: NodeJS.Signals | null;
}

/** A process of the run, numbered as this process sees it. */
export interface ContainedProcess {
  readonly pid: number;
  /** Start time in clock ticks since boot; together with `pid` it names one process for good. */
  readonly startTicks: number;
  /** Name of its program as the kernel keeps it, at most 15 bytes. */
  readonly name: string;
}

/** A started run. It ends on its own or by {@link cancel}; both lead to one receipt, which every caller gets. */
export interface Contained {
  readonly level: ContainmentLevel;
  readonly implementation: ImplementationName;
  readonly identity: RunIdentity;
  readonly stdin: Writable;
  /** Ends when the last process that holds it is gone. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Releases the payload. Calling it again, or after a cancel, does nothing. */
  go(): void;
  /** When the payload has ended. What it left behind is then killed without being asked for; see {@link finish}. */
  readonly exited: Promise<PayloadExit>;
  /**
   * TERM to the payload, TERM again, KILL to all, `cgroup.kill`, then proof of emptiness; with `force`, or once it is asked
   * for, KILL at once. As soon as the payload ends, the rest is killed without waiting out the grace. Gives the receipt as
   * {@link finish} does. Never rejects; `survivors` above 0 means uncontained.
   */
  cancel(options?: { readonly force?: boolean }): Promise<ContainmentReceipt>;
  /** The receipt, once the payload has ended for whatever reason and the box is proved empty or given up. */
  finish(): Promise<ContainmentReceipt>;
  /** The processes behind `survivors` of the receipt: the evidence of an uncontained run. Empty before and otherwise. */
  survivors(): readonly ContainedProcess[];
  /**
   * Limits that the run came up against, where the kernel counts that: those of a cgroup. Known with the receipt, empty before. A
   * run that writes too large a file gets SIGXFSZ, and dies of it where it does not ignore it.
   */
  limitsReached(): readonly RunLimitName[];
}
