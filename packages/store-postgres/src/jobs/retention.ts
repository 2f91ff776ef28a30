/** Deletes ended jobs with their texts, attempts, decisions and aliases. Late results and metered calls are deleted by job id. */
import type { DeleteEndedRequest, JobQuery } from "@agentcore/scheduler";
import type { Sql, SqlRow } from "../store/sql.ts";
import { storedJobOf } from "./job-row.ts";
import { isMatch, matching } from "./queries.ts";

const deletedDefault = 1000;
/** A job can have many calls: after this many, the next request deletes the next jobs. */
const callsAtOnce = 20_000;

export async function purgeDead(
  sql: Sql,
  { limit = deletedDefault, ...query }: Omit<JobQuery, "states" | "before">,
): Promise<readonly string[]> {
  const rows = await matching(sql, { ...query, states: ["dead"] }, limit);
  const doomed = rows.filter((row) => isMatch(storedJobOf(row).record, query));
  return deleteJobs(sql, doomed);
}

/** Dead letters that were not replayed are kept. */
const endedAs = (as: string): string => `
  (SELECT number, id, end_number FROM jobs WHERE state = '${as}' AND end_number IS NOT NULL
     AND (state <> 'dead' OR replayed_as IS NOT NULL)
     AND ended_at < $1 AND submitted_at < $1 AND ($2::bigint IS NULL OR end_number <= $2) ORDER BY end_number LIMIT $3)`;

const selectOver = `
  SELECT number, id FROM (${["succeeded", "cancelled", "dead"].map(endedAs).join(" UNION ALL ")}) o
  ORDER BY end_number LIMIT $3`;

export async function deleteEnded(
  sql: Sql,
  { endedBefore, upToMark, limit = deletedDefault }: DeleteEndedRequest,
): Promise<number> {
  const mark = upToMark === undefined || upToMark === Infinity ? null : upToMark;
  const rows = await sql.all(selectOver, endedBefore, mark, limit);
  return (await deleteJobs(sql, rows)).length;
}

/** Returns the ids of the deleted jobs. */
async function deleteJobs(sql: Sql, rows: readonly SqlRow[]): Promise<readonly string[]> {
  if (rows.length === 0) return [];
  const doomed = await upToCalls(sql, rows);
  const ids = doomed.map(({ id }) => String(id));
  const ofJob = ["job_texts", "attempts", "aliases", "decisions"].map(
    (table) => `of_${table} AS (DELETE FROM ${table} WHERE job = ANY ($1::bigint[]))`,
  );
  await sql.run(
    `WITH ${ofJob.join(", ")},
     late AS (DELETE FROM late_results WHERE job_id = ANY ($2::text[])),
     calls AS (DELETE FROM provider_calls WHERE job_id = ANY ($2::text[])),
     deleted AS (DELETE FROM jobs WHERE number = ANY ($1::bigint[]) RETURNING state, replayed_as)
     UPDATE job_counts n SET jobs = n.jobs - d.jobs
     FROM (SELECT state, count(*) AS jobs FROM deleted WHERE state <> 'dead' OR replayed_as IS NULL GROUP BY state) d
     WHERE n.state = d.state`,
    doomed.map(({ number }) => Number(number)),
    ids,
  );
  return ids;
}

async function upToCalls(sql: Sql, rows: readonly SqlRow[]): Promise<readonly SqlRow[]> {
  const counts = await sql.all(
    "SELECT job_id, count(*) AS calls FROM provider_calls WHERE job_id = ANY ($1::text[]) GROUP BY job_id",
    rows.map(({ id }) => String(id)),
  );
  const callsOf = new Map(counts.map(({ job_id, calls }) => [job_id, Number(calls)]));
  let calls = 0;
  return rows.filter(({ id }) => {
    const isIn = calls < callsAtOnce;
    calls += callsOf.get(id) ?? 0;
    return isIn;
  });
}
