/**
 * The queue: putting jobs in and taking them out, with the lanes kept in order. A lane is all ready jobs of one line and
 * concurrency key, by rank and id; its first is in `fronts`, which is where a claim looks, and the others are `followers`. A
 * job without a concurrency key is always a front. A job whose moment has not come is `delayed`, until `promoteDue` makes
 * it ready; ready it stays, also when the clock is set back afterwards.
 */
import { type Job, type Priority, assert } from "@agentcore/contract";
import type { Sql } from "../sql.ts";
import type { JobRow, PlacedRow, SubmittedRow } from "./job-row.ts";
import type { JobSql } from "./job-sql.ts";

/** What of a job takes its place in the queue. */
export type QueuedJob = Pick<
  SubmittedRow,
  "seq" | "id" | "line" | "key" | "concurrency_key" | "ready_from" | "rank"
> &
  Pick<JobRow, "attempt" | "epoch" | "cost_usd" | "tokens" | "run_at" | "delay_ms" | "waiting_for_json">;

type Lane = Pick<SubmittedRow, "line" | "concurrency_key">;
type FrontKey = Pick<SubmittedRow, "line" | "rank" | "id">;

/** What a claim takes or excludes alike. */
export interface Line {
  readonly tenant: string;
  readonly worker: string;
  readonly model: string | null;
  readonly class: Priority["class"];
}

/** Jobs that become ready in one call at most, so that a crowd of parked ones does not hold up the event loop at once. */
const promotedMax = 10_000;

/**
 * A clock that shows an earlier moment than the one at which a wait was decided was set back, and the wait is over (see
 * `isDue`). Up to this much is taken for the small corrections that clocks make all the time.
 */
export const clockSetBackMsMin = 1000;

export function lineOf({ task, context, priority }: Job): string {
  return JSON.stringify([context.tenant ?? "", task.worker, task.model ?? null, priority.class]);
}

/** Lines already taken apart: there are few, and each claim sees them again. */
const parsedLines = new Map<string, Line>();
const parsedLinesMax = 1000;

export function parseLine(line: string): Line {
  const known = parsedLines.get(line);
  if (known !== undefined) return known;
  const [tenant, worker, model, priorityClass] = JSON.parse(line) as [
    string,
    string,
    string | null,
    Priority["class"],
  ];
  const parsed = { tenant, worker, model, class: priorityClass };
  if (parsedLines.size >= parsedLinesMax) parsedLines.clear();
  parsedLines.set(line, parsed);
  return parsed;
}

/** A job that need not wait is ready at once, whatever the clock says later; any other is delayed. */
export function enqueue(sql: JobSql, job: QueuedJob): void {
  if (job.delay_ms === 0) {
    enterLane(sql, job);
    sql.countReady(job.run_at, 1);
    return;
  }
  sql.run(insertIntoDelayed, ...queuedValues(job), job.delay_ms === null ? null : job.run_at - job.delay_ms);
  sql.count("delayed", 1);
}

/** Takes a job out of the queue; it must be where its row says. */
export function dequeue(sql: JobSql, row: PlacedRow): void {
  const { place, seq, line, rank, id, concurrency_key: key } = row;
  const gone = (deleted: number): void => assert(deleted === 1, `job ${id} is not in ${place}`);
  switch (place) {
    case "fronts":
      gone(sql.run(deleteFront, line, rank, id));
      if (key !== null) passFrontOn(sql, row);
      sql.countReady(dueMoment(row), -1);
      return;
    case "followers":
      gone(sql.run(deleteFollower, key, line, rank, id));
      sql.countReady(dueMoment(row), -1);
      return;
    case "delayed":
      gone(sql.run("DELETE FROM delayed WHERE job = ?", seq));
      sql.count("delayed", -1);
      return;
    case "running":
    case "ended":
      assert(false, `job ${id} is ${place} and not queued`);
  }
}

