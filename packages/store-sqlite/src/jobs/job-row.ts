/**
 * The rows of a job, read as one, and the record that they stand for. What does not exist in the job's state is null or
 * not there, and is not looked at.
 */
import type { WorkerResult } from "@agentcore/contract";
import type {
  JobRecord,
  JobState,
  QueuedState,
  Reason,
  RunningState,
  StartedAttempt,
} from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { jobOf, jsonOr, unreadableReason } from "./damage.ts";

/** The table that says where a job stands. */
export type JobPlace = "ready" | "followers" | "delayed" | "running" | "ended";

/** What was submitted; never changes. */
export interface SubmittedRow {
  readonly seq: number;
  readonly id: string;
  readonly line: string;
  readonly key: string | null;
  readonly concurrency_key: string | null;
  readonly submitted_at: number;
  readonly ready_from: number;
  readonly rank: number;
}

export interface JobRow extends SubmittedRow {
  readonly place: JobPlace;
  readonly state: JobState["kind"];
  readonly attempt: number;
  readonly epoch: number;
  readonly cost_usd: number;
  readonly tokens: number;
  readonly run_at: number;
  readonly delay_ms: number | null;
  readonly waiting_for_json: string | null;
  readonly owner: string;
  readonly claimed_at: number;
  readonly revision: number;
  readonly started_json: string | null;
  readonly cancel_requested_json: string | null;
  readonly ended_at: number;
  readonly reason_json: string;
  readonly replayed_as: string | null;
  readonly job_json: string;
  readonly result_json?: string | null;
}

/** Where a job's row is, and what its change is guarded by. */
export interface PlacedRow extends SubmittedRow {
  readonly place: JobPlace;
  readonly state: JobState["kind"];
  readonly attempt: number;
  readonly epoch: number;
  /** While queued. */
  readonly run_at?: number;
  /** While running. */
  readonly revision?: number | null;
  readonly started_json?: string | null;
  /** Once dead. */
  readonly replayed_as?: string | null;
}

/** The rows beside the record that they stand for: the rows say where things are, the record what they mean. */
export interface StoredJob {
  readonly row: PlacedRow;
  readonly record: JobRecord;
}

export function findById(sql: Sql, id: string): StoredJob | undefined {
  return storedJob(sql.get("SELECT * FROM job_rows WHERE id = ?", id));
}

/** By id or by the id of a submission that was coalesced into it. */
export function findByAnyId(sql: Sql, id: string): StoredJob | undefined {
  return (
    findById(sql, id) ??
    storedJob(sql.get("SELECT r.* FROM aliases x JOIN job_rows r ON r.seq = x.job WHERE x.alias = ?", id))
  );
}

export function findHolder(sql: Sql, key: string): StoredJob | undefined {
  return storedJob(
    sql.get("SELECT r.* FROM key_holders h JOIN job_rows r ON r.seq = h.job WHERE h.key = ?", key),
  );
}

/** Continues with WHERE or ORDER BY; `r` is the table `running`. As `job_rows`, for running jobs only, and quicker. */
export const selectRunning = `
  SELECT j.seq, j.id, j.line, j.key, j.concurrency_key, j.submitted_at, j.ready_from, j.rank, j.job_json,
    'running' AS place, 'running' AS state, r.attempt, r.epoch, r.cost_usd, r.tokens,
    r.owner, r.claimed_at, r.revision, r.started_json, r.cancel_requested_json
  FROM running r JOIN jobs j ON j.seq = r.job AND coalesce(j.concurrency_key, '') = r.lane`;

const selectRunningById = `${selectRunning} WHERE j.id = ?`;

export function findRunning(sql: Sql, id: string): StoredJob | undefined {
  return storedJob(sql.get(selectRunningById, id));
}

/** What of a job stands in `ready`. */
export type ReadyRow = Pick<
  SubmittedRow,
  "line" | "id" | "rank" | "key" | "concurrency_key" | "ready_from"
> & {
  readonly job: number;
};

const selectQueued = `
  SELECT j.submitted_at, j.job_json, j.run_at, j.delay_ms,
    p.attempt, p.epoch, p.cost_usd, p.tokens, p.run_at AS again_at, p.delay_ms AS again_delay_ms, p.waiting_for_json
  FROM jobs j LEFT JOIN requeued p ON p.job = j.seq WHERE j.seq = ?`;

