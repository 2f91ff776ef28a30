/** What must hold in the tables of the queue between any two commits, looked at with plain SQL and none of the store's own code. */
import type { PostgresStore } from "../store/postgres-store.ts";

const due = "state IN ('ready', 'behind')";
const ended = "state IN ('succeeded', 'dead', 'cancelled')";

/** The meaning of a row of each query. */
const checks: Readonly<Record<string, string>> = {
  "the due jobs of a claim group are counted wrong": `
    SELECT number FROM claim_groups g WHERE due <> (SELECT count(*) FROM jobs WHERE claim_group = g.number AND ${due})`,
  "ended jobs are counted wrong": `
    SELECT state FROM job_counts n WHERE jobs <> (
      SELECT count(*) FROM jobs j WHERE j.state = n.state AND (j.state <> 'dead' OR j.replayed_as IS NULL))`,
  "a job has no text": "SELECT id FROM jobs WHERE number NOT IN (SELECT job FROM job_texts)",
  "of the due jobs of a claim group and workspace, another than the first alone is ready": `
    SELECT id, state FROM (
      SELECT *, row_number() OVER (PARTITION BY workspace, claim_group ORDER BY rank, number) AS nth FROM jobs WHERE ${due}) d
    WHERE (state = 'ready') <> (nth = 1 OR workspace IS NULL)`,
  "a job waits for its key and none with it runs, or it is due beside one": `
    SELECT id FROM jobs q WHERE (state = 'key' OR ${due}) AND (state = 'key') <>
      EXISTS (SELECT 1 FROM jobs o WHERE o.state = 'running' AND o.key = q.key)`,
  "a key is held by a job that has ended or has another key": `
    SELECT h.key FROM key_holders h LEFT JOIN jobs j ON j.number = h.job AND j.key = h.key
    WHERE j.number IS NULL OR j.ended_at IS NOT NULL`,
  "a queued job does not hold its key": `
    SELECT j.id FROM jobs j LEFT JOIN key_holders h ON h.key = j.key AND h.job = j.number
    WHERE j.key IS NOT NULL AND h.job IS NULL AND j.ended_at IS NULL AND j.state <> 'running'`,
  "attempts are missing, or there are more than were begun": `
    SELECT id FROM jobs j
    WHERE (SELECT count(*) FROM attempts a WHERE a.job = j.number) <> j.attempt - (CASE WHEN j.state = 'running' THEN 1 ELSE 0 END)`,
  "something belongs to a job that is gone": `
    SELECT job FROM (SELECT job FROM job_texts UNION ALL SELECT job FROM attempts UNION ALL SELECT job FROM aliases
      UNION ALL SELECT job FROM decisions) o WHERE job NOT IN (SELECT number FROM jobs)`,
  "an ended job has no end, or an unfinished one has": `
    SELECT id FROM jobs WHERE (${ended}) <> (ended_at IS NOT NULL) OR (ended_at IS NULL) <> (end_number IS NULL)`,
  "a running job has no owner, or another has one": `
    SELECT id FROM jobs WHERE (state = 'running') <> (owner IS NOT NULL)`,
};

/** A sound store has none. */
export async function queueFlaws(store: PostgresStore): Promise<readonly string[]> {
  return store.read(async (sql) => {
    const flaws: string[] = [];
    for (const [flaw, query] of Object.entries(checks))
      for (const row of await sql.all(query)) flaws.push(`${flaw}: ${JSON.stringify(row)}`);
    return flaws;
  });
}
