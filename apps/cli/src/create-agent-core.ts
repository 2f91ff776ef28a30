/**
 * Composes a queue, a scheduler and a runtime on one state directory in this process, for embedding. Any number of other
 * processes, such as the command line, can share the directory.
 */
import {
  AgentCoreError,
  type JobSubmission,
  type Log,
  type Runtime,
  silentLog,
  systemClock,
  type WorkerAdapter,
} from "@agentcore/contract";
import type { JobHandle, JobStore, Scheduler } from "@agentcore/scheduler";
import { resolve } from "node:path";
import { builtInAdapters } from "./adapters.ts";
import { compose } from "./compose.ts";
import { withUsableHome } from "./config/environment.ts";
import type { Environment } from "@agentcore/yaml-file";
import type { ConfigInput } from "./config/schema.ts";
import { sharedStoreOf } from "./config/shared-store.ts";
import { defaultStateDir } from "./config/state-home.ts";
import { checkConfig } from "./library/check-config.ts";
import { checkOptions, requireAdapters } from "./library/check-options.ts";
import { prepareJob } from "./library/prepare-job.ts";
import { openWorkflows, type Workflows } from "./library/workflows.ts";
import { pruneAttemptsRegularly } from "./state/prune-attempts.ts";
import { startScheduler } from "./queue/start-scheduler.ts";
import { openEngine } from "./workflow/open-engine.ts";
import { stateDirAt } from "./state/state-dir.ts";

/** The built-in workers, or any other that `adapters` has. */
export type WorkerName = "claude-code" | "codex" | "opencode" | "shell" | (string & {});

/** A job as `submit` takes it: {@link JobSubmission}, with the names of the built-in workers. */
export type JobInput = Omit<JobSubmission, "task"> & {
  task: Omit<JobSubmission["task"], "worker"> & { worker: WorkerName };
};

export interface AgentCoreOptions {
  /**
   * Directory for jobs, logs and artifacts; created if missing. Must be on a local disk. Default: that of the command line,
   * `$XDG_STATE_HOME/agentcore` or `~/.local/state/agentcore`.
   */
  readonly stateDir?: string;
  /**
   * URL of a PostgreSQL database that several machines share, such as `postgres://agents@db.example.com/agentcore`. Default: the
   * variable `AGENTCORE_STORE`, then `config.store`, then the file `state.db` in the state directory.
   */
  readonly store?: string;
  /** The content of `agentcore.yaml` as an object; `state_dir`, `defaults` and `adapter` are ignored here. */
  readonly config?: ConfigInput;
  /** Workers in addition to the built-in ones. */
  readonly adapters?: readonly WorkerAdapter[];
  /** An adapter may have the name of a built-in worker, and replaces it. Default: false, such a name is refused. */
  readonly replaceBuiltIn?: boolean;
  /** Which jobs run here: any in the state directory, or only those submitted here. Default `any`. */
  readonly claims?: "any" | "own";
  /** The environment for workers and their credentials. Default: this process's. */
  readonly env?: Environment;
  /** Default: nothing is logged. */
  readonly log?: Log;
}

export interface AgentCore {
  /** The queue: submit, attach, cancel, dead letters, why. It checks jobs less than {@link submit} does. */
  readonly scheduler: Scheduler;
  /** The runtime below it: load, escalations, drain. */
  readonly runtime: Runtime;
  /** Runs of workflow files. Their steps run in this process, beside the jobs of the queue. */
  readonly workflows: Workflows;
  /**
   * Resolves once the job is durable. Rejects with `AC_JOB_INVALID` with every wrong field, `AC_WORKER_UNKNOWN`,
   * `AC_CAPABILITY_UNSUPPORTED`, `AC_WORKSPACE_MISSING`, `AC_MODEL_UNPRICED`, `AC_JOB_TOO_LARGE`, `AC_KEY_HELD`,
   * `AC_STORE_UNAVAILABLE`, or `AC_DRAINING` after `close()`. A relative workspace is below the current directory.
   */
  submit(job: JobInput): Promise<JobHandle>;
  /**
   * Ends everything; idempotent. Every later call, also of a handle, rejects with `AC_DRAINING`. With `finishRunning`, running attempts may end on their own first; otherwise they are stopped
   * and count as attempts. Jobs stay in the state directory, and runs of workflows can be resumed.
   */
  close(options?: CloseOptions): Promise<void>;
}

