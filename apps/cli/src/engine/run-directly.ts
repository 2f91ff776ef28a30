/**
 * One attempt of one job on the runtime of this process: permit, execution, result. Used by `run`, which needs no queue to
 * do one thing now.
 */
import type { Clock, ErrorCode, Job, PermitDecision, PermitRequest, Runtime } from "@agentcore/contract";
import { resultLine, type EndedWithoutAttempt } from "../result-line.ts";
import type { JobEnd, JobRun, JobRunOptions } from "./job-run.ts";

export function runDirectly(job: Job, runtime: Runtime, clock: Clock, options: JobRunOptions): JobRun {
  const attempt = 1;
  const stamp = () => ({ jobId: job.id, at: clock.now(), attempt });
  let permitId: string | null = null;
  let cancelled: string | null = null;
  let wake: () => void = () => {};

  const ask = async (): Promise<PermitDecision> => {
    for (;;) {
      const decision = await runtime.requestPermit(requestOf(job, attempt));
      if (decision.kind !== "deferred" || !options.wait || cancelled !== null) return decision;
      const { retryAfterMs, code, message, evidence } = decision;
      options.onEvent({ type: "permit_deferred", ...stamp(), retryAfterMs, code, message, evidence });
      await new Promise<void>((resolve) => {
        const timer = clock.setTimer(retryAfterMs, resolve);
        wake = () => {
          timer.cancel();
          resolve();
        };
      });
    }
  };

  const end = (result: JobEnd["result"], refused: boolean): JobEnd => {
    options.onEvent({
      type: "job_ended",
      jobId: job.id,
      at: clock.now(),
      outcome: result.outcome,
      attempts: result.attempts,
    });
    return { result, refused };
  };

  const go = async (): Promise<JobEnd> => {
    options.onEvent({ type: "job_submitted", jobId: job.id, at: clock.now(), deduplicated: false });
    const decision = await ask();
    if (decision.kind !== "granted") {
      if (cancelled !== null) return end(resultLine(job.id, [], cancelledEnd(cancelled)), false);
      const { code, message, evidence } = decision;
      options.onEvent({ type: "permit_rejected", ...stamp(), code, message, evidence });
      return end(resultLine(job.id, [], refusedEnd(code, message)), true);
    }
    const { permit } = decision;
    options.onEvent({ type: "permit_granted", ...stamp(), permit });
    permitId = permit.id;
    if (cancelled !== null) void runtime.cancel(permit.id, { message: cancelled });
    const result = await runtime.execute(permit.id, job.task, {
      onStarted: () => options.onEvent({ type: "attempt_started", ...stamp(), worker: job.task.worker }),
      onEvent: (event) => options.onEvent({ type: "worker_event", ...stamp(), event }),
    });
    options.onEvent({ type: "attempt_ended", ...stamp(), result });
    return end(resultLine(job.id, [result], null), false);
  };

  return {
    jobId: job.id,
    ended: go(),
    cancel: (message, immediate) => {
      if (cancelled === null && permitId !== null) {
        options.onEvent({
          type: "attempt_stopping",
          ...stamp(),
          code: "AC_CANCELLED",
          message,
          evidence: {},
        });
      }
      cancelled ??= message;
      wake();
      if (permitId !== null) void runtime.cancel(permitId, { message, immediate });
    },
  };
}

function requestOf(
  { id, task, limits, context, priority, requireContainment }: Job,
  attempt: number,
): PermitRequest {
  return {
    jobId: id,
    attempt,
    maxAttempts: limits.maxAttempts,
    worker: task.worker,
    workspace: task.workspace,
    capabilities: task.capabilities,
    timeoutMs: limits.timeoutMs,
    priorityClass: priority.class,
    ...(task.model === undefined ? {} : { model: task.model }),
    ...(context.tenant === undefined ? {} : { tenant: context.tenant }),
    ...(limits.maxCostUsd === undefined ? {} : { maxCostUsd: limits.maxCostUsd }),
    ...(limits.maxTokens === undefined ? {} : { maxTokens: limits.maxTokens }),
    ...(limits.silenceTimeoutMs === undefined ? {} : { silenceTimeoutMs: limits.silenceTimeoutMs }),
    ...(requireContainment === undefined ? {} : { requireContainment }),
  };
}

const cancelledEnd = (message: string): EndedWithoutAttempt => ({
  outcome: "cancelled",
  errorClass: "cancelled",
  code: "AC_CANCELLED",
  summary: message,
});

const refusedEnd = (code: ErrorCode, message: string): EndedWithoutAttempt => ({
  outcome: "failed",
  errorClass: null,
  code,
  summary: message,
});