type QueuedValues = readonly [
  submittedAt: number,
  jobJson: string,
  runAt: number,
  delayMs: number | null,
  attempt: number | null,
  epoch: number,
  costUsd: number,
  tokens: number,
  runAgainAt: number,
  againDelayMs: number | null,
  waitingForJson: string | null,
];

/** A job in `ready`, with what its row there does not say. */
export function readyJob(sql: Sql, ready: ReadyRow): StoredJob {
  const { job: seq, id, line, rank, key, concurrency_key, ready_from } = ready;
  const values = sql.values(selectQueued, seq) as unknown as QueuedValues;
  const submitted_at = values[0];
  const { attempt, epoch, spent, state } = standingOf(values);
  const submitted = { seq, id, line, key, concurrency_key, submitted_at, ready_from, rank };
  return {
    row: { ...submitted, place: "ready", state: "queued", attempt, epoch, run_at: state.runAt },
    record: {
      job: jobOf(values[1], ready),
      state,
      submittedAt: submitted_at,
      attempt,
      epoch,
      spent,
      rank,
      readyFrom: ready_from,
      concurrencyKey: concurrency_key,
      result: null,
    },
  };
}

function standingOf(
  values: QueuedValues,
): Pick<JobRecord, "attempt" | "epoch" | "spent"> & { readonly state: QueuedState } {
  const attempt = values[4];
  if (attempt === null) {
    const state: QueuedState = { kind: "queued", runAt: values[2], delayMs: values[3], waitingFor: null };
    return { attempt: 0, epoch: 0, spent: { costUsd: 0, tokens: 0 }, state };
  }
  const waitingFor = parsed(values[10]) as Reason | null;
  return {
    attempt,
    epoch: values[5],
    spent: { costUsd: values[6], tokens: values[7] },
    state: { kind: "queued", runAt: values[8], delayMs: values[9], waitingFor },
  };
}

export function recordsOf(rows: readonly unknown[]): readonly JobRecord[] {
  return (rows as readonly JobRow[]).map((row) => recordOf(row));
}

function storedJob(found: unknown): StoredJob | undefined {
  if (found === undefined) return undefined;
  const row = found as JobRow;
  return { row, record: recordOf(row) };
}

export function recordOf(row: JobRow): JobRecord {
  return {
    job: jobOf(row.job_json, row),
    state: stateOf(row),
    submittedAt: row.submitted_at,
    attempt: row.attempt,
    epoch: row.epoch,
    spent: { costUsd: row.cost_usd, tokens: row.tokens },
    rank: row.rank,
    readyFrom: row.ready_from,
    concurrencyKey: row.concurrency_key,
    result: parsed(row.result_json ?? null) as WorkerResult | null,
  };
}

function stateOf(row: JobRow): JobState {
  switch (row.state) {
    case "queued":
      return {
        kind: "queued",
        runAt: row.run_at,
        delayMs: row.delay_ms,
        waitingFor: parsed(row.waiting_for_json) as Reason | null,
      };
    case "running":
      return runningStateOf(row);
    case "succeeded":
      return { kind: "succeeded", endedAt: row.ended_at };
    case "dead":
      return {
        kind: "dead",
        endedAt: row.ended_at,
        reason: reasonOf(row),
        replayedAs: row.replayed_as,
      };
    case "cancelled":
      return { kind: "cancelled", endedAt: row.ended_at, reason: reasonOf(row) };
  }
}

function runningStateOf(
  row: Pick<JobRow, "owner" | "claimed_at" | "started_json" | "cancel_requested_json">,
): RunningState {
  return {
    kind: "running",
    owner: row.owner,
    claimedAt: row.claimed_at,
    started: parsed(row.started_json) as StartedAttempt | null,
    cancelRequested: parsed(row.cancel_requested_json) as Reason | null,
  };
}

function reasonOf({ reason_json }: JobRow): Reason {
  return jsonOr(reason_json, unreadableReason) as Reason;
}

/** Null also where it cannot be read. */
export function parsed(json: unknown): unknown {
  return json === null ? null : jsonOr(json, null);
}

export function jsonOf(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
