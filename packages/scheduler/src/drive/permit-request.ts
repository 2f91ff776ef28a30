/** What the scheduler asks the runtime for on behalf of one attempt. */
import type { PermitRequest } from "@agentcore/contract";
import type { JobRecord } from "../job-record.ts";
import { leftOf } from "../retry/charge.ts";

export function permitRequestOf({ job, attempt, spent }: JobRecord): PermitRequest {
  const { task, limits, context } = job;
  return {
    jobId: job.id,
    attempt,
    maxAttempts: limits.maxAttempts,
    worker: task.worker,
    ...(task.model === undefined ? {} : { model: task.model }),
    ...(context.tenant === undefined ? {} : { tenant: context.tenant }),
    workspace: task.workspace,
    capabilities: task.capabilities,
    timeoutMs: limits.timeoutMs,
    ...leftOf(job, spent),
    ...(limits.silenceTimeoutMs === undefined ? {} : { silenceTimeoutMs: limits.silenceTimeoutMs }),
    priorityClass: job.priority.class,
    ...(job.requireContainment === undefined ? {} : { requireContainment: job.requireContainment }),
  };
}
