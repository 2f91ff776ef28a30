/**
 * The floor of the store's benchmark: the same rows written straight to SQLite, with the same sync and the same number of jobs
 * in each commit, by a loop that does nothing else.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { resultOfNothing } from "./result-of-nothing.ts";
import { submissionOf } from "./store-jobs.ts";
import { type Rate, rateOf } from "./store-rate.ts";

export type FloorRow = readonly [id: string, rank: number, job: string];

export function rowsOf(from: number, to: number): readonly FloorRow[] {
  return Array.from({ length: to - from }, (_, index) => {
    const submission = submissionOf(from + index);
    return [submission.job.id, submission.rank, JSON.stringify(submission.job)];
  });
}

export function openFloor(directory: string): DatabaseSync {
  const database = new DatabaseSync(join(directory, "floor.db"));
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE jobs (id TEXT PRIMARY KEY, state TEXT, rank REAL, attempt INTEGER, owner TEXT, job TEXT, result TEXT);
    CREATE INDEX ready ON jobs (rank, id) WHERE state = 'queued';
  `);
  return database;
}

export async function fillFloor(database: DatabaseSync, jobs: number): Promise<void> {
  for (let from = 0; from < jobs; from += 10_000) {
    await insertRows(database, rowsOf(from, Math.min(jobs, from + 10_000)), 1000);
  }
}

export function insertRows(
  database: DatabaseSync,
  rows: readonly FloorRow[],
  perCommit: number,
): Promise<Rate> {
  const insert = database.prepare("INSERT INTO jobs VALUES (?, 'queued', ?, 0, NULL, ?, NULL)");
  return rateOf(rows.length, () => {
    for (let at = 0; at < rows.length; at += perCommit) {
      database.exec("BEGIN IMMEDIATE");
      for (const row of rows.slice(at, at + perCommit)) insert.run(...row);
      database.exec("COMMIT");
    }
  });
}

/** Claims and completes `jobs` of those that are there, the ends of some and the claims of the next in one commit. */
export function drainRows(database: DatabaseSync, jobs: number, perCommit: number): Promise<Rate> {
  const claim = database.prepare(`UPDATE jobs SET state = 'running', attempt = attempt + 1, owner = 'bench'
    WHERE id = (SELECT id FROM jobs WHERE state = 'queued' ORDER BY rank, id LIMIT 1) RETURNING id, attempt, job`);
  const complete = database.prepare(
    "UPDATE jobs SET state = 'succeeded', owner = NULL, result = ? WHERE id = ? AND attempt = ? AND state = 'running'",
  );
  const resultJson = JSON.stringify(resultOfNothing);
  return rateOf(jobs, () => {
    let current: Record<string, unknown>[] = [];
    let claimed = 0;
    do {
      database.exec("BEGIN IMMEDIATE");
      for (const row of current) complete.run(resultJson, String(row.id), Number(row.attempt));
      const wanted = Math.min(perCommit, jobs - claimed);
      current = Array.from({ length: wanted }, () => claim.get()).filter((row) => row !== undefined);
      claimed += current.length;
      database.exec("COMMIT");
    } while (current.length > 0);
  });
}
