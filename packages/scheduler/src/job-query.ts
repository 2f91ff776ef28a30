/**
 * Queries for jobs. The meaning of a query is also defined here as a predicate, for stores that check records one by one,
 * and as the reference for others.
 */
import type { ErrorClass } from "@agentcore/contract";
import type { JobRecord, JobStateKind } from "./job-record.ts";
import { runOfPiece } from "./piece.ts";

export interface JobQuery {
  readonly states?: readonly JobStateKind[];
  readonly worker?: string;
  /** Its whole path. */
  readonly workspace?: string;
  /** Somewhere in the instructions; the letters A to Z match in either case. */
  readonly text?: string;
  readonly tenant?: string;
  readonly key?: string;
  /** Jobs that have all of these labels with these values. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Code of the reason why a job is dead or cancelled. */
  readonly code?: string;
  /** Dead letters: leave out those that were replayed. */
  readonly notReplayed?: boolean;
  /** Leave out the pieces of workflow runs. */
  readonly notPieces?: boolean;
  /** Only these ids. */
  readonly ids?: readonly string[];
  /** Only ids that end so. All of these have the same length. */
  readonly idEndings?: readonly string[];
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

type Criterion = Exclude<keyof JobQuery, "limit">;

/** What each part of a query requires of a job. A job that has no such value does not match. */
const criteria: {
  readonly [Name in Criterion]-?: (record: JobRecord, wanted: NonNullable<JobQuery[Name]>) => boolean;
} = {
  states: ({ state }, states) => states.includes(state.kind),
  worker: ({ job }, worker) => job.task.worker === worker,
  workspace: ({ job }, workspace) => job.task.workspace === workspace,
  text: ({ job }, text) => lowerAscii(job.task.instructions).includes(lowerAscii(text)),
  tenant: ({ job }, tenant) => job.context.tenant === tenant,
  key: ({ job }, key) => job.key === key,
  labels: ({ job }, labels) =>
    Object.entries(labels).every(([name, value]) => job.context.labels[name] === value),
  code: ({ state }, code) =>
    (state.kind === "dead" || state.kind === "cancelled") && state.reason.code === code,
  notReplayed: ({ state }, isWanted) => !isWanted || state.kind !== "dead" || state.replayedAs === null,
  notPieces: ({ job }, isWanted) => !isWanted || runOfPiece(job) === null,
  ids: ({ job }, ids) => ids.includes(job.id),
  idEndings: ({ job }, endings) => endings.some((ending) => job.id.endsWith(ending)),
  errorClass: ({ result }, errorClass) => result?.errorClass === errorClass,
  submittedBefore: ({ submittedAt }, at) => submittedAt < at,
  submittedAfter: ({ submittedAt }, at) => submittedAt >= at,
  endedBefore: ({ state }, at) => "endedAt" in state && state.endedAt < at,
  endedAfter: ({ state }, at) => "endedAt" in state && state.endedAt >= at,
  before: ({ job }, id) => job.id < id,
};

/** As SQLite's `lower`. */
const lowerAscii = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

export function matchesQuery(record: JobRecord, query: JobQuery): boolean {
  return Object.entries(criteria).every(([name, meets]) => {
    const wanted: unknown = query[name as Criterion];
    return wanted === undefined || (meets as (record: JobRecord, wanted: unknown) => boolean)(record, wanted);
  });
}
