/** Checks a job of a program as the command line checks its options: everything that is wrong is found before it is stored. */
import { AgentCoreError, type JobSubmission, type WorkerAdapter } from "@agentcore/contract";
import { requireCapabilities } from "@agentcore/worker-kit";
import { didYouMeanWorker } from "../adapters.ts";
import { resolve } from "node:path";
import type { Config } from "../config/schema.ts";
import { checkJob, checkWorkspace } from "../options/job-from-options.ts";
import { requireKnownCost } from "../options/require-price.ts";

export interface JobChecks {
  readonly adapters: readonly WorkerAdapter[];
  readonly config: Config;
}

/**
 * The job with the absolute path of its workspace. Throws `AC_JOB_INVALID` with every wrong field, `AC_JOB_TOO_LARGE`,
 * `AC_WORKER_UNKNOWN`, `AC_CAPABILITY_UNSUPPORTED`, `AC_WORKSPACE_MISSING` or `AC_MODEL_UNPRICED`.
 */
export async function prepareJob(input: unknown, { adapters, config }: JobChecks): Promise<JobSubmission> {
  const job = checkJob(input);
  const adapter = requireAdapter(job.task.worker, adapters);
  requireCapabilities(adapter.name, adapter.capabilities, job.task.capabilities ?? []);
  const workspace = checkWorkspace(resolve(job.task.workspace));
  await requireKnownCost(adapter, job.task.model, config);
  return { ...job, task: { ...job.task, workspace } };
}

/** Throws `AC_WORKER_UNKNOWN` with the known names and the nearest one. */
export function requireAdapter(name: string, adapters: readonly WorkerAdapter[]): WorkerAdapter {
  const found = adapters.find((adapter) => adapter.name === name);
  if (found !== undefined) return found;
  const known = adapters.map((adapter) => adapter.name);
  throw new AgentCoreError(
    "AC_WORKER_UNKNOWN",
    `there is no worker "${name}"; there are ${known.join(", ")}${didYouMeanWorker(name, known)}`,
    { evidence: { worker: name, known } },
  );
}
