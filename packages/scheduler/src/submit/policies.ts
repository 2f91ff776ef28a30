/**
 * The replaceable policies of a scheduler: small pure functions. None of them can get more than the runtime grants. They
 * only decide order, duplicates, concurrency and retries.
 */
import type { Job } from "@agentcore/contract";
import { createRankPolicy, type RankPolicy } from "../claim-order.ts";
import type { DecideDedup } from "../job-store.ts";
import { decideRetry, type RetryPolicyFunction } from "../retry/retry-policy.ts";

export interface SchedulerPolicies {
  /** Place in line within a tenant; see `claim-order.ts`. */
  readonly rank: RankPolicy;
  /** What happens to a submit whose key is held. */
  readonly dedup: DecideDedup;
  /** Whether and when a failed attempt is followed by another. */
  readonly retry: RetryPolicyFunction;
  /** At most `perKey` jobs with the same result run at a time (default 1); null: no limit. */
  readonly concurrencyKey: (job: Job) => string | null;
}

/**
 * As the job says, except that no submit coalesces into a job that is being stopped: that job's result would be "cancelled", and
 * this submit wants the work done.
 */
export const decideDedup: DecideDedup = (incoming, holder) => {
  const beingStopped = holder.state.kind === "running" && holder.state.cancelRequested !== null;
  switch (incoming.dedup) {
    case "reject":
      return "reject";
    case "latest-wins":
      return "replace";
    case "coalesce":
      return beingStopped ? "replace" : "coalesce";
  }
};

export const defaultPolicies: SchedulerPolicies = {
  rank: createRankPolicy(),
  dedup: decideDedup,
  retry: decideRetry,
  concurrencyKey: (job) => job.task.workspace,
};
