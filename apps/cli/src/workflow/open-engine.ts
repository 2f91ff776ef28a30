/**
 * What works on the runs of workflows in a process, for the command line and the library: a runtime and a scheduler of their own
 * on the state directory. The daemon has one scheduler for workflows and all other jobs.
 */
import { systemClock, systemIds } from "@agentcore/contract";
import { processOwner } from "@agentcore/core";
import type { Scheduler } from "@agentcore/scheduler";
import { createContainedGit } from "@agentcore/worker-kit";
import { workflowConcurrencyKey, type RunOptions } from "@agentcore/workflow";
import { hostname } from "node:os";
import { compose, type ComposeOptions, type OpenState } from "../compose.ts";
import { withoutStoreSecret } from "../config/shared-store.ts";
import { variableOf } from "@agentcore/yaml-file";
import { startScheduler } from "../queue/start-scheduler.ts";
import { postJson } from "./post-json.ts";
import { liveOwner } from "./run-owner.ts";

/** Most jobs in flight. The workflow's own concurrency and the runtime's limits apply in addition. */
const jobsAtOnceMax = 64;

export interface OpenedEngine {
  readonly ports: RunOptions;
  close(): Promise<void>;
}

export async function openEngine(options: ComposeOptions): Promise<OpenedEngine> {
  const composition = await compose(options);
  try {
    const scheduler = await startScheduler(composition, {
      log: options.log,
      concurrency: jobsAtOnceMax,
      keepEndedMs: options.config.keep_ended,
      claims: "own",
      policy: { concurrencyKey: workflowConcurrencyKey },
    });
    return {
      ports: portsOf(composition, options, scheduler),
      close: async () => {
        await scheduler.close();
        await composition.close();
      },
    };
  } catch (error) {
    await composition.close();
    throw error;
  }
}

export function portsOf(
  { containment, stores }: OpenState,
  { config, state, env: given, log }: Pick<ComposeOptions, "config" | "state" | "env" | "log">,
  scheduler: Scheduler,
): RunOptions {
  const env = withoutStoreSecret(given, state.store);
  return {
    scheduler,
    clock: systemClock,
    ids: systemIds,
    log,
    journal: stores.journal,
    git: createContainedGit({ containment, clock: systemClock, ids: systemIds, hostEnv: env }),
    secretValue: (name: string) => variableOf(env, name),
    post: postJson,
    isAlive: (owner: Parameters<typeof liveOwner>[0]) => liveOwner(owner) !== null,
    owner: { host: hostname(), ...processOwner() },
    cache: {
      directory: state.stepCache,
      bytesMax: config.cache.max_bytes,
      keepMs: config.keep_ended,
    },
  };
}
