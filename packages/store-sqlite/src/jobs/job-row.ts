/**
 * Converts a row of the view `job_rows` (a job with its latest attempt) into a record. Columns that do not apply to the
 * job's state are null and ignored.
 */
import { type JobColumns, type JobRecord, type JobTexts, recordOf } from "@agentcore/scheduler";
import type { SqlValue, SqlValues } from "../driver.ts";
import type { Sql } from "../sql.ts";

export interface JobRow extends JobColumns, JobTexts {
  readonly number: number;
  readonly claim_group: number;
  /** Number of its latest ended attempt. */
  readonly last_attempt: number | null;
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