export interface CloseOptions {
  /** Let running attempts end on their own. Default: false, they are stopped. */
  readonly finishRunning?: boolean;
}

/** What the parts of the library use besides. */
export interface OpenedCore extends AgentCore {
  readonly store: JobStore;
  readonly log: Log;
  /** Resolves when the store will not work again. */
  readonly broken: Promise<AgentCoreError>;
  /** See `prepareJob`. */
  prepare(job: unknown): Promise<JobSubmission>;
}

/**
 * Rejects with `AC_OPTION_INVALID` for options that are wrong or unknown, `AC_ADAPTER_INVALID` for an adapter that does not
 * meet the contract, `AC_CONFIG_INVALID` for an invalid configuration, `AC_STORE_…` if the state directory cannot be used, and
 * `AC_CONTAINMENT_UNAVAILABLE` if workers cannot be contained at all.
 */
export async function createAgentCore(options: AgentCoreOptions): Promise<AgentCore> {
  checkOptions("createAgentCore()", options);
  const core = await openCore(options);
  const { scheduler, runtime, workflows } = core;
  return {
    scheduler,
    runtime,
    workflows,
    submit: (job) => core.submit(job),
    close: async (how) => {
      checkOptions("close()", how ?? {});
      await core.close(how);
    },
  };
}

/** For the library's own use, with options that were checked; see {@link createAgentCore}. */
export async function openCore(options: AgentCoreOptions): Promise<OpenedCore> {
  const { log = silentLog, claims = "any" } = options;
  const env = withUsableHome(options.env ?? process.env);
  const config = checkConfig(options.config ?? {}, env);
  requireAdapters(options);
  const adapters = await allAdapters(options.adapters ?? []);
  const state = stateDirAt(
    resolve(options.stateDir ?? requireStateHome(env)),
    sharedStoreOf(env, [config.store], options.store),
  );
  const composing = { config, state, adapters, env, log };
  const composition = await compose(composing);
  const { concurrency } = config.limits.global;
  const scheduler = await startScheduler(composition, {
    log,
    concurrency,
    keepEndedMs: config.keep_ended,
    claims,
  });
  const { store, stores } = composition;
  const stopPruning = pruneAttemptsRegularly({
    attemptsDir: state.attempts,
    store,
    keepMs: config.keep_ended,
    clock: systemClock,
    log,
  });
  const workflows = openWorkflows({
    place: composing,
    journal: stores.journal,
    store,
    open: () => openEngine(composing),
  });
  const prepare = (job: unknown): Promise<JobSubmission> => prepareJob(job, { adapters, config });
  return {
    scheduler,
    runtime: composition.runtime,
    workflows: workflows.api,
    store,
    log,
    broken: composition.broken,
    prepare,
    submit: async (job) => scheduler.submit(await prepare(job)),
    close: async (how = {}) => {
      stopPruning();
      await Promise.all([workflows.close(), scheduler.close(how)]);
      await composition.close();
    },
  };
}

async function allAdapters(own: readonly WorkerAdapter[]): Promise<WorkerAdapter[]> {
  const builtIn = await builtInAdapters();
  return [...builtIn.filter(({ name }) => !own.some((adapter) => adapter.name === name)), ...own];
}

function requireStateHome(env: Environment): string {
  const path = defaultStateDir(env);
  if (path !== null) return path;
  throw new AgentCoreError(
    "AC_STORE_UNAVAILABLE",
    "there is no place for the state: give stateDir, or set HOME or XDG_STATE_HOME to an absolute path",
  );
}
