/**
 * The queue: putting jobs in and taking them out. A lane is all ready jobs of one line and concurrency key, by rank and id.
 * Its first is always in `ready`, which is where a claim looks, so whatever leaves `ready` lets the first follower of its lane
 * in. A job that comes goes to `ready` as well, which costs least; only where very many stand there does it join the
 * followers at once. A claim moves there what is in its way (see `lines.ts`). A job without a concurrency key has no followers.
 *
 * A job whose moment has not come is `delayed`, until `promoteDue` makes it ready; ready it stays, also when the clock is
 * set back afterwards.
 */
import { assert } from "@agentcore/contract";
import { clockSetBackMsMin } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import type { JobRow, PlacedRow, ReadyRow, SubmittedRow } from "./job-row.ts";
import type { JobSql } from "./job-sql.ts";
import { parseLine } from "./line.ts";

/** What of a job takes its place in the queue. */
export type QueuedJob = Pick<
  SubmittedRow,
  "seq" | "id" | "line" | "key" | "concurrency_key" | "ready_from" | "rank"
> &
  Pick<JobRow, "attempt" | "epoch" | "cost_usd" | "tokens" | "run_at" | "delay_ms" | "waiting_for_json">;

/** What of it stands in `ready` and in `followers`. */
type InLine = Omit<ReadyRow, "job"> & { readonly seq: number };
export type Position = Pick<SubmittedRow, "rank" | "id">;

/** Jobs that become ready in one call at most, so that a crowd of parked ones does not hold up the event loop at once. */
const promotedMax = 10_000;

/**
 * Jobs in `ready` beyond which one that comes is put behind the others of its lane at once. A claim that finds only busy
 * workspaces has at most about so many jobs to move out of its way.
 */
const unsortedMax = 10_000;

/** A job that need not wait is ready at once, whatever the clock says later; any other is delayed. */
export function enqueue(sql: JobSql, job: QueuedJob): void {
  if (job.epoch > 0) {
    const { seq, attempt, epoch, cost_usd, tokens, run_at, delay_ms, waiting_for_json } = job;
    sql.run(
      "INSERT INTO requeued VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      seq,
      attempt,
      epoch,
      cost_usd,
      tokens,
      run_at,
      delay_ms,
      waiting_for_json,
    );
  }
  if (job.delay_ms === 0) {
    enterLine(sql, job);
    countReady(sql, job, job.run_at, 1);
    return;
  }
  const delayedAt = job.delay_ms === null ? null : job.run_at - job.delay_ms;
  sql.run("INSERT INTO delayed VALUES (?, ?, ?)", job.seq, job.run_at, delayedAt);
  countDelayed(sql, job, 1);
}

/** Takes a job out of the queue; it must be where its row says. */
export function dequeue(sql: JobSql, row: PlacedRow): void {
  const { place, seq, line, rank, id, concurrency_key: lane } = row;
  const gone = (deleted: number): void => assert(deleted === 1, `job ${id} is not in ${place}`);
  switch (place) {
    case "ready":
      gone(sql.run(deleteReady, line, rank, id));
      if (lane !== null) letFirstFollowerIn(sql, line, lane);
      countReady(sql, row, dueMoment(row), -1);
      break;
    case "followers":
      gone(sql.run(deleteFollower, lane, line, rank, id));
      sql.count("followers", -1);
      sql.countReady(dueMoment(row), -1);
      break;
    case "delayed":
      gone(sql.run("DELETE FROM delayed WHERE job = ?", seq));
      countDelayed(sql, row, -1);
      break;
    case "running":
    case "ended":
      assert(false, `job ${id} is ${place} and not queued`);
  }
  if (row.epoch > 0) sql.run("DELETE FROM requeued WHERE job = ?", seq);
}

/** Pieces of workflow runs are not counted: nothing but their run waits for them. */
function countReady(sql: JobSql, { line }: Pick<QueuedJob, "line">, runAt: number, by: 1 | -1): void {
  if (!parseLine(line).isPiece) sql.countReady(runAt, by);
}

function countDelayed(sql: JobSql, { line }: Pick<QueuedJob, "line">, by: 1 | -1): void {
  if (!parseLine(line).isPiece) sql.count("delayed", by);
}

function dueMoment({ id, run_at: runAt }: PlacedRow): number {
  assert(runAt !== undefined, `job ${id} is queued and has no moment to run at`);
  return runAt;
}

// --- Delayed jobs -------------------------------------------------------------------------------------------------------

export interface DelayedBounds {
  /** First moment for which a job is delayed; null: none is. */
  readonly first: number | null;
  /** Latest moment at which a relative wait was decided. */
  readonly latest: number | null;
}

/** Columns that read a {@link DelayedBounds}. */
export const delayedBounds =
  "(SELECT min(run_at) FROM delayed) AS first, (SELECT max(delayed_at) FROM delayed) AS latest";

/** Makes jobs ready whose moment has come, or that wait only because the clock was set back. */
export function promoteDue(sql: JobSql, { first, latest }: DelayedBounds, now: number): void {
  if (first !== null && first <= now) {
    promote(sql, `d.run_at <= ? ORDER BY d.run_at LIMIT ${promotedMax}`, now);
  }
  if (latest !== null && latest > now + clockSetBackMsMin) {
    promote(sql, `d.delayed_at > ? LIMIT ${promotedMax}`, now + clockSetBackMsMin);
  }
}

