/**
 * The only writes to jobs. `insertJob` adds one; `applyEvent` asks the scheduler's transition function what an event makes
 * of a job, and moves its row from the table of the old state to that of the new one. Each move is guarded: it takes away
 * exactly the row, attempt and epoch that it was decided on, or fails.
 */
import { assert } from "@agentcore/contract";
import {
  type AttemptRecord,
  type JobEffect,
  type JobEvent,
  type JobRecord,
  type JobState,
  type Submission,
  type Transition,
  transition,
} from "@agentcore/scheduler";
import { type CountedKind, countedAs } from "./counts.ts";
import { type PlacedRow, type StoredJob, jsonOf } from "./job-row.ts";
import type { JobSql } from "./job-sql.ts";
import { lineOf, parseLine } from "./line.ts";
import { type QueuedJob, dequeue, enqueue } from "./queue.ts";

type EndedState = Exclude<JobState, { kind: "queued" | "running" }>;
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
  if (sql.hasAliases() && isAlias(sql, id)) return undefined;
  const seq = sql.insert(
    `INSERT INTO jobs (id, line, key, concurrency_key, submitted_at, ready_from, rank, run_at, delay_ms, job_json)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    id,
    line,
    key,
    concurrencyKey,
    submittedAt,
    readyFrom,
    rank,
    runAt,
    delayMs,
    jobJson,
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

function isAlias(sql: JobSql, id: string): boolean {
  return sql.values("SELECT 1 FROM aliases WHERE alias = ?", id) !== undefined;
}

/** The record after the event, or undefined where the event is stale, and then nothing was written. */
export function applyEvent(sql: JobSql, stored: StoredJob, event: JobEvent): JobRecord | undefined {
  const next = transition(stored.record, event);
  if (!next.applied) return undefined;
  const { id, state } = stored.row;
  assert(write(sql, stored, next), `the row of ${state} job ${id} is not what was read a moment ago`);
  return next.record;
}

/**
 * As `applyEvent`, to a running job that this store remembers. Undefined also where the job is not any more what was
 * remembered, and then nothing was written: it must be read.
 */
export function applyToClaimed(sql: JobSql, id: string, event: JobEvent): JobRecord | undefined {
  const stored = sql.claimed.find(id);
  const next = stored && transition(stored.record, event);
  if (next?.applied === true && write(sql, stored!, next)) return next.record;
  sql.claimed.forget(id);
  return undefined;
}

/** False: the row was not the one that the transition was decided on, and nothing was written. */
function write(sql: JobSql, stored: StoredJob, next: AppliedTransition): boolean {
  const before = stored.record.state.kind;
  if (before === next.record.state.kind && before !== "queued")
    return updateInPlace(sql, stored, next.record);
  if (!leave(sql, stored)) return false;
  const replaced = closingOf(next)?.replaced;
  if (replaced !== undefined) deleteEnding(sql, stored, replaced);
  enter(sql, stored, next);
  return true;
}

function leave(sql: JobSql, { row, record }: StoredJob): boolean {
  const { state, attempt, epoch } = record;
  if (state.kind !== "running") {
    dequeue(sql, row);
    return true;
  }
  const deleted = sql.run(
    "DELETE FROM running WHERE lane = ? AND job = ? AND attempt = ? AND epoch = ? AND owner = ? AND revision = ?",
    row.concurrency_key ?? "",
    row.seq,
    attempt,
    epoch,
    state.owner,
    row.revision ?? null,
  );
  if (deleted === 0) return false;
  sql.claimed.forget(row.id);
  sql.count("running", -1);
  return true;
}

function closingOf({ effects }: AppliedTransition): AttemptClosed | undefined {
  return effects.find((effect) => effect.type === "attempt_closed");
}

/** The end of an attempt as lost, which another takes the place of. */
function deleteEnding(sql: JobSql, { row }: StoredJob, { attempt }: AttemptRecord): void {
  const deleted = sql.run(
    "DELETE FROM endings WHERE job = ? AND attempt = ? AND state IS NULL",
    row.seq,
    attempt,
  );
  assert(deleted === 1, `attempt ${attempt} of job ${row.id} has no end to be replaced`);
}

function enter(sql: JobSql, stored: StoredJob, next: AppliedTransition): void {
  const { row } = stored;
  const { record } = next;
  const { state, attempt, epoch, spent } = record;
  const closing = closingOf(next);
  switch (state.kind) {
    case "queued":
      if (closing !== undefined) insertEnding(sql, stored, record, closing);
      enqueue(sql, queuedJobOf(row, record, state));
      return;
    case "running":
      sql.run(
        `INSERT INTO running (lane, job, tenant, key, attempt, epoch, revision, cost_usd, tokens, owner, claimed_at)
         VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)`,
        row.concurrency_key ?? "",
        row.seq,
        parseLine(row.line).tenant,
        row.key,
        attempt,
        epoch,
        spent.costUsd,
        spent.tokens,
        state.owner,
        state.claimedAt,
      );
      sql.claimed.remember({ row: runningRow(row, record, 0, null), record });
      sql.count("running", 1);
      return;
    case "succeeded":
    case "dead":
    case "cancelled":
      insertEnding(sql, stored, record, closing);
      if (row.key !== null) sql.run("DELETE FROM key_holders WHERE key = ? AND job = ?", row.key, row.seq);
      sql.count(countOfEnded(state), 1);
  }
}

function countOfEnded(state: EndedState): CountedKind {
  const replayed_as = state.kind === "dead" ? state.replayedAs : null;
  return countedAs({ place: "ended", state: state.kind, replayed_as });
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
  const { owner, claimedAt } = running ?? closing?.replaced ?? { owner: null, claimedAt: null };
  const ended = state.kind === "queued" || state.kind === "running" ? null : state;
  const reason = ended === null || ended.kind === "succeeded" ? null : ended.reason;
  sql.run(
    `INSERT INTO endings (job, attempt, ended_at, owner, claimed_at, started_json, result_json, decision, state, epoch,
       cost_usd, tokens, reason_code, reason_json, replayed_as)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.seq,
    closing?.attempt ?? after.attempt,
    closing?.endedAt ?? ended?.endedAt ?? null,
    owner,
    claimedAt,
    running === null ? jsonOf(closing?.replaced?.started ?? null) : (row.started_json ?? null),
    jsonOf(closing?.result ?? null),
    closing?.decision ?? null,
    ended?.kind ?? null,
    epoch,
    spent.costUsd,
    spent.tokens,
    reason?.code ?? null,
    jsonOf(reason),
    ended?.kind === "dead" ? ended.replayedAs : null,
  );
}

