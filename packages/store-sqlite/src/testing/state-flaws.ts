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

const places = `
  SELECT job, 'due' AS place FROM due UNION ALL
  SELECT number, wait FROM jobs WHERE wait IS NOT NULL UNION ALL
  SELECT job, 'running' FROM running UNION ALL
  SELECT number, ended_as FROM jobs WHERE ended_as IS NOT NULL`;

const checks: readonly Check[] = [
  {
    flaw: "a job stands nowhere, or in several places",
    query: `SELECT j.id, p.places FROM jobs j
      LEFT JOIN (SELECT job, count(*) AS count, group_concat(place) AS places FROM (${places}) GROUP BY job) p
      ON p.job = j.number WHERE coalesce(p.count, 0) <> 1`,
  },
  {
    flaw: "a place is kept for a job that does not exist",
    query: `SELECT job, place FROM (${places}) WHERE job NOT IN (SELECT number FROM jobs)`,
  },
  {
    flaw: "the due jobs are counted wrong",
    query: "SELECT count, (SELECT count(*) FROM due) AS actual FROM due_count WHERE count <> actual",
  },
  {
    flaw: "a job has no text",
    query: "SELECT id FROM jobs WHERE number NOT IN (SELECT job FROM job_texts)",
  },
  {
    flaw: "a due job stands in a place that is not its own",
    query: `SELECT j.id FROM due d JOIN jobs j ON j.number = d.job
      WHERE (d.workspace, d.claim_group, d.rank, d.id)
        IS NOT (coalesce(j.concurrency_key, ''), j.claim_group, j.rank, j.id)`,
  },
  {
    flaw: "of the due jobs of a claim group and workspace, another than the first alone is ready",
    query: `SELECT id FROM (
        SELECT d.claim_group, d.rank, d.id, d.job, d.workspace, j.ready_from, j.run_at FROM (
          SELECT *, row_number() OVER (PARTITION BY workspace, claim_group ORDER BY rank, id) AS nth FROM due) d
        JOIN jobs j ON j.number = d.job WHERE d.nth = 1 OR d.workspace = '' EXCEPT SELECT * FROM ready)
      UNION ALL SELECT id FROM ready WHERE (workspace, claim_group, rank, id) NOT IN (
        SELECT workspace, claim_group, rank, id FROM (
          SELECT *, row_number() OVER (PARTITION BY workspace, claim_group ORDER BY rank, id) AS nth FROM due)
        WHERE nth = 1 OR workspace = '')`,
  },
  {
    flaw: "a job waits for its key and none with it runs, or it is due beside one",
    query: `SELECT q.id FROM jobs q WHERE (q.wait = 'key' OR q.number IN (SELECT job FROM due)) AND (q.wait IS NOT NULL) <>
      EXISTS (SELECT 1 FROM running r JOIN jobs o ON o.number = r.job WHERE o.key = q.key)`,
  },
  {
    flaw: "a key is held by a job that has ended or has another key",
    query: `SELECT h.key FROM key_holders h LEFT JOIN jobs j ON j.number = h.job AND j.key = h.key
      WHERE j.number IS NULL OR j.ended_at IS NOT NULL`,
  },
  {
    flaw: "a queued job does not hold its key",
    query: `SELECT j.id FROM jobs j LEFT JOIN key_holders h ON h.key = j.key AND h.job = j.number
      WHERE j.key IS NOT NULL AND h.job IS NULL AND j.ended_as IS NULL AND j.number NOT IN (SELECT job FROM running)`,
  },
  {
    flaw: "attempts are missing, or there are more than were begun",
    query: `SELECT id FROM jobs j WHERE (SELECT count(*) FROM attempts a WHERE a.job = j.number) <> j.attempt`,
  },
  {
    flaw: "an ended job has no end, or an unfinished one has",
    query: "SELECT id FROM jobs WHERE (ended_at IS NULL) <> (ended_as IS NULL)",
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
