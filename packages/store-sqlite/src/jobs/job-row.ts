/**
 * Converts a row of the view `job_rows` (a job with its latest attempt) into a record. Columns that do not apply to the
 * job's state are null and ignored.
 */
import type { WorkerResult } from "@agentcore/contract";
import type { JobRecord, JobState, Reason, StartedAttempt } from "@agentcore/scheduler";
import type { SqlValue, SqlValues } from "../driver.ts";
import type { Sql } from "../sql.ts";
import { jobOf, jsonOr, unreadableReason } from "./damage.ts";

/** The place of a queued job; see `schema-queue.ts`. */
export type QueuedPlace = "ready" | "behind" | "moment" | "key" | "piece";
export type Place = QueuedPlace | Exclude<JobState["kind"], "queued">;

export interface JobRow {
  readonly number: number;
  readonly id: string;
  readonly state: Place;
  readonly claim_group: number;
  /** The concurrency key. */
  readonly workspace: string | null;
  readonly key: string | null;
  readonly submitted_at: number;
  readonly ready_from: number;
  readonly rank: number;
  readonly run_at: number;
  readonly delay_ms: number | null;
  readonly attempt: number;
  readonly epoch: number;
  readonly cost_usd: number;
  readonly tokens: number;
  readonly owner: string;
  readonly claimed_at: number;
  readonly started_json: string | null;
  readonly reason_json: string | null;
  readonly ended_at: number;
  readonly end_number: number | null;
  readonly replayed_as: string | null;
  /** Number of its latest ended attempt. */
  readonly last_attempt: number | null;
  readonly job_json: string;
  readonly result_json: string | null;
}

/** A row and its record. The row says where the job is stored; the record says what that means. */
export interface StoredJob {
  readonly row: JobRow;
  readonly record: JobRecord;
}

export function findById(sql: Sql, id: string): StoredJob | undefined {
  return storedJob(sql.values("SELECT * FROM job_rows WHERE id = ?", id));
}

export function findByNumber(sql: Sql, number: number): StoredJob | undefined {
  return storedJob(sql.values("SELECT * FROM job_rows WHERE number = ?", number));
}

/** By id or by the id of a submission that was coalesced into it. */
export function findByAnyId(sql: Sql, id: string): StoredJob | undefined {
  return (
    findById(sql, id) ??
    storedJob(
      sql.values("SELECT r.* FROM aliases x JOIN job_rows r ON r.number = x.job WHERE x.alias = ?", id),
    )
  );
}

/** The unfinished job that holds an idempotency key. */
export function findHolder(sql: Sql, key: string): StoredJob | undefined {
  return storedJob(
    sql.values("SELECT r.* FROM key_holders h JOIN job_rows r ON r.number = h.job WHERE h.key = ?", key),
  );
}

export function recordsOf(rows: readonly unknown[]): readonly JobRecord[] {
  return (rows as readonly JobRow[]).map(recordOf);
}

function storedJob(values: SqlValues | undefined): StoredJob | undefined {
  if (values === undefined) return undefined;
  const row = rowOf(values);
  return { row, record: recordOf(row) };
}

/** `values` are the columns of the view `job_rows`, in order: SQLite takes three times as long for rows with names. */
function rowOf(values: SqlValues): JobRow {
  const row: Readonly<Record<keyof JobRow, SqlValue | undefined>> = {
    number: values[0],
    id: values[1],
    state: values[2],
    claim_group: values[3],
    workspace: values[4],
    key: values[5],
    submitted_at: values[6],
    ready_from: values[7],
    rank: values[8],
    run_at: values[9],
    delay_ms: values[10],
    attempt: values[11],
    epoch: values[12],
    cost_usd: values[13],
    tokens: values[14],
    owner: values[15],
    claimed_at: values[16],
    started_json: values[17],
    reason_json: values[18],
    ended_at: values[19],
    end_number: values[20],
    replayed_as: values[21],
    last_attempt: values[22],
    job_json: values[23],
    result_json: values[24],
  };
  return row as JobRow;
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
    concurrencyKey: row.workspace,
    result: parsed(row.result_json) as WorkerResult | null,
  };
}

function stateOf(row: JobRow): JobState {
  const reason = parsed(row.reason_json) as Reason | null;
  const endedAt = row.ended_at;
  switch (row.state) {
    case "ready":
    case "behind":
    case "moment":
    case "key":
    case "piece":
      return { kind: "queued", runAt: row.run_at, delayMs: row.delay_ms, waitingFor: reason };
    case "running":
      return {
        kind: "running",
        owner: row.owner,
        claimedAt: row.claimed_at,
        started: parsed(row.started_json) as StartedAttempt | null,
        cancelRequested: reason,
      };
    case "succeeded":
      return { kind: "succeeded", endedAt };
    case "dead":
      return { kind: "dead", endedAt, reason: reason ?? unreadableReason, replayedAs: row.replayed_as };
    case "cancelled":
      return { kind: "cancelled", endedAt, reason: reason ?? unreadableReason };
  }
}

/** Null if the JSON is null or cannot be read. */
export function parsed(json: unknown): unknown {
  return json === null ? null : jsonOr(json, null);
}

export function jsonOf(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
