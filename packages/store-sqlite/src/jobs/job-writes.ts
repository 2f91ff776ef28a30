/**
 * The only writes to jobs. `insertJob` adds one; `applyEvent` asks the scheduler's transition function what an event makes
 * of a job, and moves its row from the table of the old state to that of the new one. Each move is guarded: it takes away
 * exactly the row, attempt and epoch that it was decided on, or fails.
 */
import { assert } from "@agentcore/contract";
import {
  type JobEffect,
  type JobEvent,
  type JobRecord,
  type JobState,
  type Submission,
  type Transition,
  transition,
} from "@agentcore/scheduler";
import { countedAs } from "./counts.ts";
import { type PlacedRow, type StoredJob, jsonOf } from "./job-row.ts";
import type { JobSql } from "./job-sql.ts";
import { type QueuedJob, dequeue, enqueue, lineOf } from "./queue.ts";

type AppliedTransition = Extract<Transition, { applied: true }>;
type AttemptClosed = Extract<JobEffect, { type: "attempt_closed" }>;

/**
 * `jobJson`: the job as text, made before the transaction. `undefined` where the id is known already, as a job's or as an
 * alias, and then nothing was written.
 */
export function insertJob(sql: JobSql, submission: Submission, jobJson: string): JobRecord | undefined {
  const { job, submittedAt, runAt, delayMs, rank, readyFrom, concurrencyKey } = submission;
  const { id, key = null } = job;
  const line = lineOf(job);
  const seq = sql.insert(
    `INSERT INTO jobs (id, tenant, worker, line, key, concurrency_key, submitted_at, ready_from, rank, job_json)
     SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM aliases WHERE alias = ?)
     ON CONFLICT (id) DO NOTHING`,
    id,
    job.context.tenant ?? "",
    job.task.worker,
    line,
    key,
    concurrencyKey,
    submittedAt,
    readyFrom,
    rank,
    jobJson,
    id,
  );
  if (seq === undefined) return undefined;
  const state: JobState = { kind: "queued", runAt, delayMs, waitingFor: null };
  const record: JobRecord = {
    job,
    state,
    submittedAt,
    attempt: 0,
    epoch: 0,
    spent: { costUsd: 0, tokens: 0 },
    rank,
    readyFrom,
    concurrencyKey,
    result: null,
  };
  const submitted = { seq, id, line, key, concurrency_key: concurrencyKey, ready_from: readyFrom, rank };
  enqueue(sql, queuedJobOf(submitted, record, state));
  if (key !== null) sql.run("INSERT OR REPLACE INTO key_holders VALUES (?, ?)", key, seq);
  return record;
}

/** The record after the event, or undefined where the event is stale, and then nothing was written. */
export function applyEvent(sql: JobSql, stored: StoredJob, event: JobEvent): JobRecord | undefined {
  const next = transition(stored.record, event);
  if (!next.applied) return undefined;
  const before = stored.record.state.kind;
  if (before === next.record.state.kind && before !== "queued") {
    updateInPlace(sql, stored.row, next.record);
  } else {
    leave(sql, stored.row);
    enter(sql, stored, next);
  }
  return next.record;
}

function leave(sql: JobSql, row: PlacedRow): void {
  switch (row.place) {
    case "fronts":
    case "followers":
    case "delayed":
      dequeue(sql, row);
      return;
    case "running": {
      const { seq, attempt, epoch } = row;
      const deleted = sql.run(
        "DELETE FROM running WHERE job = ? AND attempt = ? AND epoch = ?",
        seq,
        attempt,
        epoch,
      );
      assertOne(deleted, row);
      sql.count("running", -1);
      return;
    }
    case "ended":
      assert(false, `job ${row.id} has ended and cannot become anything else`);
  }
}