function promote(sql: JobSql, which: string, at: number): void {
  const jobs = sql.all(
    `SELECT j.seq, j.id, j.line, j.key, j.concurrency_key, j.ready_from, j.rank, d.run_at
     FROM delayed d CROSS JOIN jobs j ON j.seq = d.job WHERE ${which}`,
    at,
  ) as readonly unknown[] as readonly (InLine & Pick<QueuedJob, "run_at">)[];
  for (const job of jobs) {
    sql.run("DELETE FROM delayed WHERE job = ?", job.seq);
    enterLine(sql, job);
    countReady(sql, job, job.run_at, 1);
    countDelayed(sql, job, -1);
  }
}

// --- Lanes --------------------------------------------------------------------------------------------------------------

function enterLine(sql: JobSql, job: InLine): void {
  const { line, rank, id, seq, ready_from: readyFrom, key, concurrency_key: lane } = job;
  if (lane !== null && sql.countOf("ready") - sql.countOf("followers") >= unsortedMax) {
    if (isBehindOthers(sql, job, lane)) {
      sql.run(
        "INSERT INTO followers VALUES (?, ?, ?, ?, ?, ?, ?)",
        lane,
        line,
        rank,
        id,
        seq,
        readyFrom,
        key,
      );
      sql.count("followers", 1);
      return;
    }
    sql.fronts.remember(line, lane, { rank, id });
  }
  sql.run("INSERT INTO ready VALUES (?, ?, ?, ?, ?, ?, ?)", line, rank, id, seq, readyFrom, key, lane);
}

/** Whether a job of the lane is known to be in `ready` that goes before this one. */
function isBehindOthers(sql: JobSql, job: InLine, lane: string): boolean {
  const front = sql.fronts.find(job.line, lane);
  if (front !== undefined && isBefore(front, job)) {
    const { rank, id } = front;
    if (sql.values("SELECT 1 FROM ready WHERE line = ? AND rank = ? AND id = ?", job.line, rank, id))
      return true;
  }
  // The first of a lane is in `ready`, so a follower has one before it.
  const follower = firstFollower(sql, job.line, lane);
  return follower !== undefined && isBefore(follower, job);
}

/** The job that left `ready` may have been the first of its lane. */
export function letFirstFollowerIn(sql: JobSql, line: string, lane: string): void {
  const first = firstFollower(sql, line, lane);
  if (first !== undefined) moveToReady(sql, line, lane, first);
}

function firstFollower(sql: Sql, line: string, lane: string): Position | undefined {
  return positionOf(sql.values(selectFirstFollower, lane, line));
}

/** Lets the first follower of the lane in that no running job with its idempotency key holds up; false: there is none. */
export function letFreeFollowerIn(sql: JobSql, line: string, lane: string): boolean {
  const free = positionOf(sql.values(selectFreeFollower, lane, line));
  if (free === undefined) return false;
  moveToReady(sql, line, lane, free);
  return true;
}

function positionOf(values: readonly unknown[] | undefined): Position | undefined {
  if (values === undefined) return undefined;
  const [rank, id] = values as [number, string];
  return { rank, id };
}

function moveToReady(sql: JobSql, line: string, lane: string, { rank, id }: Position): void {
  sql.run(copyToReady, lane, line, rank, id);
  sql.run(deleteFollower, lane, line, rank, id);
  sql.count("followers", -1);
}

/** Moves a job out of the way. Another job of its lane must be in `ready` that goes before it, and stay there. */
export function moveToFollowers(sql: JobSql, { line, rank, id }: ReadyRow): void {
  sql.run(copyToFollowers, line, rank, id);
  sql.run(deleteReady, line, rank, id);
  sql.count("followers", 1);
}

export function isBefore(a: Position, b: Position): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.id < b.id);
}

// --- Statements, made once: a text that is put together anew each time costs as much as a seek ---------------------------

const columns = "concurrency_key, line, rank, id, job, ready_from, key";
const isReady = "WHERE line = ? AND rank = ? AND id = ?";
const isFollower = "WHERE concurrency_key = ? AND line = ? AND rank = ? AND id = ?";

const deleteReady = `DELETE FROM ready ${isReady}`;
const deleteFollower = `DELETE FROM followers ${isFollower}`;
const copyToReady = `INSERT INTO ready (${columns}) SELECT ${columns} FROM followers ${isFollower}`;
const copyToFollowers = `INSERT INTO followers (${columns}) SELECT ${columns} FROM ready ${isReady}`;
const selectFirstFollower = `
  SELECT rank, id FROM followers WHERE concurrency_key = ? AND line = ? ORDER BY rank, id LIMIT 1`;
const selectFreeFollower = `
  SELECT rank, id FROM followers f WHERE concurrency_key = ? AND line = ? AND (key IS NULL OR NOT EXISTS (
    SELECT 1 FROM running r INDEXED BY running_key WHERE r.key IS NOT NULL AND r.key = f.key))
  ORDER BY rank, id LIMIT 1`;
