/**
 * Stores queued jobs. `ready`, which claims read, has the first due job of each claim group and workspace, so that a
 * thousand jobs of one workspace do not hide the jobs behind them. Every change of the queue keeps that rule here.
 *
 * A job that became due stays due until it is claimed, even if the clock is set back.
 */
import { clockSetBackMsMin } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import type { JobRow, Wait } from "./job-row.ts";

/** What decides where a queued job stands. */
export type QueuedJob = Pick<JobRow, "number" | "id" | "claim_group" | "concurrency_key" | "rank">;

/** The workspace of jobs without a concurrency key: each of them is ready when it is due. */
const noWorkspace = "";

export const workspaceOf = (job: Pick<JobRow, "concurrency_key">): string =>
  job.concurrency_key ?? noWorkspace;

export interface Entering {
  readonly isPiece: boolean;
  /** See `QueuedState.delayMs`. */
  readonly delayMs: number | null;
}

/** What a job that enters the queue waits for. The caller writes it, and calls {@link enterDue} where that is null. */
export function waitOf(sql: Sql, job: Pick<JobRow, "id" | "key">, { isPiece, delayMs }: Entering): Wait {
  if (isPiece) return "run";
  if (delayMs !== 0) return "moment";
  return job.key !== null && isKeyRunning(sql, job.key, job.id) ? "key" : null;
}

/** Whether another job with the key runs. Looks at all that runs now. */
export function isKeyRunning(sql: Sql, key: string, id: string): boolean {
  const running = sql.values(
    "SELECT 1 FROM running r CROSS JOIN jobs j ON j.number = r.job WHERE j.key = ? AND j.id <> ?",
    key,
    id,
  );
  return running !== undefined;
}

/** Call for a job whose row says that it is due. */
export function enterDue(sql: Sql, job: QueuedJob): void {
  const workspace = workspaceOf(job);
  const { claim_group: group, rank, id, number } = job;
  const first = workspace === noWorkspace ? undefined : firstDue(sql, workspace, group);
  sql.run("INSERT INTO due VALUES (?, ?, ?, ?, ?)", workspace, group, rank, id, number);
  if (first !== undefined && isBefore(first, job)) return;
  if (first !== undefined) leaveReady(sql, group, first);
  makeReady(sql, workspace, number);
}

/** Takes a job that is due out of the queue; the next of its workspace takes its place in `ready`. */
export function leaveDue(sql: Sql, job: QueuedJob): void {
  const workspace = workspaceOf(job);
  const { claim_group: group, rank, id } = job;
  const isDue = "workspace = ? AND claim_group = ? AND rank = ? AND id = ?";
  sql.run(`DELETE FROM due WHERE ${isDue}`, workspace, group, rank, id);
  if (!leaveReady(sql, group, job) || workspace === noWorkspace) return;
  const next = firstDue(sql, workspace, group);
  if (next !== undefined) makeReady(sql, workspace, next.job);
}

function makeReady(sql: Sql, workspace: string, number: number): void {
  sql.run(
    "INSERT INTO ready SELECT claim_group, rank, id, number, ?, ready_from, run_at FROM jobs WHERE number = ?",
    workspace,
    number,
  );
}

function leaveReady(sql: Sql, group: number, { rank, id }: Position): boolean {
  return sql.run("DELETE FROM ready WHERE claim_group = ? AND rank = ? AND id = ?", group, rank, id) === 1;
}

type Position = Pick<QueuedJob, "rank" | "id">;

function firstDue(
  sql: Sql,
  workspace: string,
  group: number,
): (Position & { readonly job: number }) | undefined {
  return sql.get(
    "SELECT rank, id, job FROM due WHERE workspace = ? AND claim_group = ? ORDER BY rank, id LIMIT 1",
    workspace,
    group,
  ) as (Position & { readonly job: number }) | undefined;
}

export function isBefore(a: Position, b: Position): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.id < b.id);
}

// --- Jobs that become due -----------------------------------------------------------------------------------------------

/** Jobs that become due in one call at most, so that many of them do not hold the event loop at once. */
const promotedMax = 10_000;

const waitsFrom = "wait = 'moment' AND delay_ms IS NOT NULL AND run_at - delay_ms";

/** Lets in the jobs whose moment has come, and those that wait only because the clock was set back (see `isDue`). */
export function promoteDue(sql: Sql, now: number): void {
  const due = sql.allValues(
    `SELECT number FROM jobs WHERE wait = 'moment' AND run_at <= ? ORDER BY run_at LIMIT ${promotedMax}`,
    now,
  );
  const setBack = sql.allValues(
    `SELECT number FROM jobs WHERE ${waitsFrom} > ? LIMIT ${promotedMax}`,
    now + clockSetBackMsMin,
  );
  for (const number of new Set([...due, ...setBack].map(([value]) => Number(value)))) becomeDue(sql, number);
}

/** Call once a running job with this idempotency key has ended: the job that waits for that, if any, holds the key. */
export function releaseKey(sql: Sql, key: string): void {
  const [number] =
    sql.values(
      "SELECT j.number FROM key_holders h JOIN jobs j ON j.number = h.job WHERE h.key = ? AND j.wait = 'key'",
      key,
    ) ?? [];
  if (number !== undefined) becomeDue(sql, Number(number));
}

function becomeDue(sql: Sql, number: number): void {
  const job = sql.get("SELECT * FROM jobs WHERE number = ?", number) as unknown as JobRow;
  const wait = waitOf(sql, job, { isPiece: false, delayMs: 0 });
  sql.run("UPDATE jobs SET wait = ? WHERE number = ?", wait, number);
  if (wait === null) enterDue(sql, job);
}

/** When the next queued job that is not due becomes due; null: there is none. */
export function nextRunAt(sql: Sql, now: number): number | null {
  const moments = ["moment", "run"].flatMap(
    (wait) =>
      sql.values(
        `SELECT run_at FROM jobs WHERE wait = ? AND run_at > ?
           AND (delay_ms IS NULL OR run_at - delay_ms <= ?) ORDER BY run_at LIMIT 1`,
        wait,
        now,
        now + clockSetBackMsMin,
      ) ?? [],
  );
  return moments.length === 0 ? null : Math.min(...moments.map(Number));
}

/** How many jobs that wait for their moment the next claim would let in. */
export function countDue(sql: Sql, now: number): number {
  const row = sql.values(
    `SELECT (SELECT count(*) FROM jobs WHERE wait = 'moment' AND run_at <= ?)
       + (SELECT count(*) FROM jobs WHERE ${waitsFrom} > ? AND run_at > ?)`,
    now,
    now + clockSetBackMsMin,
    now,
  );
  return Number(row?.[0]);
}
