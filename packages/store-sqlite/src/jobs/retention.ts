/**
 * Deletes ended jobs with their texts, attempts, decisions and aliases. Late results and metered calls are deleted by job id.
 */
import type { DeleteEndedRequest, JobQuery } from "@agentcore/scheduler";
import type { SqlValue } from "../driver.ts";
import { attemptsOfJob } from "../schema-queue.ts";
import type { Sql } from "../sql.ts";
import { conditionOf } from "./queries.ts";

const deletedDefault = 1000;
/** A job can have many calls: after this many, the next request deletes the next jobs. */
const callsAtOnce = 20_000;

export function purgeDead(
  sql: Sql,
  { limit = deletedDefault, ...query }: Omit<JobQuery, "states" | "before">,
): readonly string[] {
  const { text, values } = conditionOf({ ...query, states: ["dead"] });
  const rows = sql.all(`SELECT number, id FROM job_rows j WHERE ${text} LIMIT (? + 0)`, ...values, limit);
  return deleteJobs(sql, rows);
}

/** Dead letters that were not replayed are kept. */
const endedAs = (as: string): string => `
  SELECT number, id, end_number FROM jobs WHERE state = '${as}' AND end_number IS NOT NULL AND (state <> 'dead' OR replayed_as IS NOT NULL)
    AND ended_at < ? AND submitted_at < ? AND (? IS NULL OR end_number <= ?) ORDER BY end_number LIMIT (? + 0)`;

const selectOver = `SELECT number, id FROM (
  SELECT * FROM (${endedAs("succeeded")}) UNION ALL
  SELECT * FROM (${endedAs("cancelled")}) UNION ALL
  SELECT * FROM (${endedAs("dead")})) ORDER BY end_number LIMIT (? + 0)`;

export function deleteEnded(
  sql: Sql,
  { endedBefore, upToMark, limit = deletedDefault }: DeleteEndedRequest,
): number {
  const bounds: SqlValue[] = [endedBefore, endedBefore, upToMark ?? null, upToMark ?? null, limit];
  const rows = sql.all(selectOver, ...bounds, ...bounds, ...bounds, limit);
  return deleteJobs(sql, rows).length;
}

/** Returns the ids of the deleted jobs. */
function deleteJobs(sql: Sql, rows: readonly unknown[]): readonly string[] {
  const deleted: string[] = [];
  let calls = 0;
  for (const { number, id } of rows as readonly { readonly number: number; readonly id: string }[]) {
    if (calls >= callsAtOnce) break;
    sql.run(`DELETE FROM attempts WHERE number IN (${attemptsOfJob("number")})`, number);
    sql.run("DELETE FROM jobs WHERE number = ?", number);
    sql.run("DELETE FROM late_results WHERE job_id = ?", id);
    calls += sql.run("DELETE FROM provider_calls WHERE job_id = ?", id);
    deleted.push(id);
  }
  return deleted;
}
