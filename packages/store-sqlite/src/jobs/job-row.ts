/**
 * Converts a row of the view `job_rows` (a job with its latest attempt) into a record. Columns that do not apply to the
 * job's state are null and ignored.
 */
import type { WorkerResult } from "@agentcore/contract";
import type { JobRecord, JobState, Reason, StartedAttempt } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { jobOf, jsonOr, unreadableReason } from "./damage.ts";

/** What a queued job waits for; see `schema-queue.ts`. */
export type Wait = "moment" | "key" | "run" | null;

export interface JobRow {
  readonly number: number;
  readonly id: string;
  readonly state: JobState["kind"];
  readonly wait: Wait;
  readonly claim_group: number;
  /** That of the claim group. */
  readonly worker: string;
  readonly key: string | null;
  readonly concurrency_key: string | null;
  readonly submitted_at: number;
  readonly ready_from: number;
  readonly rank: number;
  readonly run_at: number;
  readonly delay_ms: number | null;
  readonly attempt: number;
  readonly epoch: number;
  readonly cost_usd: number;
  readonly tokens: number;
  readonly ended_at: number;
  readonly reason_json: string | null;
  readonly replayed_as: string | null;
  readonly job_json: string;
  readonly owner: string;
  readonly claimed_at: number;
  readonly started_json: string | null;
  readonly result_json: string | null;
}

/** A row beside the record that it stands for: the row says where the job is, the record what that means. */
export interface StoredJob {
  readonly row: JobRow;
  readonly record: JobRecord;
}

export function findById(sql: Sql, id: string): StoredJob | undefined {
  return storedJob(sql.get("SELECT * FROM job_rows WHERE id = ?", id));
}

export function findByNumber(sql: Sql, number: number): StoredJob | undefined {
  return storedJob(sql.get("SELECT * FROM job_rows WHERE number = ?", number));
}

/** By id or by the id of a submission that was coalesced into it. */
export function findByAnyId(sql: Sql, id: string): StoredJob | undefined {
  return (
    findById(sql, id) ??
    storedJob(sql.get("SELECT r.* FROM aliases x JOIN job_rows r ON r.number = x.job WHERE x.alias = ?", id))
  );
}

/** The unfinished job that holds an idempotency key. */
export function findHolder(sql: Sql, key: string): StoredJob | undefined {
  return storedJob(
    sql.get("SELECT r.* FROM key_holders h JOIN job_rows r ON r.number = h.job WHERE h.key = ?", key),
  );
}

export function recordsOf(rows: readonly unknown[]): readonly JobRecord[] {
  return (rows as readonly JobRow[]).map(recordOf);
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
    result: parsed(row.result_json) as WorkerResult | null,
  };
}

function stateOf(row: JobRow): JobState {
  const reason = parsed(row.reason_json) as Reason | null;
  const endedAt = row.ended_at;
  switch (row.state) {
    case "queued":
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

/** Null even if it cannot be read. */
export function parsed(json: unknown): unknown {
  return json === null ? null : jsonOr(json, null);
}

export function jsonOf(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
