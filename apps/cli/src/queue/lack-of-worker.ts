/** Whether this machine has a worker: on a shared store, its jobs can wait for a machine that does. */
import { type Denial, isAgentCoreError, type WorkerAdapter } from "@agentcore/contract";
import { requireInstalled } from "@agentcore/worker-kit";
import type { Environment } from "@agentcore/yaml-file";
import { hostname } from "node:os";
import type { Config } from "../config/schema.ts";

export interface WorkersHere {
  readonly adapters: readonly WorkerAdapter[];
  readonly config: Config;
  readonly env: Environment;
}

/** Why it cannot run here: the configuration does not name it, or its program is missing; null: it can. Runs nothing. */
export function lackOfWorker(worker: string, { adapters, config, env }: WorkersHere): Denial | null {
  const lacking = (code: Denial["code"], what: string): Denial => ({
    code,
    message: `waits for a host that has the worker ${worker}; on ${hostname()}: ${what}`,
    evidence: { worker, host: hostname() },
  });
  const adapter = adapters.find(({ name }) => name === worker);
  if (adapter === undefined) return lacking("AC_WORKER_UNKNOWN", "the configuration does not name it");
  try {
    requireInstalled(adapter, { hostEnv: env, path: config.workers[worker]?.program });
    return null;
  } catch (error) {
    if (isAgentCoreError(error)) return lacking(error.code, error.message);
    throw error;
  }
}
