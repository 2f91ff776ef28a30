/**
 * The row of a job and the record that it stands for. A row is read whole, with the job as submitted and, once it has
 * ended, with the result of its last attempt; what a row's state does not use is ignored.
 */
import type { Job, WorkerResult } from "@agentcore/contract";
import type { JobRecord, JobState, Reason, StartedAttempt } from "@agentcore/scheduler";
import type { SqlValue } from "../driver.ts";
import type { Sql } from "../sql.ts";

export interface JobRow {
  readonly seq: number;
  readonly id: string;
  readonly state: JobState["kind"];
  readonly line: number;
  readonly key: string | null;
  readonly concurrency_key: string | null;
  readonly submitted_at: number;
  readonly ready_from: number;
  readonly rank: number;
  readonly attempt: number;
  readonly epoch: number;
  readonly cost_usd: number;
  readonly tokens: number;
  readonly run_at: number;
  readonly delay_ms: number | null;
  readonly ready: number;
  readonly front: number;
  readonly waiting_for_json: string | null;
  readonly owner: string;
  readonly claimed_at: number;
  readonly started_json: string | null;
  readonly cancel_requested_json: string | null;
  readonly ended_at: number;
  readonly reason_json: string;
  readonly replayed_as: string | null;
  readonly job_json: string;
  readonly result_json: string | null;
}

/** A row beside the record that it stands for: the row says where things are, the record what they mean. */
export interface StoredJob {
  readonly row: JobRow;
  readonly record: JobRecord;
}

/** Continues with WHERE, ORDER BY or a further JOIN; `j` is the job. */
export const selectJob = `
  SELECT j.seq, j.id, j.state, j.line, j.key, j.concurrency_key, j.submitted_at, j.ready_from, j.rank,
    j.attempt, j.epoch, j.cost_usd, j.tokens, j.run_at, j.delay_ms, j.ready, j.front, j.waiting_for_json,
    j.owner, j.claimed_at, j.started_json, j.cancel_requested_json, j.ended_at, j.reason_json, j.replayed_as,
    t.job_json,
    CASE WHEN j.ended_at IS NULL THEN NULL ELSE (
      SELECT a.result_json FROM attempts a WHERE a.job = j.seq AND a.attempt = j.attempt AND a.decision <> 'retry'
    ) END AS result_json
  FROM jobs j JOIN job_texts t ON t.job = j.seq`;

export function findById(sql: Sql, id: string): StoredJob | undefined {
  return storedJob(sql.get(`${selectJob} WHERE j.id = ?`, id));
}

/** By id or by the id of a submission that was coalesced into it. */
export function findByAnyId(sql: Sql, id: string): StoredJob | undefined {
  return (
    findById(sql, id) ??
    storedJob(sql.get(`${selectJob} JOIN aliases x ON x.job = j.seq WHERE x.alias = ?`, id))
  );
}

export function findHolder(sql: Sql, key: string): StoredJob | undefined {
  return storedJob(sql.get(`${selectJob} WHERE j.key = ? AND j.holds_key = 1`, key));
}

export function recordsOf(rows: readonly unknown[]): readonly JobRecord[] {
  return rows.map((row) => recordOf(row as JobRow));
}

function storedJob(found: unknown): StoredJob | undefined {
  if (found === undefined) return undefined;
  const row = found as JobRow;
  return { row, record: recordOf(row) };
}

export function recordOf(row: JobRow): JobRecord {
  return {
    job: JSON.parse(row.job_json) as Job,
    state: stateOf(row),
    submittedAt: row.submitted_at,
    attempt: row.attempt,
    epoch: row.epoch,
    spent: { costUsd: row.cost_usd, tokens: row.tokens },
    rank: row.rank,
    readyFrom: row.ready_from,
    concurrencyKey: row.concurrency_key,
    result: parsed(row.result_json) as WorkerResult | null,
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
      return {
        kind: "running",
        owner: row.owner,
        claimedAt: row.claimed_at,
        started: parsed(row.started_json) as StartedAttempt | null,
        cancelRequested: parsed(row.cancel_requested_json) as Reason | null,
      };
    case "succeeded":
      return { kind: "succeeded", endedAt: row.ended_at };
    case "dead":
      return {
        kind: "dead",
        endedAt: row.ended_at,
        reason: JSON.parse(row.reason_json) as Reason,
        replayedAs: row.replayed_as,
      };
    case "cancelled":
      return { kind: "cancelled", endedAt: row.ended_at, reason: JSON.parse(row.reason_json) as Reason };
  }
}

function parsed(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}

export function jsonOf(value: object | null): SqlValue {
  return value === null ? null : JSON.stringify(value);
}
