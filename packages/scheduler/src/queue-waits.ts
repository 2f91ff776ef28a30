/** What a store tells about the jobs that wait, in figures, so that the cost does not grow with the queue. */
import type { Priority } from "@agentcore/contract";
import type { JobRecord, Reason } from "./job-record.ts";

export interface WaitsRequest {
  readonly now: number;
  /** Concurrency keys whose due jobs are counted. Keep it short: each is looked up. */
  readonly keys: readonly string[];
}

/** Most lines, and most single jobs, of `QueueWaits`. */
export const waitsMax = 500;

export interface QueueWaits {
  /** The due jobs that are no pieces, in parts that a claim takes or excludes alike, the longest first. */
  readonly lines: readonly WaitingLine[];
  /** Of the requested concurrency keys. Their jobs are in `lines` as well. */
  readonly ofKeys: readonly (WaitingLine & { readonly concurrencyKey: string })[];
  /** The others, in no order: delayed jobs, those that wait for the end of a job with their idempotency key, and pieces. */
  readonly others: readonly WaitingJob[];
  /** How many others there are; `others` has at most `waitsMax` of them. */
  readonly othersInAll: number;
}

/** What a claim takes or excludes alike. */
export interface ClaimGroup {
  readonly tenant: string | null;
  readonly worker: string;
  readonly model: string | null;
  readonly class: Priority["class"];
}

export function claimGroupOf({ job }: JobRecord): ClaimGroup {
  const { worker, model = null } = job.task;
  return { tenant: job.context.tenant ?? null, worker, model, class: job.priority.class };
}

export interface WaitingLine extends ClaimGroup {
  readonly jobs: number;
  /** The first in line, or one that waits for another job with its concurrency key. */
  readonly first: { readonly jobId: string; readonly readyFrom: number };
}

export interface WaitingJob extends ClaimGroup {
  readonly jobId: string;
  readonly kind: "delayed" | "key" | "piece";
  readonly concurrencyKey: string | null;
  readonly runAt: number;
  readonly readyFrom: number;
  /** The reason of its last refusal or retry. */
  readonly waitingFor: Reason | null;
}
