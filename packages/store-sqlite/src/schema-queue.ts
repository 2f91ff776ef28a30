/**
 * Tables of the job store since version 4.
 *
 * `jobs` holds one short row for each job, and `job_texts` its long text, which never changes. `state` says where a job stands,
 * and partial indexes find the jobs of a state, so that whatever happens to a job is one write of its row:
 *
 * | state                            | meaning                                                                         |
 * | -------------------------------- | ------------------------------------------------------------------------------- |
 * | `ready`                        | due, and the first of its claim group and workspace: where a claim looks        |
 * | `behind`                       | due, behind another job of its claim group and workspace, or one that runs      |
 * | `moment`                       | waits for its moment                                                            |
 * | `key`                          | waits for the end of another job with its idempotency key, which runs           |
 * | `piece`                        | a piece of a workflow run: only a claim that names it takes it, due or not      |
 * | `running`                      | its latest attempt is in progress                                               |
 * | `succeeded`, `dead`, `cancelled` | ended                                                                         |
 *
 * "Workspace" here is whatever the concurrency key is; a job without one is ready as soon as it is due.
 *
 * `attempts` is the history of the attempts that ended, in the order in which they did. A job's row names its latest, and each
 * of these the one before.
 */

/** Jobs that are due and have a workspace. Queries use the same condition as the index, so that SQLite uses the index. */
export const isDueInWorkspace = "state IN ('ready', 'behind') AND workspace IS NOT NULL";
/** Queued jobs that are not due. SQLite would build a list of more than two again for each written row. */
export const isWaiting = "(state = 'moment' OR state = 'key' OR state = 'piece')";

/** Numbers of the attempts of a job that ended; each row names the previous one. `column` identifies the job. */
export const attemptsOfJob = (column: "id" | "number"): string => `
  WITH RECURSIVE ended (number) AS (
    SELECT last_attempt FROM jobs WHERE ${column} = ?
    UNION SELECT a.previous FROM ended e JOIN attempts a ON a.number = e.number)
  SELECT number FROM ended`;

/** Tables that have not changed since version 3. */
const keptTables = `
-- Who holds an idempotency key: from submit to the end, unless a newer job takes it.
CREATE TABLE key_holders (
  key TEXT PRIMARY KEY,
  job INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- By the job's id, not its row: a result may come after its job was deleted, and is kept all the same.
CREATE TABLE late_results (
  number INTEGER PRIMARY KEY,
  job_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  result_json TEXT NOT NULL
) STRICT;
CREATE INDEX late_results_job ON late_results (job_id, number);

CREATE TABLE owners (
  owner TEXT PRIMARY KEY,
  process_json TEXT NOT NULL,
  lease_ms REAL NOT NULL,
  at REAL NOT NULL,
  beat INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** The others, without their indexes: some have the same names as indexes of version 3, which must be dropped first. */
const newTables = `
-- What a claim takes or excludes alike. \`tenant\` and \`model\` are '' where the job names none.
CREATE TABLE claim_groups (
  number INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  worker TEXT NOT NULL,
  model TEXT NOT NULL,
  class TEXT NOT NULL,
  served_at REAL NOT NULL,        -- when its tenant last had a job claimed
  due INTEGER NOT NULL,           -- how many of its jobs are due, so that a long queue need not be counted
  UNIQUE (tenant, worker, model, class)
) STRICT;

CREATE TABLE jobs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  claim_group INTEGER NOT NULL,
  workspace TEXT,
  key TEXT,
  submitted_at REAL NOT NULL,
  ready_from REAL NOT NULL,
  rank REAL NOT NULL,
  run_at REAL NOT NULL,
  delay_ms REAL,
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  cost_usd REAL NOT NULL,
  tokens REAL NOT NULL,
  owner TEXT,                     -- this and the next two: while it runs
  claimed_at REAL,
  started_json TEXT,
  reason_json TEXT,               -- queued: why it waits; running: why it is to stop; ended: why
  ended_at REAL,
  end_number INTEGER,             -- in the order in which ends were committed, whatever the clocks showed
  replayed_as TEXT,
  last_attempt INTEGER            -- the latest of its attempts that ended
) STRICT;

CREATE TABLE job_texts (
  job INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
  job_json TEXT NOT NULL
) STRICT;

CREATE TABLE attempts (
  number INTEGER PRIMARY KEY,
  previous INTEGER,
  attempt INTEGER NOT NULL,
  owner TEXT NOT NULL,
  claimed_at REAL NOT NULL,
  started_json TEXT,
  ended_at REAL NOT NULL,
  result_json TEXT,
  decision TEXT NOT NULL
) STRICT;

-- Ids of submissions that were coalesced into a job.
CREATE TABLE aliases (
  alias TEXT PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE decisions (
  number INTEGER PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
  at REAL NOT NULL,
  attempt INTEGER NOT NULL,
  type TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  evidence_json TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_at REAL NOT NULL
) STRICT;
`;

