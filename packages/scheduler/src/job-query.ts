/** What a job query means, as a predicate: for stores that look at records one by one, and as the reference for others. */
import type { JobRecord } from "./job-record.ts";
import type { JobQuery } from "./job-store.ts";

export const listLimitDefault = 100;
export const listLimitMax = 1000;

export function matchesQuery(record: JobRecord, query: JobQuery): boolean {
  const { job, state } = record;
  const reasonCode = state.kind === "dead" || state.kind === "cancelled" ? state.reason.code : undefined;
  return (
    (query.states === undefined || query.states.includes(state.kind)) &&
    (query.worker === undefined || job.task.worker === query.worker) &&
    (query.tenant === undefined || job.context.tenant === query.tenant) &&
    (query.key === undefined || job.key === query.key) &&
    (query.code === undefined || reasonCode === query.code) &&
    (query.notReplayed !== true || state.kind !== "dead" || state.replayedAs === null) &&
    (query.ids === undefined || query.ids.includes(job.id)) &&
    (query.errorClass === undefined || record.result?.errorClass === query.errorClass) &&
    isWithin(record.submittedAt, query.submittedAfter, query.submittedBefore) &&
    isWithin("endedAt" in state ? state.endedAt : null, query.endedAfter, query.endedBefore) &&
    (query.before === undefined || job.id < query.before) &&
    Object.entries(query.labels ?? {}).every(([name, value]) => job.context.labels[name] === value)
  );
}

/** No moment is within no bounds only. */
function isWithin(at: number | null, after: number | undefined, before: number | undefined): boolean {
  if (at === null) return after === undefined && before === undefined;
  return (after === undefined || at >= after) && (before === undefined || at < before);
}
