/**
 * The queue: putting jobs in and taking them out, with the lanes kept in order. A lane is all ready jobs of one line and
 * concurrency key, by rank and id; its first is in `fronts`, which is where a claim looks, and the others are `followers`. A
 * job without a concurrency key is always a front. A job whose moment has not come is `delayed`, until `promoteDue` makes
 * it ready; ready it stays, also when the clock is set back afterwards.
 */
import { type Job, type Priority, assert } from "@agentcore/contract";
import type { Sql } from "../sql.ts";
import type { JobRow, SubmittedRow } from "./job-row.ts";
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

export function parseLine(line: string): Line {
  const [tenant, worker, model, priorityClass] = JSON.parse(line) as [
    string,
    string,
    string | null,
    Priority["class"],
  ];
  return { tenant, worker, model, class: priorityClass };
}

/** A job that need not wait is ready at once, whatever the clock says later; any other is delayed. */
export function enqueue(sql: JobSql, job: QueuedJob): void {
  if (job.delay_ms === 0) {
    enterLane(sql, job);
    sql.count("ready", 1);
    return;
  }
  sql.run(
    `INSERT INTO delayed (${queuedColumns}, delayed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...queuedValues(job),
    job.delay_ms === null ? null : job.run_at - job.delay_ms,
  );
  sql.count("delayed", 1);
}

/** Takes a job out of the queue; it must be where its row says. */
export function dequeue(sql: JobSql, row: JobRow): void {
  const { place, seq, line, rank, id, concurrency_key: key } = row;
  const gone = (deleted: number): void => assert(deleted === 1, `job ${id} is not in ${place}`);
  switch (place) {
    case "fronts":
      gone(sql.run("DELETE FROM fronts WHERE line = ? AND rank = ? AND id = ?", line, rank, id));
      if (key !== null) passFrontOn(sql, row);
      sql.count("ready", -1);
      return;
    case "followers":
      gone(
        sql.run(
          "DELETE FROM followers WHERE concurrency_key = ? AND line = ? AND rank = ? AND id = ?",
          key,
          line,
          rank,
          id,
        ),
      );
      sql.count("ready", -1);
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

/** Makes jobs ready whose moment has come, or that wait only because the clock was set back. */
export function promoteDue(sql: JobSql, now: number): void {
  const bounds = sql.get(
    "SELECT (SELECT min(run_at) FROM delayed) AS first, (SELECT max(delayed_at) FROM delayed) AS latest",
  ) as { readonly first: number | null; readonly latest: number | null };
  if (bounds.first !== null && bounds.first <= now) {
    promote(sql, `d.run_at <= ? ORDER BY d.run_at LIMIT ${promotedMax}`, now);
  }
  if (bounds.latest !== null && bounds.latest > now + clockSetBackMsMin) {
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
  }
  sql.count("delayed", -jobs.length);
  sql.count("ready", jobs.length);
}

function enterLane(sql: Sql, job: QueuedJob): void {
  if (job.concurrency_key === null) {
    insertFront(sql, job);
    return;
  }
  const front = frontOf(sql, job);
  if (front !== undefined && isBefore(front, job)) {
    insertFollower(sql, job);
    return;
  }
  if (front !== undefined) moveToFollowers(sql, front, job);
  insertFront(sql, job);
}

/** The next of a lane takes the place of its front, which has just left. */
function passFrontOn(sql: Sql, { line, concurrency_key: key }: Lane): void {
  const next = sql.get(
    "SELECT rank, id FROM followers WHERE concurrency_key = ? AND line = ? ORDER BY rank, id LIMIT 1",
    key,
    line,
  );
  if (next === undefined) return;
  const values = [key, line, Number(next.rank), String(next.id)];
  sql.run(
    `INSERT INTO fronts (line, rank, id, ready_from, concurrency_key, ${queuedColumns})
     SELECT line, rank, id, ready_from, concurrency_key, ${queuedColumns} FROM followers
     WHERE concurrency_key = ? AND line = ? AND rank = ? AND id = ?`,
    ...values,
  );
  sql.run("DELETE FROM followers WHERE concurrency_key = ? AND line = ? AND rank = ? AND id = ?", ...values);
}

function moveToFollowers(sql: Sql, { rank, id }: Pick<FrontKey, "rank" | "id">, { line }: Lane): void {
  sql.run(
    `INSERT INTO followers (line, rank, id, ready_from, concurrency_key, ${queuedColumns})
     SELECT line, rank, id, ready_from, concurrency_key, ${queuedColumns} FROM fronts
     WHERE line = ? AND rank = ? AND id = ?`,
    line,
    rank,
    id,
  );
  sql.run("DELETE FROM fronts WHERE line = ? AND rank = ? AND id = ?", line, rank, id);
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

const queuedColumns = "job, key, attempt, epoch, cost_usd, tokens, run_at, delay_ms, waiting_for_json";

function queuedValues(job: QueuedJob) {
  const { seq, key, attempt, epoch, cost_usd, tokens, run_at, delay_ms, waiting_for_json } = job;
  return [seq, key, attempt, epoch, cost_usd, tokens, run_at, delay_ms, waiting_for_json];
}

function insertFront(sql: Sql, job: QueuedJob): void {
  sql.run(
    `INSERT INTO fronts (line, rank, id, ready_from, concurrency_key, ${queuedColumns})
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    job.line,
    job.rank,
    job.id,
    job.ready_from,
    job.concurrency_key,
    ...queuedValues(job),
  );
}

function insertFollower(sql: Sql, job: QueuedJob): void {
  sql.run(
    `INSERT INTO followers (line, rank, id, ready_from, concurrency_key, ${queuedColumns})
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    job.line,
    job.rank,
    job.id,
    job.ready_from,
    job.concurrency_key,
    ...queuedValues(job),
  );
}