const indexes = `
CREATE INDEX jobs_ready ON jobs (claim_group, rank) WHERE state = 'ready';
CREATE INDEX jobs_due ON jobs (workspace, claim_group, rank) WHERE ${isDueInWorkspace};
CREATE INDEX jobs_waiting ON jobs (state, run_at) WHERE ${isWaiting};
-- When a relative wait was decided: a clock that shows less was set back.
CREATE INDEX jobs_delayed_at ON jobs (run_at - delay_ms) WHERE state = 'moment' AND delay_ms IS NOT NULL;
CREATE INDEX jobs_running ON jobs (workspace) WHERE state = 'running';
CREATE INDEX jobs_ended ON jobs (state, end_number) WHERE end_number IS NOT NULL;
CREATE INDEX aliases_job ON aliases (job);
CREATE INDEX decisions_job ON decisions (job, number);

-- All that is known of a job. The result is that of the attempt that ended it.
CREATE VIEW job_rows AS
SELECT j.*, t.job_json, a.result_json
FROM jobs j LEFT JOIN job_texts t ON t.job = j.number
LEFT JOIN attempts a ON j.end_number IS NOT NULL AND a.number = j.last_attempt AND a.decision <> 'retry';
`;

export const queueTables = keptTables + newTables + indexes;

const run = `j.job_json ->> '$.context.labels."workflow.run"'`;

/**
 * Version 3 kept each state in its own table, and did not distinguish pieces of workflow runs from other jobs. Row numbers do not
 * change, because other tables refer to them.
 */
export const queueFromVersion3 = `
DROP VIEW job_rows;
ALTER TABLE jobs RENAME TO old_jobs;
ALTER TABLE aliases RENAME TO old_aliases;
ALTER TABLE decisions RENAME TO old_decisions;
DROP TABLE job_counts;
DROP TABLE ready;
DROP TABLE followers;
${newTables}
INSERT INTO claim_groups (tenant, worker, model, class, served_at, due)
  SELECT DISTINCT line ->> '$[0]', line ->> '$[1]', coalesce(line ->> '$[2]', ''), line ->> '$[3]',
    coalesce((SELECT served_at FROM tenants t WHERE t.tenant = line ->> '$[0]'), 0), 0
  FROM old_jobs;

INSERT INTO jobs
SELECT j.seq, j.id,
  CASE
    WHEN e.job IS NOT NULL THEN e.state
    WHEN r.job IS NOT NULL THEN 'running'
    WHEN ${run} IS NOT NULL THEN 'piece'
    WHEN d.job IS NOT NULL THEN 'moment'
    WHEN EXISTS (SELECT 1 FROM running o WHERE o.key IS NOT NULL AND o.key = j.key) THEN 'key'
    ELSE 'behind'
  END,
  (SELECT g.number FROM claim_groups g WHERE g.tenant = j.line ->> '$[0]' AND g.worker = j.line ->> '$[1]'
    AND g.model = coalesce(j.line ->> '$[2]', '') AND g.class = j.line ->> '$[3]'),
  j.concurrency_key, j.key, j.submitted_at, j.ready_from, j.rank,
  iif(p.job IS NULL, j.run_at, p.run_at), iif(p.job IS NULL, j.delay_ms, p.delay_ms),
  coalesce(r.attempt, e.attempt, p.attempt, 0), coalesce(r.epoch, e.epoch, p.epoch, 0),
  coalesce(r.cost_usd, e.cost_usd, p.cost_usd, 0), coalesce(r.tokens, e.tokens, p.tokens, 0),
  r.owner, r.claimed_at, r.started_json,
  iif(r.job IS NULL, coalesce(e.reason_json, p.waiting_for_json), r.cancel_requested_json),
  e.ended_at, e.number, coalesce(e.replayed_as, iif(e.state = 'dead', ${run}, NULL)),
  (SELECT a.number FROM endings a WHERE a.job = j.seq AND a.owner IS NOT NULL AND a.decision IS NOT NULL
    ORDER BY a.attempt DESC LIMIT 1)
FROM old_jobs j
LEFT JOIN running r ON r.lane = coalesce(j.concurrency_key, '') AND r.job = j.seq
LEFT JOIN endings e ON e.job = j.seq AND e.state IS NOT NULL
LEFT JOIN delayed d ON d.job = j.seq
LEFT JOIN requeued p ON p.job = j.seq;
UPDATE jobs SET state = 'ready' WHERE number IN (
  SELECT number FROM (
    SELECT number, workspace, row_number() OVER (PARTITION BY workspace, claim_group ORDER BY rank, number) AS nth
    FROM jobs WHERE state = 'behind')
  WHERE workspace IS NULL OR nth = 1);
UPDATE claim_groups SET due = (
  SELECT count(*) FROM jobs j WHERE j.claim_group = claim_groups.number AND j.state IN ('ready', 'behind'));

INSERT INTO job_texts SELECT seq, job_json FROM old_jobs;
INSERT INTO attempts
  SELECT number, lag(number) OVER (PARTITION BY job ORDER BY attempt), attempt, owner, claimed_at, started_json, ended_at,
    result_json, decision
  FROM endings WHERE owner IS NOT NULL AND decision IS NOT NULL;
INSERT INTO aliases SELECT alias, job FROM old_aliases;
INSERT INTO decisions SELECT number, job, at, attempt, type, code, message, evidence_json, count, last_at FROM old_decisions;

DROP TABLE old_aliases;
DROP TABLE old_decisions;
DROP TABLE delayed;
DROP TABLE requeued;
DROP TABLE running;
DROP TABLE endings;
DROP TABLE old_jobs;
DROP TABLE tenants;
${indexes}
`;