function dueMoment({ id, run_at: runAt }: PlacedRow): number {
  assert(runAt !== undefined, `job ${id} is queued and has no moment to run at`);
  return runAt;
}

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
    `SELECT j.seq, j.id, j.line, j.key, j.concurrency_key, j.ready_from, j.rank,
       d.attempt, d.epoch, d.cost_usd, d.tokens, d.run_at, d.delay_ms, d.waiting_for_json
     FROM delayed d CROSS JOIN jobs j ON j.seq = d.job WHERE ${which}`,
    at,
  ) as readonly unknown[] as readonly QueuedJob[];
  for (const job of jobs) {
    sql.run("DELETE FROM delayed WHERE job = ?", job.seq);
    enterLane(sql, job);
    sql.countReady(job.run_at, 1);
  }
  sql.count("delayed", -jobs.length);
}

function enterLane(sql: Sql, job: QueuedJob): void {
  if (job.concurrency_key === null) {
    sql.run(insertIntoFronts, ...readyValues(job));
    return;
  }
  const front = frontOf(sql, job);
  if (front !== undefined && isBefore(front, job)) {
    sql.run(insertIntoFollowers, ...readyValues(job));
    return;
  }
  if (front !== undefined) moveToFollowers(sql, front, job);
  sql.run(insertIntoFronts, ...readyValues(job));
}

/** The next of a lane takes the place of its front, which has just left. */
function passFrontOn(sql: Sql, { line, concurrency_key: key }: Lane): void {
  const next = sql.get(selectFirstFollower, key, line) as FollowerRow | undefined;
  if (next === undefined) return;
  sql.run(deleteFollower, key, line, next.rank, next.id);
  sql.run(insertIntoFronts, ...readyValues({ ...next, seq: next.job }));
}

type FollowerRow = Omit<QueuedJob, "seq"> & { readonly job: number };

function moveToFollowers(sql: Sql, { rank, id }: Pick<FrontKey, "rank" | "id">, { line }: Lane): void {
  sql.run(copyFrontToFollowers, line, rank, id);
  sql.run(deleteFront, line, rank, id);
}

function frontOf(sql: Sql, { line, concurrency_key: key }: Lane): Pick<FrontKey, "rank" | "id"> | undefined {
  return sql.get(
    `SELECT rank, id FROM fronts INDEXED BY fronts_lane
     WHERE concurrency_key IS NOT NULL AND concurrency_key = ? AND line = ?`,
    key,
    line,
  ) as Pick<FrontKey, "rank" | "id"> | undefined;
}

export function isBefore(a: Pick<FrontKey, "rank" | "id">, b: Pick<FrontKey, "rank" | "id">): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.id < b.id);
}

// --- Statements, made once: a text that is put together anew each time costs as much as a seek ---------------------------

const queuedColumns = "job, key, attempt, epoch, cost_usd, tokens, run_at, delay_ms, waiting_for_json";
const readyColumns = `line, rank, id, ready_from, concurrency_key, ${queuedColumns}`;
const frontIs = "WHERE line = ? AND rank = ? AND id = ?";
const followerIs = "WHERE concurrency_key = ? AND line = ? AND rank = ? AND id = ?";

const insertIntoDelayed = `INSERT INTO delayed (${queuedColumns}, delayed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const insertIntoFronts = `INSERT INTO fronts (${readyColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const insertIntoFollowers = insertIntoFronts.replace("fronts", "followers");
const selectFirstFollower = `
  SELECT ${readyColumns} FROM followers WHERE concurrency_key = ? AND line = ? ORDER BY rank, id LIMIT 1`;
const copyFrontToFollowers = `INSERT INTO followers (${readyColumns}) SELECT ${readyColumns} FROM fronts ${frontIs}`;
const deleteFront = `DELETE FROM fronts ${frontIs}`;
const deleteFollower = `DELETE FROM followers ${followerIs}`;

function queuedValues(job: QueuedJob) {
  const { seq, key, attempt, epoch, cost_usd, tokens, run_at, delay_ms, waiting_for_json } = job;
  return [seq, key, attempt, epoch, cost_usd, tokens, run_at, delay_ms, waiting_for_json];
}

function readyValues(job: QueuedJob) {
  return [job.line, job.rank, job.id, job.ready_from, job.concurrency_key, ...queuedValues(job)];
}
