/**
 * What an adapter author writes: how to start a worker, how to read what it prints, how to stop it. An adapter is a
 * plain value without side effects; spawning, containment, timeouts, files and the verdict belong to the runner of
 * `@agentcore/worker-kit`, which calls it. Third-party adapters default-export a {@link WorkerAdapter}.
 */
import type { ErrorClass } from "./error-class.ts";
import type { Grants, Permit } from "./permit.ts";
import type { CostBasis, Usage, WorkerResult } from "./result.ts";
import type { Capability, TaskOption, WorkerTask } from "./task.ts";
import type { WorkerEvent } from "./worker-event.ts";

/** Raised when the interface changes in a way that old adapters cannot meet. */
export const adapterContractVersion = 1;

export interface WorkerAdapter {
  readonly contractVersion: typeof adapterContractVersion;
  /** Name used in tasks and configuration: lower case, `[a-z][a-z0-9-]*`. */
  readonly name: string;
  /** Name for people: `Claude Code`. */
  readonly title: string;
  /** The default provider whose limits and breaker this worker shares; null for a worker that calls none. */
  readonly provider: string | null;
  /** Capabilities that the worker can enforce. A task that needs another is refused before anything starts. */
  readonly capabilities: readonly Capability[];
  /** False where nothing keeps the worker to its capabilities, as with a script; `doctor` says so. Absent: true. */
  readonly enforcesCapabilities?: boolean;
  /** Settings of a task that this worker has. A task that sets another gets a `warning` event. Absent: none. */
  readonly options?: readonly TaskOption[];
  /** How to find the worker's program; the runner and `doctor` use it. */
  readonly program: WorkerProgram;
  /**
   * Throws `AC_JOB_INVALID` for arguments that `plan` would refuse whatever else the task says, so that a file that names
   * them can be refused before anything runs. Absent: nothing is known before `plan`.
   */
  checkArgs?(args: readonly string[]): void;
  /** Command line and environment for one attempt. Throws `AgentCoreError` for a task it cannot serve. */
  plan(task: WorkerTask, context: PlanContext): WorkerPlan;
  /** A fresh reader for one attempt's output. */
  createReader(context: ReaderContext): OutputReader;
  /** Set for a worker that says itself what a whole run cost: its model needs no price. */
  readonly reportsCost?: true;
  /** For a worker that prints its usage only at its end, or not at all, and writes it to files as it goes. */
  readonly usageFiles?: UsageFiles;
}

/**
 * Files of lines that a worker appends to while it runs, and that say what it has used so far. The runner reads them as they
 * grow, so that a ceiling holds during the run. What they say is the worker's word, as what it prints is.
 */
export interface UsageFiles {
  /** Absolute path of the directory that they are below, from the worker's environment. */
  directory(env: Readonly<Record<string, string | undefined>>): string;
  /** Levels of directories between that one and the files. */
  readonly depth: number;
  /** Whether a file of this name is the run's. `session`: null until the worker has printed it. */
  belongs(name: string, run: { readonly home: "own" | "user"; readonly session: string | null }): boolean;
  /** A fresh reader for all files of one attempt. */
  createReader(): UsageReader;
}

/** Must never throw on any input. */
export interface UsageReader {
  /** A line that this attempt added to a file. */
  line(file: string, text: string): void;
  /** Of the attempt so far; null while no line says. */
  usage(): Usage | null;
  /** Null while no line names it. */
  model(): string | null;
}

export interface WorkerProgram {
  /** Program looked up on PATH, unless the configuration gives a path. */
  readonly command: string;
  /** Arguments that print the version. */
  readonly versionArgs: readonly string[];
  /** Lowest version known to work, as `major.minor.patch`; absent: any. */
  readonly minVersion?: string;
  /** Highest version that the adapter was tried with; `doctor` says where a newer one is installed. Absent: not known. */
  readonly verifiedVersion?: string;
  /** One line that says how to install it: `npm install -g @openai/codex`. */
  readonly install: string;
  /** Environment variables any of which carries the credential; empty: none is needed. */
  readonly credentialEnv: readonly string[];
  /** Paths below HOME where the worker keeps its own login; used when no credential variable is set. */
  readonly loginPaths: readonly string[];
}

export interface PlanContext {
  readonly grants: Grants;
  /** Absolute path of the program as found. */
  readonly program: string;
  /** The caller's environment, to read credentials and endpoints from. Never passed on whole. */
  readonly hostEnv: Readonly<Record<string, string | undefined>>;
  /** Private directory of this attempt: HOME and temporary files go below it. */
  readonly attemptDir: string;
  /** Settings of this worker from the configuration file, as the adapter documents them. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface WorkerPlan {
  /** Program and arguments. No shell in between. */
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the allow-list (PATH, LANG, TZ, HOME, XDG, TMPDIR) and to the task's own `env`. */
  readonly env: Readonly<Record<string, string>>;
  /** Written to stdin, which is then closed. */
  readonly stdin: string;
  /** `own`: an empty HOME below `attemptDir`. `user`: the caller's, because the worker relies on its own login. */
  readonly home: "own" | "user";
  /** The model that the run will use, where the adapter knows it; else the task's or the grant's. */
  readonly model?: string;
  /** Files to create before the start, by absolute path; their directories are created too. */
  readonly files?: Readonly<Record<string, string>>;
  /**
   * Who is asked to end by TERM when the run is stopped: the worker's process alone, or its process group with it, for a shell
   * that waits for the program that it runs. Default `process`.
   */
  readonly termTo?: "process" | "group";
  /**
   * Names in the workspace under which the worker may leave empty directories that are no part of its work. Those that were not
   * there before the run and are empty after it are removed. Default: none.
   */
  readonly leavesEmpty?: readonly string[];
  /**
   * The worker puts up a sandbox of its own, from user namespaces. Where it runs as root it is then given the one
   * capability that takes. Default false: it has none.
   */
  readonly ownSandbox?: boolean;
}

