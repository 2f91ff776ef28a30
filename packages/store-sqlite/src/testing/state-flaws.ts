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
  /** The meaning of a row of the query. */
  readonly flaw: string;
  readonly query: string;
}

const due = "state IN ('ready', 'behind')";

const checks: readonly Check[] = [
  {
    flaw: "a job stands nowhere",
    query: `SELECT id, state FROM jobs WHERE state NOT IN ('ready', 'behind', 'moment', 'key', 'piece', 'running',
      'succeeded', 'dead', 'cancelled')`,
  },
  {
    flaw: "the due jobs of a claim group are counted wrong",
    query: `SELECT * FROM (SELECT number, due, (SELECT count(*) FROM jobs WHERE claim_group = g.number AND ${due}) AS actual
      FROM claim_groups g) WHERE due <> actual`,
  },
  {
    flaw: "a job has no text",
    query: "SELECT id FROM jobs WHERE number NOT IN (SELECT job FROM job_texts)",
  },
  {
    flaw: "of the due jobs of a claim group and workspace, another than the first alone is ready",
    query: `SELECT id, state FROM (
        SELECT *, row_number() OVER (PARTITION BY workspace, claim_group ORDER BY rank, number) AS nth FROM jobs WHERE ${due})
      WHERE (state = 'ready') <> (nth = 1 OR workspace IS NULL) AND NOT (nth = 1 AND workspace IN (
        SELECT workspace FROM jobs r WHERE r.state = 'running'))`,
  },
  {
    flaw: "a job waits for its key and none with it runs, or it is due beside one",
    query: `SELECT id FROM jobs q WHERE (state = 'key' OR ${due}) AND (state = 'key') <>
      EXISTS (SELECT 1 FROM jobs o WHERE o.state = 'running' AND o.key = q.key)`,
  },
  {
    flaw: "a key is held by a job that has ended or has another key",
    query: `SELECT h.key FROM key_holders h LEFT JOIN jobs j ON j.number = h.job AND j.key = h.key
      WHERE j.number IS NULL OR j.ended_at IS NOT NULL`,
  },
  {
    flaw: "a queued job does not hold its key",
    query: `SELECT j.id FROM jobs j LEFT JOIN key_holders h ON h.key = j.key AND h.job = j.number
      WHERE j.key IS NOT NULL AND h.job IS NULL AND j.ended_at IS NULL AND j.state <> 'running'`,
  },
  {
    flaw: "attempts are missing, or there are more than were begun",
    query: `WITH RECURSIVE ended (job, number) AS (
        SELECT number, last_attempt FROM jobs
        UNION ALL SELECT e.job, a.previous FROM ended e JOIN attempts a ON a.number = e.number)
      SELECT id FROM jobs j WHERE (SELECT count(*) FROM ended e JOIN attempts a ON a.number = e.number WHERE e.job = j.number)
        <> j.attempt - (j.state = 'running')`,
  },
  {
    flaw: "an attempt is no job's",
    query: `SELECT number FROM attempts WHERE number NOT IN (SELECT last_attempt FROM jobs WHERE last_attempt IS NOT NULL
      UNION ALL SELECT previous FROM attempts WHERE previous IS NOT NULL)`,
  },
  {
    flaw: "an ended job has no end, or an unfinished one has",
    query: `SELECT id FROM jobs WHERE (state IN ('succeeded', 'dead', 'cancelled')) <> (ended_at IS NOT NULL)
      OR (ended_at IS NULL) <> (end_number IS NULL)`,
  },
  {
    flaw: "a running job has no owner, or another has one",
    query: "SELECT id FROM jobs WHERE (state = 'running') <> (owner IS NOT NULL)",
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
  {
    flaw: "an ended call has no end, or an open one has",
    query: "SELECT permit_id, id FROM provider_calls WHERE (outcome = 'open') <> (ended_at IS NULL)",
  },
  {
    flaw: "a firing is of an event that is not stored",
    query: "SELECT id FROM trigger_firings WHERE event NOT IN (SELECT number FROM trigger_events)",
  },
  {
    flaw: "the columns of a firing differ from its state",
    query: `SELECT id FROM trigger_firings WHERE kind IS NOT state_json ->> '$.kind'
      OR ended_at IS NOT state_json ->> '$.endedAt' OR reason_code IS NOT state_json ->> '$.reason.code'
      OR (ended_at IS NULL) <> (kind IN ('waiting', 'evaluating', 'running', 'analyzing'))`,
  },
  {
    flaw: "a firing's run is not found by its id, or a run is no firing's",
    query: `SELECT state_json ->> '$.run' FROM trigger_firings WHERE state_json ->> '$.run' IS NOT NULL
        AND state_json ->> '$.run' NOT IN (SELECT run FROM trigger_runs)
      UNION ALL SELECT run FROM trigger_runs WHERE firing NOT IN (SELECT number FROM trigger_firings)`,
  },
  {
    flaw: "a key is that of a stored event and of a deleted one",
    query: "SELECT source, key FROM trigger_events JOIN trigger_past_keys USING (source, key)",
  },
];

function flawsOf(sql: Sql, { flaw, query }: Check): readonly string[] {
  return sql.all(query).map((row) => `${flaw}: ${JSON.stringify(row)}`);
}
