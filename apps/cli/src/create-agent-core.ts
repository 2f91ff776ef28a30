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
import { type JobHandle, type Scheduler } from "@agentcore/scheduler";
import { resolve } from "node:path";
import { builtInAdapters } from "./adapters.ts";
import { compose } from "./compose.ts";
import { withUsableHome, type Environment } from "./config/env-text.ts";
import { configSchema, type Config, type ConfigInput } from "./config/schema.ts";
import { pruneAttemptsRegularly } from "./state/prune-attempts.ts";
import { startScheduler } from "./queue/start-scheduler.ts";
import { stateDirAt } from "./state/state-dir.ts";

export interface AgentCoreOptions {
  /** Directory for jobs, logs and artifacts; created if missing. Must be on a local disk. */
  readonly stateDir: string;
  /** The content of `agentcore.yaml` as an object; `state_dir`, `defaults` and `adapter` are ignored here. */
  readonly config?: ConfigInput;
  /** Workers in addition to the built-in ones. One with the same name replaces the built-in worker. */
  readonly adapters?: readonly WorkerAdapter[];
  /** Which jobs run here: any in the state directory, or only those submitted here. Default `any`. */
  readonly claims?: "any" | "own";
  /** The environment for workers and their credentials. Default: this process's. */
  readonly env?: Environment;
  /** Default: nothing is logged. */
  readonly log?: Log;
}

export interface AgentCore {
  /** The queue: submit, attach, cancel, dead letters, why. */
  readonly scheduler: Scheduler;
  /** The runtime below it: load, escalations, drain. */
  readonly runtime: Runtime;
  /** Resolves once the job is durable. Rejects as `Scheduler.submit` does. */
  submit(job: JobSubmission): Promise<JobHandle>;
  /**
   * Ends everything; idempotent. With `finishRunning`, running attempts may end on their own first; otherwise they are stopped
   * and count as attempts. Jobs stay in the state directory.
   */
  close(options?: { readonly finishRunning?: boolean }): Promise<void>;
}

/**
 * Rejects with `AC_CONFIG_INVALID` for an invalid configuration, `AC_STORE_…` if the state directory cannot be used, and
 * `AC_CONTAINMENT_UNAVAILABLE` if workers cannot be contained at all.
 */
export async function createAgentCore(options: AgentCoreOptions): Promise<AgentCore> {
  const { log = silentLog, claims = "any" } = options;
  const env = withUsableHome(options.env ?? process.env);
  const config = checkConfig(options.config ?? {}, env);
  const own = options.adapters ?? [];
  const builtIn = (await builtInAdapters()).filter(
    ({ name }) => !own.some((adapter) => adapter.name === name),
  );
  const composition = await compose({
    config,
    state: stateDirAt(resolve(options.stateDir)),
    adapters: [...builtIn, ...own],
    env,
    log,
  });
  const { concurrency } = config.limits.global;
  const scheduler = await startScheduler(composition, {
    log,
    concurrency,
    keepEndedMs: config.keep_ended,
    claims,
  });
  const { store, state } = composition;
  const stopPruning = pruneAttemptsRegularly({
    attemptsDir: state.attempts,
    store,
    keepMs: config.keep_ended,
    clock: systemClock,
    log,
  });
  return {
    scheduler,
    runtime: composition.runtime,
    submit: (job) => scheduler.submit(job),
    close: async (how = {}) => {
      stopPruning();
      await scheduler.close(how);
      await composition.close();
    },
  };
}

function checkConfig(input: ConfigInput, env: Environment): Config {
  const parsed = configSchema(env).safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.join(".") || "config"}: ${message}`,
  );
  throw new AgentCoreError("AC_CONFIG_INVALID", problems.join("; "));
}
