/** Deleting what is over. Attempts, decisions and aliases go with their job; late results by its id. */
import type { JobQuery } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { addToCount, countedAs } from "./counts.ts";
import type { JobRow } from "./job-row.ts";
import { conditionOf } from "./queries.ts";

type DoomedRow = Pick<JobRow, "seq" | "id" | "state" | "ready" | "replayed_as">;

export function purgeDead(sql: Sql, query: Omit<JobQuery, "states" | "limit" | "before">): number {
  const { text, values } = conditionOf({ ...query, states: ["dead"] });
  return deleteJobs(
    sql,
    sql.all(
      `SELECT j.seq, j.id, j.state, j.ready, j.replayed_as FROM jobs j JOIN job_texts t ON t.job = j.seq WHERE ${text}`,
      ...values,
    ),
  );
}

const deletedDefault = 1000;

export function deleteEnded(
  sql: Sql,
  { endedBefore, limit = deletedDefault }: { readonly endedBefore: number; readonly limit?: number },
): number {
  return deleteJobs(
    sql,
    sql.all(
      `SELECT seq, id, state, ready, replayed_as FROM jobs INDEXED BY jobs_ended
       WHERE ended_at IS NOT NULL AND (state <> 'dead' OR replayed_as IS NOT NULL) AND ended_at < ?
       ORDER BY ended_at LIMIT ?`,
      endedBefore,
      limit,
    ),
  );
}

function deleteJobs(sql: Sql, rows: readonly unknown[]): number {
  for (const row of rows as readonly DoomedRow[]) {
    sql.run("DELETE FROM late_results WHERE job_id = ?", row.id);
    sql.run("DELETE FROM jobs WHERE seq = ?", row.seq);
    addToCount(sql, countedAs(row), -1);
  }
  return rows.length;
}
