/**
 * The interface of adapters: how to start a worker, how to read its output, how to stop it. An adapter is a plain object
 * without side effects. The runner of `@agentcore/worker-kit` calls it and does the rest: spawning, containment, timeouts,
 * files and the verdict. Third-party packages default-export a {@link WorkerAdapter}.
 */
import type { ErrorClass } from "./error-class.ts";
import type { Grants, Permit } from "./permit.ts";
import type { SpendGateAccess, SpendGateMode, Upstream } from "./spend-gate.ts";
import type { CostBasis, Usage, WorkerResult } from "./result.ts";
import type { Capability, TaskOption, WorkerTask } from "./task.ts";
import type { WorkerEvent } from "./worker-event.ts";

/** Incremented when the interface changes in a way that old adapters cannot support. */
export const adapterContractVersion = 1;

export interface WorkerAdapter {
  readonly contractVersion: typeof adapterContractVersion;
  /** Name used in tasks and configuration: lower case, `[a-z][a-z0-9-]*`. */
  readonly name: string;
  /** Name for people: `Claude Code`. */
  readonly title: string;
  /** The default provider, whose limits and breaker the worker shares; null if the worker calls no provider. */
  readonly provider: string | null;
  /** Capabilities that the worker can enforce. A task that needs any other is refused before anything starts. */
  readonly capabilities: readonly Capability[];
  /** False if the worker does not enforce its capabilities, such as a script; `doctor` says so. Default: true. */
  readonly enforcesCapabilities?: boolean;
  /** Task options that this worker supports. A task that sets another one gets a `warning` event. Default: none. */
  readonly options?: readonly TaskOption[];
  /** How to find the worker's program; the runner and `doctor` use it. */
  readonly program: WorkerProgram;
  /**
   * Throws `AC_JOB_INVALID` for arguments that `plan` would refuse in any task, so that a file with such arguments is
   * refused before anything runs. If absent, arguments are checked only in `plan`.
   */
  checkArgs?(args: readonly string[]): void;
  /** Returns the command line and environment of one attempt. Throws an `AgentCoreError` for a task that it cannot run. */
  plan(task: WorkerTask, context: PlanContext): WorkerPlan;
  /** Returns a new reader for the output of one attempt. */
  createReader(context: ReaderContext): OutputReader;
  /** True if the worker itself reports the cost of a whole run; its model then needs no price. */
  readonly reportsCost?: true;
  /**
   * For workers that can reach their provider through the spend gate: returns where their requests go without it, and with
   * which credential. Null for a run that cannot use the gate, such as one with a login that the worker does not send to
   * another address; it is then metered from its events. If absent, no run of this worker uses the gate.
   */
  spendGateUpstream?(task: WorkerTask, context: UpstreamContext): Upstream | null;
  /**
   * True if the worker reports a tool call only when it has ended, or is a program that runs tools unreported: its silence is
   * then no sign that it hangs, and is limited like that of a tool call. Default: false.
   */
  readonly unseenTools?: true;
  /** For workers that do not print their usage until the end, but write it to files as they run. */
  readonly usageFiles?: UsageFiles;
}

/**
 * Line-based files to which a worker appends its usage while it runs. The runner reads them as they grow, so that a ceiling
 * takes effect during the run. Like the worker's output, their content is the worker's own claim.
 */
export interface UsageFiles {
  /** Absolute path of the directory that contains the files, from the worker's environment. */
  directory(env: Readonly<Record<string, string | undefined>>): string;
  /** Number of directory levels between that directory and the files. */
  readonly depth: number;
  /** Whether a file with this name belongs to the run. `session` is null until the worker has printed it. */
  belongs(name: string, run: { readonly home: "own" | "user"; readonly session: string | null }): boolean;
  /** Returns a new reader for all files of one attempt. */
  createReader(): UsageReader;
}

/** Must never throw on any input. */
export interface UsageReader {
  /** Reads a line that this attempt added to a file. */
  line(file: string, text: string): void;
  /** Total usage of the attempt so far; null until a line reports it. */
  usage(): Usage | null;
  /** Null until a line names it. */
  model(): string | null;
}

