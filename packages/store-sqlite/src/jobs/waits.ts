/** What queued jobs wait for. Figures come from the counts of claim groups and from indexes alone; few rows are read. */
import {
  parsed,
  waitsMax,
  type QueueWaits,
  type Reason,
  type WaitingJob,
  type WaitingLine,
  type WaitsRequest,
} from "@agentcore/scheduler";
import { isDueInWorkspace, isWaiting } from "../schema-queue.ts";
import type { Sql } from "../sql.ts";

/** In the order in which they are read, for a limited number. */
const kinds = { piece: "piece", key: "key", moment: "delayed" } as const;
const places = Object.keys(kinds) as (keyof typeof kinds)[];

const group = "nullif(g.tenant, '') AS tenant, g.worker, nullif(g.model, '') AS model, g.class";

/** The first in line. A group may have no job that is first in its workspace: then any of its jobs. */
const firstOfGroup = `coalesce(
  (SELECT number FROM jobs WHERE state = 'ready' AND claim_group = g.number ORDER BY rank, number LIMIT 1),
  (SELECT number FROM jobs WHERE ${isDueInWorkspace} AND claim_group = g.number LIMIT 1))`;

const lines = `
  SELECT ${group}, g.due AS jobs, f.id, f.ready_from
  FROM (SELECT * FROM claim_groups WHERE due > 0 ORDER BY due DESC LIMIT ${waitsMax}) g
  JOIN jobs f ON f.number = ${firstOfGroup}`;

const linesOfKey = `
  SELECT ${group}, d.jobs, f.id, f.ready_from
  FROM (SELECT claim_group, count(*) AS jobs, min(rank), number AS first FROM jobs
        WHERE ${isDueInWorkspace} AND workspace = ? GROUP BY claim_group) d
  JOIN claim_groups g ON g.number = d.claim_group JOIN jobs f ON f.number = d.first`;

const others = `
  SELECT ${group}, j.id, j.state, j.workspace, j.run_at, j.ready_from, j.reason_json
  FROM (SELECT number FROM jobs WHERE ${isWaiting} AND state = ? ORDER BY run_at LIMIT (? + 0)) w
  JOIN jobs j ON j.number = w.number JOIN claim_groups g ON g.number = j.claim_group`;

export function waits(sql: Sql, { keys }: WaitsRequest): QueueWaits {
  const counts = sql.allValues(`SELECT state, count(*) FROM jobs WHERE ${isWaiting} GROUP BY state`);
  return {
    lines: sql.all(lines).map(lineOf),
    ofKeys: keys.flatMap((concurrencyKey) =>
      sql.all(linesOfKey, concurrencyKey).map((row) => ({ ...lineOf(row), concurrencyKey })),
    ),
    others: othersOf(sql),
    othersInAll: counts.reduce((sum, [, count]) => sum + Number(count), 0),
  };
}

function othersOf(sql: Sql): readonly WaitingJob[] {
  const found: WaitingJob[] = [];
  for (const place of places) {
    if (found.length < waitsMax) found.push(...sql.all(others, place, waitsMax - found.length).map(jobOf));
  }
  return found;
}

type Row = ReturnType<Sql["all"]>[number];

const groupOf = (row: Row) => ({
  tenant: row.tenant as string | null,
  worker: String(row.worker),
  model: row.model as string | null,
  class: row.class as WaitingLine["class"],
});

const lineOf = (row: Row): WaitingLine => ({
  ...groupOf(row),
  jobs: Number(row.jobs),
  first: { jobId: String(row.id), readyFrom: Number(row.ready_from) },
});

const jobOf = (row: Row): WaitingJob => ({
  ...groupOf(row),
  jobId: String(row.id),
  kind: kinds[row.state as keyof typeof kinds],
  concurrencyKey: row.workspace as string | null,
  runAt: Number(row.run_at),
  readyFrom: Number(row.ready_from),
  waitingFor: parsed(row.reason_json) as Reason | null,
});
