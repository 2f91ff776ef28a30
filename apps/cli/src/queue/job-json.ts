/** Jobs in the form of `--json`, without fields that only claims and order need. Public interface. */
import type { AttemptRecord, JobRecord, LateResult } from "@agentcore/scheduler";

export function jobJson(record: JobRecord): Record<string, unknown> {
  const { job, state, submittedAt, attempt, spent, result } = record;
  return { id: job.id, state, submittedAt, attempt, spent, job, result };
}

export function jobDetailJson(
  record: JobRecord,
  attempts: readonly AttemptRecord[],
  lateResults: readonly LateResult[],
): Record<string, unknown> {
  return {
    ...jobJson(record),
    attempts: attempts.map(({ attempt, claimedAt, started, endedAt, result, decision }) => ({
      attempt,
      claimedAt,
      started: started === null ? null : { at: started.at, permit: started.permit },
      endedAt,
      decision,
      result,
    })),
    lateResults: lateResults.map(({ ref, at, kind, result }) => ({ attempt: ref.attempt, at, kind, result })),
  };
}
