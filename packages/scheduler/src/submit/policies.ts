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
  /** What becomes of a submit whose key is held. */
  readonly dedup: DecideDedup;
  /** Whether and when a failed attempt is followed by another. */
  readonly retry: RetryPolicyFunction;
  /** Jobs with the same answer run one at a time (`perKey` says how many); null: no such limit. */
  readonly concurrencyKey: (job: Job) => string | null;
}

/**
 * As the job says, except that nobody coalesces into a job that is being stopped: its result would be "cancelled", which
 * is not what was asked for now.
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
