/** Deleting what is over. Attempts, decisions and aliases go with their job; late results by its id. */
import type { DeleteEndedRequest, JobQuery } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { countedAs } from "./counts.ts";
import type { JobRow } from "./job-row.ts";
import type { JobSql } from "./job-sql.ts";
import { conditionOf } from "./queries.ts";

type DoomedRow = Pick<JobRow, "seq" | "id" | "place" | "state" | "replayed_as">;

const deletedDefault = 1000;

export function purgeDead(
  sql: JobSql,
  { limit = deletedDefault, ...query }: Omit<JobQuery, "states" | "before">,
): readonly string[] {
  const { text, values } = conditionOf({ ...query, states: ["dead"] });
  const rows = sql.all(
    `SELECT seq, id, place, state, replayed_as FROM job_rows j WHERE ${text} LIMIT (? + 0)`,
    ...values,
    limit,
  );
  deleteJobs(sql, rows);
  return rows.map((row) => String(row.id));
}

export function deleteEnded(
  sql: JobSql,
  { endedBefore, upToMark, limit = deletedDefault }: DeleteEndedRequest,
): number {
  return deleteJobs(
    sql,
    sql.all(
      `SELECT j.seq, j.id, 'ended' AS place, e.state, e.replayed_as
       FROM endings e INDEXED BY endings_old CROSS JOIN jobs j ON j.seq = e.job
       WHERE e.state IS NOT NULL AND (e.state <> 'dead' OR e.replayed_as IS NOT NULL) AND e.ended_at < ?
         AND j.submitted_at < ? AND (? IS NULL OR e.number <= ?)
       ORDER BY e.ended_at LIMIT (? + 0)`,
      endedBefore,
      endedBefore,
      upToMark ?? null,
      upToMark ?? null,
      limit,
    ),
  );
}

/** Endings are numbered as they are committed, whatever the clocks show. */
export function endMark(sql: Sql): number {
  return Number(sql.get("SELECT max(number) AS mark FROM endings")?.mark ?? 0);
}

function deleteJobs(sql: JobSql, rows: readonly unknown[]): number {
  for (const row of rows as readonly DoomedRow[]) {
    sql.run("DELETE FROM endings WHERE job = ? AND state IS NULL", row.seq);
    sql.run("DELETE FROM endings WHERE job = ? AND state IS NOT NULL", row.seq);
    sql.run("DELETE FROM jobs WHERE seq = ?", row.seq);
    sql.run("DELETE FROM late_results WHERE job_id = ?", row.id);
    sql.count(countedAs(row), -1);
  }
  return rows.length;
}
