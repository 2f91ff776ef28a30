/** Builds the permit request of an attempt. */
import { omitUndefined, type Job, type PermitRequest, type WorkerTask } from "@agentcore/contract";
import type { JobRecord } from "../job-record.ts";
import { originOf } from "../about-attempt.ts";
import { runOfPiece } from "../piece.ts";
import { leftOf } from "../retry/charge.ts";

export function permitRequestOf({ job, attempt, spent }: JobRecord): PermitRequest {
  const isPiece = runOfPiece(job) !== null;
  const { task, limits, context } = job;
  return {
    jobId: job.id,
    attempt,
    maxAttempts: limits.maxAttempts,
    worker: task.worker,
    ...omitUndefined({ model: task.model, tenant: context.tenant }),
    workspace: task.workspace,
    capabilities: task.capabilities,
    timeoutMs: limits.timeoutMs,
    ...leftOf(job, spent),
    ...omitUndefined({ silenceTimeoutMs: limits.silenceTimeoutMs, deadline: limits.deadline }),
    priorityClass: job.priority.class,
    ...omitUndefined({ requireContainment: job.requireContainment }),
    ...(isPiece ? { sharesWorkspace: true } : {}),
    ...originOf(job),
  };
}

/** The task as it is executed: with the caller's trace context, unless the task names its own. */
export function executedTask({ task, context: { traceparent } }: Job): WorkerTask {
  if (traceparent === undefined) return task;
  return { ...task, env: { TRACEPARENT: traceparent, ...task.env } };
}