function enter(sql: JobSql, stored: StoredJob, { record, effects }: AppliedTransition): void {
  const { row } = stored;
  const { state, attempt, epoch, spent } = record;
  const closing = effects.find((effect) => effect.type === "attempt_closed");
  switch (state.kind) {
    case "queued":
      if (closing !== undefined) insertEnding(sql, stored, record, closing);
      enqueue(sql, queuedJobOf(row, record, state));
      return;
    case "running":
      sql.run(
        `INSERT INTO running (job, tenant, key, concurrency_key, attempt, epoch, cost_usd, tokens, owner, claimed_at,
           started_json, cancel_requested_json)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        row.seq,
        row.tenant,
        row.key,
        row.concurrency_key,
        attempt,
        epoch,
        spent.costUsd,
        spent.tokens,
        state.owner,
        state.claimedAt,
        jsonOf(state.started),
        jsonOf(state.cancelRequested),
      );
      sql.count("running", 1);
      return;
    case "succeeded":
    case "dead":
    case "cancelled":
      insertEnding(sql, stored, record, closing);
      if (row.key !== null) sql.run("DELETE FROM key_holders WHERE key = ? AND job = ?", row.key, row.seq);
      sql.count(state.kind, 1);
  }
}

/** One row for the end of an attempt, of a job, or of both at once. */
function insertEnding(
  sql: JobSql,
  stored: StoredJob,
  after: JobRecord,
  closing: AttemptClosed | undefined,
): void {
  const { row, record } = stored;
  const { state, epoch, spent } = after;
  const running = closing !== undefined && record.state.kind === "running" ? record.state : null;
  const ended = state.kind === "queued" || state.kind === "running" ? null : state;
  const reason = ended === null || ended.kind === "succeeded" ? null : ended.reason;
  sql.run(
    `INSERT INTO endings (job, attempt, ended_at, owner, claimed_at, started_json, result_json, decision, state, epoch,
       cost_usd, tokens, reason_code, reason_json)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.seq,
    closing?.attempt ?? after.attempt,
    closing?.endedAt ?? ended?.endedAt ?? null,
    running?.owner ?? null,
    running?.claimedAt ?? null,
    running === null ? null : (row.started_json ?? null),
    jsonOf(closing?.result ?? null),
    closing?.decision ?? null,
    ended?.kind ?? null,
    epoch,
    spent.costUsd,
    spent.tokens,
    reason?.code ?? null,
    jsonOf(reason),
  );
}

/** Changes within a state: a start, a requested cancel or a takeover of a running job; a replay of a dead one. */
function updateInPlace(sql: JobSql, row: PlacedRow, { state, epoch }: JobRecord): void {
  if (state.kind === "running") {
    const updated = sql.run(
      `UPDATE running SET epoch = ?, owner = ?, started_json = ?, cancel_requested_json = ?
       WHERE job = ? AND attempt = ? AND epoch = ?`,
      epoch,
      state.owner,
      jsonOf(state.started),
      jsonOf(state.cancelRequested),
      row.seq,
      row.attempt,
      row.epoch,
    );
    assertOne(updated, row);
    return;
  }
  assert(state.kind === "dead", `job ${row.id} is ${state.kind}, which never changes`);
  const updated = sql.run(
    "UPDATE endings SET replayed_as = ? WHERE job = ? AND state IS NOT NULL AND replayed_as IS NULL",
    state.replayedAs,
    row.seq,
  );
  assertOne(updated, row);
  sql.count(countedAs(row), -1);
  sql.count("replayed", 1);
}

function assertOne(changed: number, row: PlacedRow): void {
  assert(changed === 1, `${changed} rows instead of 1 changed for ${row.state} job ${row.id}`);
}

type SubmittedPart = Pick<
  QueuedJob,
  "seq" | "id" | "line" | "key" | "concurrency_key" | "ready_from" | "rank"
>;

function queuedJobOf(
  submitted: SubmittedPart,
  { attempt, epoch, spent }: JobRecord,
  state: Extract<JobState, { kind: "queued" }>,
): QueuedJob {
  return {
    ...submitted,
    attempt,
    epoch,
    cost_usd: spent.costUsd,
    tokens: spent.tokens,
    run_at: state.runAt,
    delay_ms: state.delayMs,
    waiting_for_json: state.waitingFor === null ? null : JSON.stringify(state.waitingFor),
  };
}