export interface WorkerProgram {
  /** Program looked up on PATH, unless the configuration gives a path. */
  readonly command: string;
  /** Arguments that print the version. */
  readonly versionArgs: readonly string[];
  /** Lowest version known to work, as `major.minor.patch`; absent: any. */
  readonly minVersion?: string;
  /** Highest version that the adapter was tested with; `doctor` reports a newer one. Absent: unknown. */
  readonly verifiedVersion?: string;
  /** Install command or instruction, in one line: `npm install -g @openai/codex`. */
  readonly install: string;
  /** Environment variables, any of which can hold the credential. Empty: no credential is needed. */
  readonly credentialEnv: readonly string[];
  /** Paths below HOME of the worker's own login, used if no credential variable is set. */
  readonly loginPaths: readonly string[];
}

/** What decides where the requests of a run go. */
export type UpstreamContext = Pick<
  PlanContext,
  "grants" | "hostEnv" | "settings" | "providersWithCredential"
>;

export interface PlanContext {
  readonly grants: Grants;
  /**
   * The spend gate's address and key for this run. The plan then uses them instead of the provider's address and of any
   * credential. Absent: the worker calls its provider directly.
   */
  readonly spendGate?: SpendGateAccess | undefined;
  /** Providers for which the spend gate has a credential, so that a run needs none of its own. Default: none. */
  readonly providersWithCredential?: readonly string[] | undefined;
  /** Absolute path of the program as found. */
  readonly program: string;
  /** The caller's environment, for credentials and endpoints. Never passed on as a whole. */
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
  /** Text for stdin, which is closed afterwards. */
  readonly stdin: string;
  /** `own`: an empty HOME below `attemptDir`. `user`: the caller's, because the worker relies on its own login. */
  readonly home: "own" | "user";
  /** The model that the run will use, if the adapter knows it. Default: the task's or the grant's. */
  readonly model?: string;
  /** Files to create before the start, by absolute path; their directories are created too. */
  readonly files?: Readonly<Record<string, string>>;
  /**
   * Which processes get TERM when the run is stopped: the worker's process alone, or its whole process group, for a shell
   * that waits for the program it runs. Default `process`.
   */
  readonly termTo?: "process" | "group";
  /**
   * Names in the workspace of empty directories that the worker may leave behind and that are not part of its work. They
   * are removed if they did not exist before the run and are empty after it. Default: none.
   */
  readonly leavesEmpty?: readonly string[];
  /**
   * True if the worker makes its own sandbox from user namespaces. When it runs as root, it then keeps the one capability
   * that this needs. Default: false.
   */
  readonly ownSandbox?: boolean;
}

export interface ReaderContext {
  readonly task: WorkerTask;
  readonly model: string | null;
}

/** Reads the output of one attempt line by line and returns a report at the end. Must never throw on any input. */
export interface OutputReader {
  /** A line without its terminator. Invalid UTF-8 arrives as U+FFFD. `oversized`: the line was longer than the runner keeps. */
  stdout(line: string, oversized: boolean): readonly WorkerEvent[];
  stderr(line: string, oversized: boolean): readonly WorkerEvent[];
  /** Called once, after both streams have ended. */
  end(): WorkerReport;
  /**
   * Optional; called after each line. Return an error if the worker will keep running without progress (it repeats empty
   * responses without end, or retries a refused credential): the runner then stops the run. Must be cheap, and must keep
   * returning the same error; `end()` must report it too, and it decides the result.
   */
  fatal?(): WorkerError | null;
  /**
   * Optional; called after each line. Return an error and a time if the worker waits silently for an unknown time, for
   * example for a provider's `retry-after`. The runner stops the run with that error after `forMs`, unless a later line
   * changes the returned value.
   */
  waiting?(): { readonly error: WorkerError; readonly forMs: number } | null;
}

/**
 * What the adapter learned from the output alone. The runner's verdict also considers exit status, workspace and verify
 * script.
 */
