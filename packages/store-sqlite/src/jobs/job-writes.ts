/**
 * The only functions that write jobs. `insertJob` adds one; `applyEvent` calls the scheduler's transition function and
 * writes the job's row again. Everything runs in one transaction, so the row is the one that was read.
 */
import { assert } from "@agentcore/contract";
import {
  type JobEffect,
  type JobEvent,
  type JobRecord,
  type Place,
  type Submission,
  changedColumns,
  isTerminal,
  jsonOf,
  newRecord,
  runOfPiece,
  transition,
} from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { groupOf } from "./claim-group.ts";
import type { JobRow, StoredJob } from "./job-row.ts";
import { countDue, endMark, enterQueue, letNextIn, releaseKey } from "./queue.ts";

type AttemptClosed = Extract<JobEffect, { type: "attempt_closed" }>;

/**
 * `jobJson`: the job as text, made before the transaction. Returns `undefined`, and writes nothing, if the id is already known as
 * a job's id or as an alias.
 */
export function insertJob(sql: Sql, submission: Submission, jobJson: string): JobRecord | undefined {
  const { job, submittedAt, runAt, delayMs, rank, readyFrom, concurrencyKey: workspace } = submission;
  const { id, key = null } = job;
  if (isKnown(sql, id)) return undefined;
  const group = groupOf(sql, job);
  // It will get the highest number.
  const queued = { number: Infinity, id, key, workspace, claim_group: group, rank };
  const place = enterQueue(sql, queued, { isPiece: runOfPiece(job) !== null, delayMs });
  const number = sql.insert(
    `INSERT INTO jobs (id, state, claim_group, workspace, key, submitted_at, ready_from, rank, run_at, delay_ms,
       attempt, epoch, cost_usd, tokens)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0)`,
    id,
    place,
    group,
    workspace,
    key,
    submittedAt,
    readyFrom,
    rank,
    runAt,
    delayMs,
  );
  assert(number !== undefined, `job ${id} was not added`);
  sql.run("INSERT INTO job_texts VALUES (?, ?)", number, jobJson);
  countDue(sql, group, null, place);
  if (key !== null) sql.run("INSERT OR REPLACE INTO key_holders VALUES (?, ?)", key, number);
  return newRecord(submission);
}

function isKnown(sql: Sql, id: string): boolean {
  const known = sql.values(
    "SELECT EXISTS (SELECT 1 FROM jobs WHERE id = ?) OR EXISTS (SELECT 1 FROM aliases WHERE alias = ?)",
    id,
    id,
  );
  return known?.[0] === 1;
}

/** The record after the event. Undefined if the event is stale; then nothing was written. */
export function applyEvent(sql: Sql, { row, record }: StoredJob, event: JobEvent): JobRecord | undefined {
  const next = transition(record, event);
  if (!next.applied) return undefined;
  const { record: after, effects } = next;
  const closed = effects.find((effect) => effect.type === "attempt_closed");
  const lastAttempt = closed === undefined ? row.last_attempt : insertAttempt(sql, row, closed);
  const place = placeOf(sql, row, after);
  writeRow(sql, row, after, place, lastAttempt);
  if (place === row.state) return after;
  countDue(sql, row.claim_group, row.state, place);
  if (row.state === "running" || (row.state === "ready" && place !== "running")) letNextIn(sql, row);
  if (row.key === null) return after;
  if (isTerminal(after.state))
    sql.run("DELETE FROM key_holders WHERE key = ? AND job = ?", row.key, row.number);
  // The job that has the same key and waits for the end of this one.
  if (row.state === "running") releaseKey(sql, row.key);
  return after;
}

function placeOf(sql: Sql, row: JobRow, { job, state }: JobRecord): Place {
  if (state.kind !== "queued") return state.kind;
  return enterQueue(sql, row, { isPiece: runOfPiece(job) !== null, delayMs: state.delayMs });
}

/** Writes every column that can change, whatever the event. */
function writeRow(sql: Sql, row: JobRow, after: JobRecord, place: Place, lastAttempt: number | null): void {
  const columns = changedColumns(row, after);
  sql.run(
    `UPDATE jobs SET state = ?, rank = ?, ready_from = ?, run_at = ?, delay_ms = ?, attempt = ?, epoch = ?, cost_usd = ?,
       tokens = ?, owner = ?, claimed_at = ?, started_json = ?, reason_json = ?, ended_at = ?, end_number = ?, replayed_as = ?, last_attempt = ?
     WHERE number = ?`,
    place,
    columns.rank,
    columns.ready_from,
    columns.run_at,
    columns.delay_ms,
    columns.attempt,
    columns.epoch,
    columns.cost_usd,
    columns.tokens,
    columns.owner,
    columns.claimed_at,
    columns.started_json,
    columns.reason_json,
    columns.ended_at,
    isTerminal(after.state) ? (row.end_number ?? endMark(sql) + 1) : null,
    columns.replayed_as,
    lastAttempt,
    row.number,
  );
}

/** Returns its number. */
function insertAttempt(sql: Sql, row: JobRow, closed: AttemptClosed): number {
  const { replaced } = closed;
  // This end replaces the attempt's end as lost, which is the job's latest.
  const [previous = null] =
    replaced === undefined
      ? [row.last_attempt]
      : (sql.values("DELETE FROM attempts WHERE number = ? RETURNING previous", row.last_attempt) ?? []);
  const number = sql.insert(
    `INSERT INTO attempts (previous, attempt, owner, claimed_at, started_json, ended_at, result_json, decision)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    previous,
    closed.attempt,
    replaced === undefined ? row.owner : replaced.owner,
    replaced === undefined ? row.claimed_at : replaced.claimedAt,
    replaced === undefined ? row.started_json : jsonOf(replaced.started),
    closed.endedAt,
    jsonOf(closed.result),
    closed.decision,
  );
  assert(number !== undefined, `attempt ${closed.attempt} of job ${row.id} was not added`);
  return number;
}
