/**
 * What must hold in a `state.db` between any two commits, looked at with plain SQL and none of the store's own code. For
 * tests that crash or starve a store; a sound database has no flaw.
 */
import type { Sql } from "../sql.ts";
import type { StateDatabase } from "../state-database.ts";

export async function stateFlaws(database: StateDatabase): Promise<readonly string[]> {
  const damage = await database.checkIntegrity();
  const flaws = await database.read((sql) => checks.flatMap((check) => flawsOf(sql, check)));
  return [...damage, ...flaws];
}

interface Check {
  /** What a row of the query means. */
  readonly flaw: string;
  readonly query: string;
}

/** Rows of a table whose jobs are no pieces of workflow runs, which wait uncounted. */
const notPieces = "job NOT IN (SELECT seq FROM jobs WHERE json_array_length(line) = 5)";

const counted = `
  SELECT job, 'ready' AS kind FROM ready WHERE ${notPieces} UNION ALL
  SELECT job, 'ready' FROM followers WHERE ${notPieces} UNION ALL
  SELECT job, 'delayed' FROM delayed WHERE ${notPieces} UNION ALL
  SELECT job, 'running' FROM running UNION ALL
  SELECT job, iif(state = 'dead' AND replayed_as IS NOT NULL, 'replayed', state) FROM endings WHERE state IS NOT NULL`;

const places = `
  SELECT job, 'ready' AS kind FROM ready UNION ALL
  SELECT job, 'ready' FROM followers UNION ALL
  SELECT job, 'delayed' FROM delayed UNION ALL
  SELECT job, 'running' FROM running UNION ALL
  SELECT job, iif(state = 'dead' AND replayed_as IS NOT NULL, 'replayed', state) FROM endings WHERE state IS NOT NULL`;

const checks: readonly Check[] = [
  {
    flaw: "a job stands in no table of a state, or in several",
    query: `SELECT j.id, p.kinds FROM jobs j
      LEFT JOIN (SELECT job, count(*) AS count, group_concat(kind) AS kinds FROM (${places}) GROUP BY job) p
      ON p.job = j.seq WHERE coalesce(p.count, 0) <> 1`,
  },
  {
    flaw: "a state is kept for a job that does not exist",
    query: `SELECT job FROM (${places}) WHERE job NOT IN (SELECT seq FROM jobs)`,
  },
  {
    flaw: "a count of jobs is wrong",
    query: `SELECT c.kind, c.count, p.count AS actual FROM job_counts c
      LEFT JOIN (SELECT kind, count(*) AS count FROM (${counted}) GROUP BY kind) p ON p.kind = c.kind
      WHERE c.kind NOT IN ('followers', 'ready_since') AND c.count <> coalesce(p.count, 0)`,
  },
  {
    flaw: "the followers are counted wrong",
    query: `SELECT count, (SELECT count(*) FROM followers) AS actual FROM job_counts
      WHERE kind = 'followers' AND count <> (SELECT count(*) FROM followers)`,
  },
  {
    flaw: "a job waits again without the marks of its attempts, or has them and does not wait",
    query: `SELECT id FROM job_rows WHERE (state = 'queued' AND epoch > 0) <> (seq IN (SELECT job FROM requeued))`,
  },
  {
    flaw: "ready jobs are counted at the wrong moment",
    query: `SELECT s.since, s.count, r.count AS actual
      FROM (SELECT since, count FROM job_counts WHERE kind = 'ready_since') s FULL JOIN (
        SELECT run_at, count(*) AS count FROM job_rows WHERE place IN ('ready', 'followers')
          AND json_array_length(line) = 4 GROUP BY run_at) r
      ON r.run_at = s.since WHERE s.count IS NOT r.count`,
  },
  {
    flaw: "the first job of a lane is a follower",
    query: `SELECT w.id FROM followers w WHERE NOT EXISTS (
      SELECT 1 FROM ready q WHERE q.concurrency_key = w.concurrency_key AND q.line = w.line
        AND (q.rank, q.id) < (w.rank, w.id))`,
  },
  {
    flaw: "a job stands in the queue in a place that is not its own",
    query: `SELECT j.id FROM jobs j JOIN (
        SELECT job, line, rank, id, ready_from, key, concurrency_key FROM ready UNION ALL
        SELECT job, line, rank, id, ready_from, key, concurrency_key FROM followers) q ON q.job = j.seq
      WHERE (q.line, q.rank, q.id, q.ready_from) IS NOT (j.line, j.rank, j.id, j.ready_from)
        OR q.key IS NOT j.key OR q.concurrency_key IS NOT j.concurrency_key`,
  },
  {
    flaw: "a key is held by a job that has ended or has another key",
    query: `SELECT h.key FROM key_holders h LEFT JOIN jobs j ON j.seq = h.job AND j.key = h.key
      WHERE j.seq IS NULL OR h.job IN (SELECT job FROM endings WHERE state IS NOT NULL)`,
  },
  {
    flaw: "a queued job does not hold its key",
    query: `SELECT j.id FROM jobs j LEFT JOIN key_holders h ON h.key = j.key AND h.job = j.seq
      WHERE j.key IS NOT NULL AND h.job IS NULL AND j.seq IN (
        SELECT job FROM ready UNION ALL SELECT job FROM followers UNION ALL SELECT job FROM delayed)`,
  },
  {
    flaw: "attempts are missing, or there are more than were begun",
    query: `SELECT id FROM job_rows j WHERE
      (SELECT count(*) FROM endings e WHERE e.job = j.seq AND e.owner IS NOT NULL) <> j.attempt - iif(j.state = 'running', 1, 0)`,
  },
  {
    flaw: "a counter of the ledger is not the sum of its holds",
    query: `SELECT l.scope, l.window, l.cost_held, b.held, l.cost_spent, b.spent FROM ledger_counters l
      LEFT JOIN (
        SELECT json_extract(c.value, '$.scope') AS scope, json_extract(c.value, '$.window') AS window,
          json_extract(c.value, '$.windowStart') AS start,
          sum(iif(h.settled_at IS NULL, json_extract(h.entry_json, '$.costMicroUsd'), 0)) AS held,
          sum(coalesce(h.spent_cost, 0)) AS spent
        FROM ledger_holds h, json_each(h.entry_json, '$.counters') c GROUP BY 1, 2, 3) b
      ON b.scope = l.scope AND b.window = l.window AND b.start = l.window_start
      WHERE l.cost_held <> coalesce(b.held, 0) OR l.cost_spent <> coalesce(b.spent, 0)`,
  },
];

function flawsOf(sql: Sql, { flaw, query }: Check): readonly string[] {
  return sql.all(query).map((row) => `${flaw}: ${JSON.stringify(row)}`);
}
