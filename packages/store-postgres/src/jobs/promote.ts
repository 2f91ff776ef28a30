/** Jobs whose moment has come enter the queue; also those that wait only because the clock was set back (see `isDue`). */
import { clockSetBackMsMin } from "@agentcore/scheduler";
import { isWaiting } from "../schema/schema-queue.ts";
import type { Sql } from "../store/sql.ts";
import { refreshLanes } from "./lanes.ts";

/** Most jobs that become due in one step, so that each statement stays short. */
const promotedMax = 10_000;

/** A job that became due stays due until it is claimed, even if the clock is set back. */
export async function promoteDue(sql: Sql, now: number): Promise<void> {
  const promoted = await sql.all(
    `WITH due AS (
       (SELECT number FROM jobs WHERE ${isWaiting} AND state = 'moment' AND run_at <= $1 ORDER BY run_at LIMIT ${promotedMax})
       UNION
       (SELECT number FROM jobs WHERE state = 'moment' AND delay_ms IS NOT NULL AND run_at - delay_ms > $1 + $2 LIMIT ${promotedMax})),
     moved AS (
       UPDATE jobs j SET state = CASE
         WHEN key IS NOT NULL AND EXISTS (
           SELECT 1 FROM jobs r WHERE r.state = 'running' AND r.key = j.key AND r.number <> j.number) THEN 'key'
         WHEN workspace IS NULL THEN 'ready'
         ELSE 'behind' END
       FROM due WHERE j.number = due.number RETURNING j.state, j.claim_group, j.workspace),
     counted AS (
       UPDATE claim_groups g SET due = due + m.jobs
       FROM (SELECT claim_group, count(*) AS jobs FROM moved WHERE state <> 'key' GROUP BY claim_group) m
       WHERE g.number = m.claim_group)
     SELECT DISTINCT claim_group, workspace FROM moved WHERE state = 'behind'`,
    now,
    clockSetBackMsMin,
  );
  await refreshLanes(sql, promoted);
}
