/**
 * Stores queued jobs. Of the due jobs of a claim group and workspace at most the first is `ready`, the state that claims
 * read, so that a thousand jobs of one workspace do not hide the jobs behind them. No job of a workspace has to be ready
 * while one runs: when that one ends, the next is made ready. Every change of the queue keeps these rules here.
 *
 * A job that became due stays due until it is claimed, even if the clock is set back.
 */
import { type Place, type QueuedPlace, clockSetBackMsMin } from "@agentcore/scheduler";
import { isDueInWorkspace, isWaiting } from "../schema-queue.ts";
import type { Sql } from "../sql.ts";
import type { JobRow } from "./job-row.ts";

/** The facts that decide the place of a queued job. */
export type QueuedJob = Pick<JobRow, "number" | "id" | "key" | "workspace" | "claim_group" | "rank">;

export interface Entering {
  readonly isPiece: boolean;
  /** See `QueuedState.delayMs`. */
  readonly delayMs: number | null;
}

const isDue = (state: Place | null): boolean => state === "ready" || state === "behind";

/** Call for each change of a job's state, to count the due jobs of its group. `null`: the job is new. */
export function countDue(sql: Sql, group: number, before: Place | null, after: Place): void {
  if (isDue(before) === isDue(after)) return;
  sql.run("UPDATE claim_groups SET due = due + ? WHERE number = ?", isDue(after) ? 1 : -1, group);
}

/** The place where a job enters the queue; the caller writes it. If it goes first, the former first is put behind it. */
export function enterQueue(sql: Sql, job: QueuedJob, { isPiece, delayMs }: Entering): QueuedPlace {
  if (isPiece) return "piece";
  if (delayMs !== 0) return "moment";
  if (job.key !== null && isKeyRunning(sql, job.key, job.id)) return "key";
  if (job.workspace === null) return "ready";
  const first = sql.values(nextOf("?", "?"), job.workspace, job.claim_group);
  if (first === undefined) return "ready";
  const [number, rank] = first.map(Number) as [number, number];
  if (isBefore({ number, rank }, job)) return "behind";
  sql.run("UPDATE jobs SET state = 'behind' WHERE number = ?", number);
  return "ready";
}

/** Call for a job that is no longer ready, or that ran: the next job of its workspace takes its place. */
export function letNextIn(sql: Sql, { workspace, claim_group: group }: QueuedJob): void {
  if (workspace === null) return;
  sql.run(`UPDATE jobs SET state = 'ready' WHERE number = (${numberOfNext("?", "?")})`, workspace, group);
}

/** Makes the next job of each workspace with a running job ready, for a claim that may run several per workspace. */
export function letInBesideRunning(sql: Sql): void {
  sql.run(`UPDATE jobs SET state = 'ready' WHERE number IN (${nextOfRunning})`);
}

const nextOf = (workspace: string, group: string): string => `
  SELECT number, rank FROM jobs WHERE ${isDueInWorkspace} AND workspace = ${workspace} AND claim_group = ${group}
  ORDER BY rank, number LIMIT 1`;
const numberOfNext = (workspace: string, group: string): string => `
  SELECT number FROM (${nextOf(workspace, group)})`;

/** Numbers of the first due jobs of the workspaces in which a job runs. */
export const nextOfRunning = `
  SELECT (${numberOfNext("r.workspace", "r.claim_group")}) FROM jobs r WHERE r.state = 'running'`;

/** Whether another job with the key runs. Reads all running jobs. */
export function isKeyRunning(sql: Sql, key: string, id: string): boolean {
  const running = sql.values(
    "SELECT 1 FROM jobs WHERE state = 'running' AND key = ? AND id <> ? LIMIT 1",
    key,
    id,
  );
  return running !== undefined;
}

/** Jobs are numbered in the order of their submits. */
export function isBefore(a: Pick<JobRow, "rank" | "number">, b: Pick<JobRow, "rank" | "number">): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.number < b.number);
}

// --- Ends ---------------------------------------------------------------------------------------------------------------

const selectLatestEnd = `SELECT max(latest) FROM (${["succeeded", "dead", "cancelled"]
  .map(
    (state) =>
      `SELECT max(end_number) AS latest FROM jobs WHERE state = '${state}' AND end_number IS NOT NULL`,
  )
  .join(" UNION ALL ")})`;

/** The latest end mark; 0: none. Ends of jobs are numbered in the order in which they are committed, regardless of clocks. */
export function endMark(sql: Sql): number {
  return Number(sql.values(selectLatestEnd)?.[0] ?? 0);
}

// --- Jobs that become due -----------------------------------------------------------------------------------------------

/** Most jobs that become due in one call, so that many of them do not block the event loop at once. */
const promotedMax = 10_000;

const waitsForMoment = `${isWaiting} AND state = 'moment'`;
const waitsFrom = "state = 'moment' AND delay_ms IS NOT NULL AND run_at - delay_ms";

/** Makes jobs ready whose moment has come, and those that wait only because the clock was set back (see `isDue`). */
export function promoteDue(sql: Sql, now: number): void {
  const due = sql.allValues(
    `SELECT number FROM jobs WHERE ${waitsForMoment} AND run_at <= ? ORDER BY run_at LIMIT ${promotedMax}`,
    now,
  );
  const setBack = sql.allValues(
    `SELECT number FROM jobs WHERE ${waitsFrom} > ? LIMIT ${promotedMax}`,
    now + clockSetBackMsMin,
  );
  for (const number of new Set([...due, ...setBack].map(([value]) => Number(value)))) becomeDue(sql, number);
}

/** Call once a running job with this idempotency key has ended. A job that waits for that end holds the key, and becomes due. */
export function releaseKey(sql: Sql, key: string): void {
  const [number] =
    sql.values(
      "SELECT j.number FROM key_holders h JOIN jobs j ON j.number = h.job WHERE h.key = ? AND j.state = 'key'",
      key,
    ) ?? [];
  if (number !== undefined) becomeDue(sql, Number(number));
}

function becomeDue(sql: Sql, number: number): void {
  const job = sql.get(
    "SELECT number, id, key, workspace, claim_group, rank FROM jobs WHERE number = ?",
    number,
  ) as unknown as QueuedJob;
  const state = enterQueue(sql, job, { isPiece: false, delayMs: 0 });
  sql.run("UPDATE jobs SET state = ? WHERE number = ?", state, number);
  countDue(sql, job.claim_group, null, state);
}

/** When the next queued job becomes due that is not due yet; null: there is none. */
export function nextRunAt(sql: Sql, now: number): number | null {
  const moments = ["moment", "piece"].flatMap(
    (state) =>
      sql.values(
        `SELECT run_at FROM jobs WHERE ${isWaiting} AND state = ? AND run_at > ?
           AND (delay_ms IS NULL OR run_at - delay_ms <= ?) ORDER BY run_at LIMIT 1`,
        state,
        now,
        now + clockSetBackMsMin,
      ) ?? [],
  );
  return moments.length === 0 ? null : Math.min(...moments.map(Number));
}

/** How many jobs that wait for their moment the next claim would make ready. */
export function countPromoted(sql: Sql, now: number): number {
  const row = sql.values(
    `SELECT (SELECT count(*) FROM jobs WHERE ${waitsForMoment} AND run_at <= ?)
       + (SELECT count(*) FROM jobs WHERE ${waitsFrom} > ? AND run_at > ?)`,
    now,
    now + clockSetBackMsMin,
    now,
  );
  return Number(row?.[0]);
}
