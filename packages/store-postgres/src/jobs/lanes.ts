/** Keeps the first due job of each lane (a claim group and workspace) ready, after a change of many jobs. */
import { isDueInWorkspace } from "../schema/schema-queue.ts";
import type { Rows } from "../store/reading.ts";
import type { Sql } from "../store/sql.ts";

/** `lanes`: rows of `claim_group` and `workspace`, as in the table. Before, at most the former first of each is ready. */
export async function refreshLanes(sql: Sql, lanes: Rows): Promise<void> {
  if (lanes.length === 0) return;
  const inLane = `${isDueInWorkspace} AND workspace = c.workspace AND claim_group = c.claim_group`;
  await sql.run(
    `WITH firsts AS (
       SELECT f.number AS first, r.number AS ready
       FROM unnest($1::bigint[], $2::text[]) AS c(claim_group, workspace)
       CROSS JOIN LATERAL (SELECT number FROM jobs WHERE ${inLane} ORDER BY rank, number LIMIT 1) f
       LEFT JOIN LATERAL (
         SELECT number FROM (SELECT number, state FROM jobs WHERE ${inLane} ORDER BY rank, number) d WHERE state = 'ready' LIMIT 1
       ) r ON true)
     UPDATE jobs j SET state = CASE WHEN j.number = first THEN 'ready' ELSE 'behind' END
     FROM firsts WHERE first IS DISTINCT FROM ready AND j.number IN (first, ready)`,
    lanes.map(({ claim_group }) => Number(claim_group)),
    lanes.map(({ workspace }) => String(workspace)),
  );
}
