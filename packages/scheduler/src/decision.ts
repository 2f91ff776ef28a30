/** Decisions about a job with their reasons, which a store keeps for `why`. */
import type { Reason } from "./job-record.ts";

export type DecisionType =
  | "deferred"
  | "rejected"
  | "degraded"
  | "retry"
  | "dead"
  | "cancelled"
  | "lost"
  | "superseded"
  | "parked"
  | "stale"
  | "replayed";

export interface NewDecision extends Reason {
  readonly jobId: string;
  readonly at: number;
  /** 0 if no attempt had begun. */
  readonly attempt: number;
  readonly type: DecisionType;
}

export interface Decision extends NewDecision {
  /** How often in a row. */
  readonly count: number;
  readonly lastAt: number;
}
