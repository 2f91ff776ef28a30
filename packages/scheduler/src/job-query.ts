/**
 * Which jobs a store is asked for. What a query means stands here as a predicate, too: for stores that look at records one by
 * one, and as the reference for others.
 */
import type { ErrorClass } from "@agentcore/contract";
import type { JobRecord, JobStateKind } from "./job-record.ts";
import { runOfPiece } from "./piece.ts";

export interface JobQuery {
  readonly states?: readonly JobStateKind[];
  readonly worker?: string;
  readonly tenant?: string;
  readonly key?: string;
  /** All of these labels with these values. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Code of the reason for which a job is dead or cancelled. */
  readonly code?: string;
  /** Dead letters: leave out those replayed already. */
  readonly notReplayed?: boolean;
  /** Leave out the pieces of workflow runs. */
  readonly notPieces?: boolean;
  /** Only these ids. */
  readonly ids?: readonly string[];
  /** Error class of the result that ended the job. */
  readonly errorClass?: ErrorClass;
  /** Moments in ms since the epoch. `before` excludes the moment itself, `after` includes it. */
  readonly submittedBefore?: number;
  readonly submittedAfter?: number;
  /** Only jobs that have ended. */
  readonly endedBefore?: number;
  readonly endedAfter?: number;
  /** Cursor: only ids below this one. */
  readonly before?: string;
  /** 1 to 1,000; default 100. */
  readonly limit?: number;
}

export interface JobPage {
  readonly jobs: readonly JobRecord[];
  /** Pass as `before` for the next page; null: this was the last. */
  readonly next: string | null;
}

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
    (query.notPieces !== true || runOfPiece(job) === null) &&
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
