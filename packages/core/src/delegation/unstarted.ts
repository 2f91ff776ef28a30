/** Results of runs whose worker never started: the same shape as any other, with nothing used and nothing left behind. */
import {
  type ErrorClass,
  type ErrorCode,
  type Outcome,
  type StopCause,
  unknownUsage,
  type WorkerResult,
} from "@agentcore/contract";

export interface UnstartedFacts {
  readonly outcome: Outcome;
  readonly errorClass: ErrorClass;
  readonly code: ErrorCode;
  readonly summary: string;
  readonly startedAt: number;
  readonly durationMs: number;
}

export function unstartedResult(facts: UnstartedFacts): WorkerResult {
  return {
    ...facts,
    retryAfterMs: null,
    artifacts: [],
    observations: { commands: [], filesChanged: [] },
    usage: unknownUsage,
    costUsd: 0,
    costBasis: "none",
    session: null,
    exitCode: null,
    containment: null,
  };
}

const endings: Readonly<Record<StopCause["kind"], { outcome: Outcome; errorClass: ErrorClass }>> = {
  cancelled: { outcome: "cancelled", errorClass: "cancelled" },
  deadline: { outcome: "timed_out", errorClass: "timeout" },
  stalled: { outcome: "stalled", errorClass: "stalled" },
  budget: { outcome: "budget_exhausted", errorClass: "budget_exhausted" },
  runtime_lost: { outcome: "lost", errorClass: "lost" },
  isolated: { outcome: "cancelled", errorClass: "cancelled" },
};

/** The end of a run that was stopped before its worker started. */
export function endingOf(cause: StopCause): { outcome: Outcome; errorClass: ErrorClass } {
  return endings[cause.kind];
}
