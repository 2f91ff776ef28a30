/**
 * The only functions that write jobs. `insertJob` adds one; `applyEvent` calls the scheduler's transition function and
 * moves the job to the tables of its new state. Everything runs in one transaction, so the row is the one that was read.
 */
import { assert } from "@agentcore/contract";
import {
  type JobEffect,
  type JobEvent,
  type JobRecord,
  type Submission,
  newRecord,
  runOfPiece,
  transition,
} from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { groupOf } from "./claim-group.ts";
import { nextEndNumber } from "./end-number.ts";
import { type JobRow, type StoredJob, jsonOf } from "./job-row.ts";
import { enterDue, leaveDue, releaseKey, waitOf, workspaceOf } from "./queue.ts";

type AttemptClosed = Extract<JobEffect, { type: "attempt_closed" }>;

/**
 * `jobJson`: the job as text, made before the transaction. Answers `undefined` where the id is known already, as a job's or as
 * an alias, and then nothing was written.
 */
export function insertJob(sql: Sql, submission: Submission, jobJson: string): JobRecord | undefined {
  const { job, submittedAt, runAt, delayMs, rank, readyFrom, concurrencyKey } = submission;
  const { id, key = null } = job;
  if (isKnown(sql, id)) return undefined;
  const group = groupOf(sql, job);
  const wait = waitOf(sql, { id, key }, { isPiece: runOfPiece(job) !== null, delayMs });
  const number = sql.insert(
    `INSERT INTO jobs (id, claim_group, key, concurrency_key, submitted_at, ready_from, rank, wait, run_at, delay_ms,
       attempt, epoch, cost_usd, tokens)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0)`,
    id,
    group,
    key,
    concurrencyKey,
    submittedAt,
    readyFrom,
    rank,
    wait,
    runAt,
    delayMs,
  );
  assert(number !== undefined, `job ${id} was not added`);
  sql.run("INSERT INTO job_texts VALUES (?, ?)", number, jobJson);
  if (key !== null) sql.run("INSERT OR REPLACE INTO key_holders VALUES (?, ?)", key, number);
  if (wait === null) enterDue(sql, { number, id, claim_group: group, concurrency_key: concurrencyKey, rank });
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

/** The record after the event, or undefined where the event is stale, and then nothing was written. */
export function applyEvent(sql: Sql, { row, record }: StoredJob, event: JobEvent): JobRecord | undefined {
  const next = transition(record, event);
  if (!next.applied) return undefined;
  const { record: after, effects } = next;
  if (after.state.kind === record.state.kind) {
    writeInPlace(sql, row, after);
    return after;
  }
  leave(sql, row);
  for (const effect of effects) if (effect.type === "attempt_closed") insertAttempt(sql, row, effect);
  enter(sql, row, after);
  // The job that waits for the end of this one, because it has the same key.
  if (row.state === "running" && row.key !== null) releaseKey(sql, row.key);
  return after;
}

function leave(sql: Sql, row: JobRow): void {
  if (row.state === "running") sql.run("DELETE FROM running WHERE job = ?", row.number);
  else if (row.wait === null) leaveDue(sql, row);
}

function enter(sql: Sql, row: JobRow, after: JobRecord): void {
  const { state } = after;
  switch (state.kind) {
    case "running":
      if (row.wait !== null) sql.run("UPDATE jobs SET wait = NULL WHERE number = ?", row.number);
      sql.run(
        "INSERT INTO running (job, workspace, attempt, epoch, owner, claimed_at) VALUES (?, ?, ?, ?, ?, ?)",
        row.number,
        workspaceOf(row),
        after.attempt,
        after.epoch,
        state.owner,
        state.claimedAt,
      );
      return;
    case "queued": {
      const { runAt, delayMs, waitingFor } = state;
      const wait = waitOf(sql, row, { isPiece: runOfPiece(after.job) !== null, delayMs });
      sql.run(
        `UPDATE jobs SET wait = ?, run_at = ?, delay_ms = ?, reason_json = ?, ${standing} WHERE number = ?`,
        wait,
        runAt,
        delayMs,
        jsonOf(waitingFor),
        ...standingOf(after),
        row.number,
      );
      if (wait === null) enterDue(sql, row);
      return;
    }
    case "succeeded":
    case "dead":
    case "cancelled":
      sql.run(
        `UPDATE jobs SET wait = NULL, ended_as = ?, ended_at = ?, end_number = ?, reason_json = ?, replayed_as = ?, ${standing}
         WHERE number = ?`,
        state.kind,
        state.endedAt,
        nextEndNumber(sql),
        state.kind === "succeeded" ? null : jsonOf(state.reason),
        state.kind === "dead" ? state.replayedAs : null,
        ...standingOf(after),
        row.number,
      );
      if (row.key !== null) sql.run("DELETE FROM key_holders WHERE key = ? AND job = ?", row.key, row.number);
  }
}

const standing = "attempt = ?, epoch = ?, cost_usd = ?, tokens = ?";

function standingOf({ attempt, epoch, spent }: JobRecord): readonly [number, number, number, number] {
  return [attempt, epoch, spent.costUsd, spent.tokens];
}

/** Changes within a state: a start, a requested cancel or a takeover of a running job; a replay of a dead one. */
function writeInPlace(sql: Sql, { number, id }: JobRow, { state, epoch }: JobRecord): void {
  if (state.kind === "running") {
    sql.run(
      "UPDATE running SET epoch = ?, owner = ?, started_json = ?, cancel_json = ? WHERE job = ?",
      epoch,
      state.owner,
      jsonOf(state.started),
      jsonOf(state.cancelRequested),
      number,
    );
    return;
  }
  assert(state.kind === "dead", `job ${id} is ${state.kind}, which never changes`);
  sql.run("UPDATE jobs SET replayed_as = ? WHERE number = ?", state.replayedAs, number);
}

function insertAttempt(sql: Sql, row: JobRow, closed: AttemptClosed): void {
  const { replaced } = closed;
  // The end of an attempt as lost, which another takes the place of.
  if (replaced !== undefined)
    sql.run("DELETE FROM attempts WHERE job = ? AND attempt = ?", row.number, replaced.attempt);
  sql.run(
    `INSERT INTO attempts (job, attempt, owner, claimed_at, started_json, ended_at, result_json, decision)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    row.number,
    closed.attempt,
    replaced === undefined ? row.owner : replaced.owner,
    replaced === undefined ? row.claimed_at : replaced.claimedAt,
    replaced === undefined ? row.started_json : jsonOf(replaced.started),
    closed.endedAt,
    jsonOf(closed.result),
    closed.decision,
  );
}
