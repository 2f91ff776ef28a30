/**
 * Where jobs stand in line. A line is what a claim takes or excludes alike: one tenant, worker, model and priority class.
 * Ready jobs of one line and concurrency key form a lane, in the order of rank and id, and only the first of each lane is
 * marked `front`: the search for the next job reads fronts alone. A job without a concurrency key is a lane of its own.
 *
 * A queued job whose moment has not come is not ready; `promoteDue` makes it so. Once ready it stays ready, also when the
 * clock is set back afterwards.
 */
import type { Job } from "@agentcore/contract";
import type { Sql } from "../sql.ts";
import { moveCount } from "./counts.ts";

interface Lane {
  readonly line: number;
  readonly concurrency_key: string | null;
}

/** What decides where in its lane a job stands. */
interface Place extends Lane {
  readonly id: string;
  readonly rank: number;
}

interface PlacedRow extends Place {
  readonly seq: number;
}

/** Number of the job's line, which is made where it is the first of its kind. */
export function lineOf(sql: Sql, { task, context, priority }: Job): number {
  const names = [context.tenant ?? "", task.worker, task.model ?? "", priority.class];
  const known = sql.get(
    "SELECT line FROM lines WHERE tenant = ? AND worker = ? AND model = ? AND class = ?",
    ...names,
  );
  const row =
    known ??
    sql.get("INSERT INTO lines (tenant, worker, model, class) VALUES (?, ?, ?, ?) RETURNING line", ...names);
  return Number(row?.line);
}

/** Jobs that become ready in one call at most, so that a thousand parked ones do not hold up the event loop at once. */
const promotedMax = 10_000;

/** Whether a job that becomes ready is the first of its lane; takes the mark from the one that was. Call before it is. */
export function becomesFront(sql: Sql, place: Place): boolean {
  if (place.concurrency_key === null) return true;
  const first = firstOfLane(sql, place);
  if (first === undefined) return true;
  if (place.rank > first.rank || (place.rank === first.rank && place.id > first.id)) return false;
  sql.run("UPDATE jobs SET front = 0 WHERE seq = ?", first.seq);
  return true;
}

/** Marks the next of a lane whose front has just left it. */
export function passFrontOn(sql: Sql, left: Lane): void {
  if (left.concurrency_key === null) return;
  const next = firstOfLane(sql, left);
  if (next !== undefined) sql.run("UPDATE jobs SET front = 1 WHERE seq = ?", next.seq);
}

function firstOfLane(sql: Sql, lane: Lane): PlacedRow | undefined {
  return sql.get(
    `SELECT seq, id, line, concurrency_key, rank FROM jobs INDEXED BY jobs_lane
     WHERE ready = 1 AND concurrency_key IS NOT NULL AND concurrency_key = ? AND line = ? ORDER BY rank, id LIMIT 1`,
    lane.concurrency_key,
    lane.line,
  ) as PlacedRow | undefined;
}

/**
 * A clock that shows an earlier moment than the one at which a wait was decided was set back, and the wait is over (see
 * `isDue`). Up to this much is taken for the small corrections that clocks make all the time.
 */
export const clockSetBackMsMin = 1000;

/** Makes jobs ready whose moment has come, or that wait only because the clock was set back. */
export function promoteDue(sql: Sql, now: number): void {
  const due = sql.all(
    `SELECT seq, id, line, concurrency_key, rank FROM jobs INDEXED BY jobs_queued
     WHERE state = 'queued' AND ready = 0 AND run_at <= ? ORDER BY run_at LIMIT ?`,
    now,
    promotedMax,
  );
  const overdue = sql.all(
    `SELECT seq, id, line, concurrency_key, rank FROM jobs INDEXED BY jobs_delayed
     WHERE state = 'queued' AND ready = 0 AND delayed_at IS NOT NULL AND delayed_at > ? LIMIT ?`,
    now + clockSetBackMsMin,
    promotedMax,
  );
  const rows = [...due, ...overdue] as readonly unknown[] as readonly PlacedRow[];
  for (const row of rows) {
    const front = becomesFront(sql, row) ? 1 : 0;
    sql.run("UPDATE jobs SET ready = 1, front = ? WHERE seq = ?", front, row.seq);
  }
  moveCount(sql, "delayed", "ready", rows.length);
}