/** Changes within a state: a start, a requested cancel or a takeover of a running job; a replay of a dead one. */
function updateInPlace(sql: JobSql, { row, record: before }: StoredJob, after: JobRecord): boolean {
  const { state, epoch } = after;
  if (before.state.kind === "running" && state.kind === "running") {
    const startedJson = jsonOf(state.started);
    const updated = sql.run(
      `UPDATE running SET epoch = ?, owner = ?, started_json = ?, cancel_requested_json = ?, revision = revision + 1
       WHERE lane = ? AND job = ? AND attempt = ? AND epoch = ? AND owner = ? AND revision = ?`,
      epoch,
      state.owner,
      startedJson,
      jsonOf(state.cancelRequested),
      row.concurrency_key ?? "",
      row.seq,
      before.attempt,
      before.epoch,
      before.state.owner,
      row.revision ?? null,
    );
    if (updated === 0) return false;
    const revision = (row.revision ?? 0) + 1;
    sql.claimed.remember({ row: runningRow(row, after, revision, startedJson), record: after });
    return true;
  }
  assert(state.kind === "dead", `job ${row.id} is ${state.kind}, which never changes`);
  const updated = sql.run(
    "UPDATE endings SET replayed_as = ? WHERE job = ? AND state IS NOT NULL AND replayed_as IS NULL",
    state.replayedAs,
    row.seq,
  );
  if (updated === 0) return false;
  sql.count(countedAs(row), -1);
  sql.count("replayed", 1);
  return true;
}

/** Without what else was read with the row, which may be long. */
function runningRow(
  { seq, id, line, key, concurrency_key, submitted_at, ready_from, rank }: PlacedRow,
  { attempt, epoch }: JobRecord,
  revision: number,
  startedJson: string | null,
): PlacedRow {
  const submitted = { seq, id, line, key, concurrency_key, submitted_at, ready_from, rank };
  const place = { place: "running", state: "running", attempt, epoch } as const;
  return { ...submitted, ...place, revision, started_json: startedJson };
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