export interface ReaderContext {
  readonly task: WorkerTask;
  readonly model: string | null;
}

/** Reads one attempt's output, line by line, and says at the end what it made of it. Must never throw on any input. */
export interface OutputReader {
  /** A line without its terminator; invalid UTF-8 arrives as U+FFFD. `oversized`: longer than the runner keeps. */
  stdout(line: string, oversized: boolean): readonly WorkerEvent[];
  stderr(line: string, oversized: boolean): readonly WorkerEvent[];
  /** Called once, after both streams ended. */
  end(): WorkerReport;
  /**
   * Optional; asked after each line. Not null: the worker goes on but will never get anywhere on its own (it repeats
   * empty answers endlessly, or retries a refused credential), and the runner stops the run. Must be cheap and keep its
   * answer; `end()` then reports the same error, which decides the result.
   */
  fatal?(): WorkerError | null;
  /**
   * Optional; asked after each line. Not null: the worker is expected to wait in silence for a time that it does not tell,
   * as for a provider's `retry-after`. Unless a line makes it answer otherwise within `forMs`, the runner stops the run, and
   * the error decides.
   */
  waiting?(): { readonly error: WorkerError; readonly forMs: number } | null;
}

/** What the adapter understood from the output alone; the runner's verdict adds exit status, workspace and verify. */
export interface WorkerReport {
  /**
   * `success`/`error`: the worker's terminal event said so. `none`: it has such an event and it did not come.
   * `not-applicable`: this worker has none (shell), the exit code decides.
   */
  readonly terminal: "success" | "error" | "none" | "not-applicable";
  readonly error: WorkerError | null;
  /** Tools that the worker's permissions refused. */
  readonly deniedTools: readonly string[];
  /** Last words of the worker; empty if none. */
  readonly summary: string;
  readonly session: string | null;
  readonly model: string | null;
  readonly usage: Usage;
  readonly costUsd: number | null;
  readonly costBasis: CostBasis;
  /** Lines that should have been understood and were not. */
  readonly malformedLines: number;
}

export interface WorkerError {
  readonly class: ErrorClass;
  readonly message: string;
  /** HTTP status of the provider's answer, where known. */
  readonly status: number | null;
  readonly retryAfterMs: number | null;
}

/** Port of the runtime to whatever starts workers; implemented by `createProcessRunner` of `@agentcore/worker-kit`. */
export interface WorkerRunner {
  /** Level that runs started now will have; probed once. */
  readonly containmentLevel: "sealed" | "best-effort";
  /**
   * Starts the worker contained and returns at once. The run stops when `permit.signal` says so, for its reason, and is killed
   * at once where it says `force`. Never throws: whatever goes wrong is a result.
   */
  start(request: RunRequest): WorkerRun;
}

export interface RunRequest {
  readonly adapter: WorkerAdapter;
  readonly task: WorkerTask;
  readonly permit: Permit;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Called in order, synchronously, for every event. Must not throw. */
  readonly onEvent: (event: WorkerEvent) => void;
  /** Called once the worker has been released to run, with what a later sweep needs to find it again. */
  readonly onStarted?: (identity: RunIdentity) => void;
}

/** How to recognise a run's processes from outside, even after a crash of everything else. */
export interface RunIdentity {
  /** Value of `AGENTCORE_RUN_ID` in the environment of every process of the run. */
  readonly marker: string;
  readonly implementation: string;
  readonly hostPid: number;
  /** Start time of that process in clock ticks, as in `/proc/<pid>/stat`; guards against a reused pid. */
  readonly hostPidStartTicks: number | null;
  readonly pidNamespace: string | null;
  readonly cgroupPath: string | null;
  readonly bootId: string | null;
}

export interface WorkerRun {
  /** Settles when the container is proved empty, or given up as uncontained; never rejects. */
  readonly result: Promise<WorkerResult>;
  /**
   * Runs a script of the task beside the worker, contained like it and with its environment but for its credentials, and
   * ends it with the run: null then. Never rejects. Absent: this runner runs no probes.
   */
  probe?(script: string, timeoutMs: number): Promise<ProbeOutput | null>;
}

/** What one look of a probe gave. */
export interface ProbeOutput {
  /** Null where it was ended by a signal, or never started. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why there is nothing to read: it could not be started, took too long, printed too much; null where there is. */
  readonly failure: string | null;
}
