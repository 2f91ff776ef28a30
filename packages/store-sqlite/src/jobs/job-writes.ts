/**
 * The only writes to the rows of jobs. `insertJob` adds one; `applyEvent` asks the scheduler's transition function what an
 * event makes of a job, and writes the answer, guarded by the state, attempt and epoch that it was decided on. Lanes, the
 * key and the counts are kept in step here, so that no caller can forget them.
 */
import { assert } from "@agentcore/contract";
import {
  type JobEffect,
  type JobEvent,
  type JobRecord,
  type JobState,
  type Submission,
  transition,
} from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { addToCount, countedAs, moveCount } from "./counts.ts";
import { type StoredJob, jsonOf } from "./job-row.ts";
import { becomesFront, lineOf, passFrontOn } from "./lanes.ts";

/** `jobJson`: the job as text, made before the transaction. Its key must be free. */
export function insertJob(sql: Sql, submission: Submission, jobJson: string): JobRecord {
  const { job, submittedAt, runAt, delayMs, rank, readyFrom, concurrencyKey } = submission;
  const record: JobRecord = {
    job,
    state: { kind: "queued", runAt, delayMs, waitingFor: null },
    submittedAt,
    attempt: 0,
    epoch: 0,
    spent: { costUsd: 0, tokens: 0 },
    rank,
    readyFrom,
    concurrencyKey,
    result: null,
  };
  const line = lineOf(sql, job);
  const ready = isReadyAtOnce(delayMs);
  const front = ready === 1 && becomesFront(sql, placeOf(record, line));
  sql.run(
    `INSERT INTO jobs (id, state, line, key, holds_key, concurrency_key, submitted_at, ready_from, rank,
       attempt, epoch, cost_usd, tokens, run_at, delay_ms, delayed_at, ready, front)
     VALUES (?, 'queued', ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?, ?, ?, ?, ?)`,
    job.id,
    line,
    job.key ?? null,
    job.key === undefined ? 0 : 1,
    concurrencyKey,
    submittedAt,
    readyFrom,
    rank,
    runAt,
    delayMs,
    delayedAt(runAt, delayMs),
    ready,
    front ? 1 : 0,
  );
  sql.run("INSERT INTO job_texts VALUES (last_insert_rowid(), ?)", jobJson);
  addToCount(sql, ready === 1 ? "ready" : "delayed", 1);
  return record;
}

/** The record after the event, or undefined where the event is stale, and then nothing was written. */
export function applyEvent(sql: Sql, stored: StoredJob, event: JobEvent): JobRecord | undefined {
  const next = transition(stored.record, event);
  if (!next.applied) return undefined;
  const changed = writeState(sql, stored, next.record);
  assert(changed === 1, `${changed} rows instead of 1 changed by ${event.type} of job ${stored.row.id}`);
  const { row } = stored;
  if (row.front === 1) passFrontOn(sql, row);
  for (const effect of next.effects) writeEffect(sql, stored, effect);
  moveCount(sql, countedAs(row), countedAs(countedRow(next.record.state)));
  return next.record;
}

/** Takes the idempotency key from a job that still runs; a newer one gets it. */
export function releaseKey(sql: Sql, stored: StoredJob): void {
  sql.run("UPDATE jobs SET holds_key = 0 WHERE seq = ?", stored.row.seq);
}

function writeState(sql: Sql, { row }: StoredJob, after: JobRecord): number {
  const guard = [row.seq, row.state, row.attempt, row.epoch];
  const { state, attempt, epoch, spent } = after;
  switch (state.kind) {
    case "queued": {
      const ready = isReadyAtOnce(state.delayMs);
      const front = ready === 1 && becomesFront(sql, placeOf(after, row.line));
      return sql.run(
        `UPDATE jobs SET state = 'queued', attempt = ?, cost_usd = ?, tokens = ?, run_at = ?, delay_ms = ?,
           delayed_at = ?, ready = ?, front = ?, waiting_for_json = ?,
           owner = NULL, claimed_at = NULL, started_json = NULL, cancel_requested_json = NULL
         WHERE seq = ? AND state = ? AND attempt = ? AND epoch = ?`,
        attempt,
        spent.costUsd,
        spent.tokens,
        state.runAt,
        state.delayMs,
        delayedAt(state.runAt, state.delayMs),
        ready,
        front ? 1 : 0,
        jsonOf(state.waitingFor),
        ...guard,
      );
    }
    case "running":
      return sql.run(
        `UPDATE jobs SET state = 'running', attempt = ?, epoch = ?, owner = ?, claimed_at = ?, started_json = ?,
           cancel_requested_json = ?, ready = 0, front = 0, waiting_for_json = NULL
         WHERE seq = ? AND state = ? AND attempt = ? AND epoch = ?`,
        attempt,
        epoch,
        state.owner,
        state.claimedAt,
        jsonOf(state.started),
        jsonOf(state.cancelRequested),
        ...guard,
      );
    case "succeeded":
    case "dead":
    case "cancelled": {
      const reason = state.kind === "succeeded" ? null : state.reason;
      return sql.run(
        `UPDATE jobs SET state = ?, attempt = ?, cost_usd = ?, tokens = ?, ended_at = ?, reason_code = ?,
           reason_json = ?, replayed_as = ?, holds_key = 0, ready = 0, front = 0, waiting_for_json = NULL,
           owner = NULL, claimed_at = NULL, started_json = NULL, cancel_requested_json = NULL
         WHERE seq = ? AND state = ? AND attempt = ? AND epoch = ?`,
        state.kind,
        attempt,
        spent.costUsd,
        spent.tokens,
        state.endedAt,
        reason?.code ?? null,
        jsonOf(reason),
        state.kind === "dead" ? state.replayedAs : null,
        ...guard,
      );
    }
  }
}

function writeEffect(sql: Sql, { row, record }: StoredJob, effect: JobEffect): void {
  switch (effect.type) {
    case "attempt_opened":
    case "attempt_started":
    case "attempt_moved":
    case "attempt_withdrawn":
      // The attempt in progress is in the job's own row.
      return;
    case "attempt_closed":
      assert(record.state.kind === "running", `job ${row.id} closes an attempt while it is ${row.state}`);
      sql.run(
        `INSERT INTO attempts (job, attempt, owner, claimed_at, started_json, ended_at, result_json, decision)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        row.seq,
        effect.attempt,
        record.state.owner,
        record.state.claimedAt,
        row.started_json,
        effect.endedAt,
        jsonOf(effect.result),
        effect.decision,
      );
  }
}

/** What the row of a job in this state is counted by. */
function countedRow(state: JobState) {
  return {
    state: state.kind,
    ready: state.kind === "queued" ? isReadyAtOnce(state.delayMs) : 0,
    replayed_as: state.kind === "dead" ? state.replayedAs : null,
  };
}

function placeOf(record: JobRecord, line: number) {
  return { id: record.job.id, rank: record.rank, line, concurrency_key: record.concurrencyKey };
}

/** A job that need not wait is ready whatever the clock says later; any other is made so when its moment has come. */
function isReadyAtOnce(delayMs: number | null): 0 | 1 {
  return delayMs === 0 ? 1 : 0;
}

/** The moment at which a relative wait was decided; null for an absolute one. */
function delayedAt(runAt: number, delayMs: number | null): number | null {
  return delayMs === null ? null : runAt - delayMs;
}