export interface WorkerReport {
  /**
   * `success`/`error`: the worker's terminal event said so. `none`: the worker has such an event, but it did not arrive.
   * `not-applicable`: the worker has no such event (shell), so the exit code decides.
   */
  readonly terminal: "success" | "error" | "none" | "not-applicable";
  readonly error: WorkerError | null;
  /** Tools that the worker's permissions refused. */
  readonly deniedTools: readonly string[];
  /** The worker's last message; empty if there is none. */
  readonly summary: string;
  readonly session: string | null;
  readonly model: string | null;
  readonly usage: Usage;
  readonly costUsd: number | null;
  readonly costBasis: CostBasis;
  /** Number of lines that the reader could not parse. */
  readonly malformedLines: number;
}

export interface WorkerError {
  readonly class: ErrorClass;
  readonly message: string;
  /** HTTP status of the provider's response, if known. */
  readonly status: number | null;
  readonly retryAfterMs: number | null;
}

/** The port through which the runtime starts workers, implemented by `createProcessRunner` of `@agentcore/worker-kit`. */
export interface WorkerRunner {
  /** Containment level of new runs; probed once. */
  readonly containmentLevel: "sealed" | "best-effort";
  /**
   * Starts the worker contained and returns at once. The run stops when `permit.signal` requests it, with the request as
   * its cause, and is killed at once if the request has `force`. Never throws: every error becomes a result.
   */
  start(request: RunRequest): WorkerRun;
}

export interface RunRequest {
  readonly adapter: WorkerAdapter;
  readonly task: WorkerTask;
  readonly permit: Permit;
  readonly settings: Readonly<Record<string, unknown>>;
  /**
   * Opens the spend gate for this run, for a worker that can use it. Called at most once, before the worker starts. Absent:
   * runs call their providers directly. Rejects with an `AgentCoreError`; the run then does not start.
   */
  readonly openSpendGate?: (upstream: Upstream) => Promise<SpendGateAccess>;
  /** `required`: a run that cannot use the gate does not start. Default: `auto`. */
  readonly spendGateMode?: SpendGateMode;
  /** Called in order, synchronously, for every event. Must not throw. */
  readonly onEvent: (event: WorkerEvent) => void;
  /** Called when the worker is released to run, with the data that a later sweep needs to find it. */
  readonly onStarted?: (identity: RunIdentity) => void;
}

/** Identifies a run's processes from outside, even after a crash of every other process. */
export interface RunIdentity {
  /** Value of `AGENTCORE_RUN_ID` in the environment of every process of the run. */
  readonly marker: string;
  readonly implementation: string;
  readonly hostPid: number;
  /** Start time of that process in clock ticks, as in `/proc/<pid>/stat`; protects against a reused pid. */
  readonly hostPidStartTicks: number | null;
  readonly pidNamespace: string | null;
  readonly cgroupPath: string | null;
  readonly bootId: string | null;
  /**
   * The worker was given the key of the spend gate in place of every credential: it can spend nothing but through the gate.
   * Absent: it may spend otherwise.
   */
  readonly spendsOnlyByGate?: true | undefined;
}

export interface WorkerRun {
  /** Resolves when the container is proved empty, or reported as uncontained. Never rejects. */
  readonly result: Promise<WorkerResult>;
  /**
   * Runs a script of the task in parallel with the worker, contained like it, with its environment except credentials. The
   * script ends with the run; the result is then null. Never rejects. Absent: this runner supports no probes.
   */
  probe?(script: string, timeoutMs: number): Promise<ProbeOutput | null>;
  /**
   * Ends the processes of a worker that has reported its end and does not exit. The result is what the worker reported, as if
   * it had exited with code 0; `reason` becomes a warning. Absent: such a run is stopped as stalled.
   */
  endAsReported?(reason: string): void;
}

/** The result of one look of a probe. */
export interface ProbeOutput {
  /** Null if the script was killed by a signal, or never started. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why there is no output: the script could not be started, took too long, or printed too much. Null if there is output. */
  readonly failure: string | null;
}
