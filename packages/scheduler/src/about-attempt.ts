/** What a line of the log about an attempt says: its job and number, and the workflow run and trace, if it belongs to some. */
import { omitUndefined, type Evidence, type Job } from "@agentcore/contract";
import type { JobRecord } from "./job-record.ts";
import { runOfPiece } from "./piece.ts";

export function aboutAttempt({ job, attempt }: Pick<JobRecord, "job" | "attempt">) {
  return { job: job.id, attempt, ...originOf(job) };
}

/** `trace`: the id in the job's trace context. */
export function originOf(job: Pick<Job, "context">): { readonly run?: string; readonly trace?: string } {
  const trace = job.context.traceparent?.split("-")[1];
  return omitUndefined({ run: runOfPiece(job) ?? undefined, trace });
}

/** Evidence names a job by `jobId`. */
export function aboutEvidence({ jobId: job, ...evidence }: Evidence): Readonly<Record<string, unknown>> {
  return job === undefined ? evidence : { job, ...evidence };
}
