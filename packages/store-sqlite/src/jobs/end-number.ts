/** Numbers the ends of jobs in the order of their commits, independent of clocks. */
import type { Sql } from "../sql.ts";

/** The number of the latest end; 0 where there is none. */
export function endMark(sql: Sql): number {
  const latest = ["succeeded", "dead", "cancelled"].map(
    (as) =>
      `SELECT (SELECT end_number FROM jobs WHERE ended_as = '${as}' ORDER BY end_number DESC LIMIT 1) AS latest`,
  );
  return Number(sql.values(`SELECT max(latest) FROM (${latest.join(" UNION ALL ")})`)?.[0] ?? 0);
}

export const nextEndNumber = (sql: Sql): number => endMark(sql) + 1;
