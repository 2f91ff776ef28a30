/** The queue of versions 4 and 5, as a migration from version 3 makes it; what it means now is in `schema-queue.ts`. */

/** Without their indexes: those are named as indexes of version 3 are, which must be gone first. */
const newTables = `
-- What a claim takes or excludes alike. \`tenant\` and \`model\` are '' where the job names none.
CREATE TABLE claim_groups (
  number INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  worker TEXT NOT NULL,
  model TEXT NOT NULL,
  class TEXT NOT NULL,
  UNIQUE (tenant, worker, model, class)
) STRICT;

CREATE TABLE jobs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  claim_group INTEGER NOT NULL REFERENCES claim_groups (number),
  key TEXT,
  concurrency_key TEXT,
  submitted_at REAL NOT NULL,
  ready_from REAL NOT NULL,
  rank REAL NOT NULL,
  wait TEXT,
  run_at REAL NOT NULL,
  delay_ms REAL,
  attempt INTEGER NOT NULL,       -- attempts that ended
  epoch INTEGER NOT NULL,         -- that of the latest, once it ended
  cost_usd REAL NOT NULL,
  tokens REAL NOT NULL,
  ended_as TEXT,
  ended_at REAL,
  end_number INTEGER,             -- in the order in which ends were committed, whatever the clocks showed
  reason_json TEXT,               -- queued: why it waits; ended: why
  replayed_as TEXT
) STRICT;

CREATE TABLE job_texts (
  job INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
  job_json TEXT NOT NULL
) STRICT;

CREATE TABLE due (
  workspace TEXT NOT NULL,
  claim_group INTEGER NOT NULL,
  rank REAL NOT NULL,
  id TEXT NOT NULL,
  job INTEGER NOT NULL,
  PRIMARY KEY (workspace, claim_group, rank, id)
) STRICT, WITHOUT ROWID;

-- One row, kept by triggers, so that the length of a long queue costs nothing to read.
CREATE TABLE due_count (count INTEGER NOT NULL) STRICT;

CREATE TABLE ready (
  claim_group INTEGER NOT NULL,
  rank REAL NOT NULL,
  id TEXT NOT NULL,
  job INTEGER NOT NULL,
  workspace TEXT NOT NULL,
  ready_from REAL NOT NULL,
  run_at REAL NOT NULL,
  PRIMARY KEY (claim_group, rank, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE running (
  job INTEGER PRIMARY KEY,
  workspace TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  owner TEXT NOT NULL,
  claimed_at REAL NOT NULL,
  started_json TEXT,
  cancel_json TEXT
) STRICT;

CREATE TABLE attempts (
  number INTEGER PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  owner TEXT NOT NULL,
  claimed_at REAL NOT NULL,
  started_json TEXT,
  ended_at REAL NOT NULL,
  result_json TEXT,
  decision TEXT NOT NULL,
  UNIQUE (job, attempt)
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
CREATE INDEX jobs_waiting ON jobs (wait, run_at) WHERE wait IS NOT NULL;
-- When a relative wait was decided: a clock that shows less was set back.
CREATE INDEX jobs_delayed_at ON jobs (run_at - delay_ms) WHERE wait = 'moment' AND delay_ms IS NOT NULL;
CREATE INDEX jobs_ended ON jobs (ended_as, end_number) WHERE ended_as IS NOT NULL;
CREATE INDEX running_workspace ON running (workspace);
INSERT INTO due_count SELECT count(*) FROM due;
CREATE TRIGGER due_added AFTER INSERT ON due BEGIN UPDATE due_count SET count = count + 1; END;
CREATE TRIGGER due_removed AFTER DELETE ON due BEGIN UPDATE due_count SET count = count - 1; END;
CREATE INDEX aliases_job ON aliases (job);
CREATE INDEX decisions_job ON decisions (job, number);

-- All that is known of a job. The result is that of the attempt that ended it.
CREATE VIEW job_rows AS
SELECT j.number, j.id,
  CASE WHEN j.ended_as IS NOT NULL THEN j.ended_as WHEN r.job IS NOT NULL THEN 'running' ELSE 'queued' END AS state,
  j.wait, j.claim_group, coalesce(g.worker, 'unknown') AS worker, j.key, j.concurrency_key, j.submitted_at, j.ready_from, j.rank, j.run_at, j.delay_ms,
  coalesce(r.attempt, j.attempt) AS attempt, coalesce(r.epoch, j.epoch) AS epoch, j.cost_usd, j.tokens,
  j.ended_at, iif(r.job IS NULL, j.reason_json, r.cancel_json) AS reason_json, j.replayed_as, t.job_json,
  r.owner, r.claimed_at, r.started_json, a.result_json
FROM jobs j LEFT JOIN job_texts t ON t.job = j.number
LEFT JOIN claim_groups g ON g.number = j.claim_group
LEFT JOIN running r ON r.job = j.number
LEFT JOIN attempts a ON j.ended_as IS NOT NULL AND a.job = j.number AND a.attempt = j.attempt AND a.decision <> 'retry';
`;

const run = `j.job_json ->> '$.context.labels."workflow.run"'`;

/**
 * Version 3 kept each state in a table of its own, and did not tell pieces of workflow runs from other jobs. Row numbers stay,
 * because other tables refer to them.
 */
export const queueFromVersion3 = `
DROP VIEW job_rows;
ALTER TABLE jobs RENAME TO old_jobs;
ALTER TABLE aliases RENAME TO old_aliases;
ALTER TABLE decisions RENAME TO old_decisions;
ALTER TABLE ready RENAME TO old_ready;
ALTER TABLE running RENAME TO old_running;
DROP TABLE job_counts;
${newTables}
INSERT INTO claim_groups (tenant, worker, model, class)
  SELECT DISTINCT line ->> '$[0]', line ->> '$[1]', coalesce(line ->> '$[2]', ''), line ->> '$[3]' FROM old_jobs;

INSERT INTO jobs
SELECT j.seq, j.id,
  (SELECT g.number FROM claim_groups g WHERE g.tenant = j.line ->> '$[0]' AND g.worker = j.line ->> '$[1]'
    AND g.model = coalesce(j.line ->> '$[2]', '') AND g.class = j.line ->> '$[3]'),
  j.key, j.concurrency_key, j.submitted_at, j.ready_from, j.rank,
  CASE
    WHEN r.job IS NOT NULL OR e.job IS NOT NULL THEN NULL
    WHEN ${run} IS NOT NULL THEN 'run'
    WHEN d.job IS NOT NULL THEN 'moment'
    WHEN EXISTS (SELECT 1 FROM old_running o WHERE o.key IS NOT NULL AND o.key = j.key) THEN 'key'
  END,
  iif(p.job IS NULL, j.run_at, p.run_at), iif(p.job IS NULL, j.delay_ms, p.delay_ms),
  coalesce(r.attempt - 1, e.attempt, p.attempt, 0), coalesce(r.epoch, e.epoch, p.epoch, 0),
  coalesce(r.cost_usd, e.cost_usd, p.cost_usd, 0), coalesce(r.tokens, e.tokens, p.tokens, 0),
  e.state, e.ended_at, e.number, coalesce(e.reason_json, p.waiting_for_json),
  coalesce(e.replayed_as, iif(e.state = 'dead', ${run}, NULL))
FROM old_jobs j
LEFT JOIN old_running r ON r.lane = coalesce(j.concurrency_key, '') AND r.job = j.seq
LEFT JOIN endings e ON e.job = j.seq AND e.state IS NOT NULL
LEFT JOIN delayed d ON d.job = j.seq
LEFT JOIN requeued p ON p.job = j.seq;

INSERT INTO job_texts SELECT seq, job_json FROM old_jobs;
INSERT INTO running
  SELECT job, lane, attempt, epoch, owner, claimed_at, started_json, cancel_requested_json FROM old_running;
INSERT INTO due
  SELECT coalesce(concurrency_key, ''), claim_group, rank, id, number FROM jobs
  WHERE wait IS NULL AND ended_as IS NULL AND number NOT IN (SELECT job FROM running);
INSERT INTO ready SELECT d.claim_group, d.rank, d.id, d.job, d.workspace, j.ready_from, j.run_at FROM (
  SELECT *, row_number() OVER (PARTITION BY workspace, claim_group ORDER BY rank, id) AS nth FROM due) d
JOIN jobs j ON j.number = d.job WHERE d.nth = 1 OR d.workspace = '';
INSERT INTO attempts (job, attempt, owner, claimed_at, started_json, ended_at, result_json, decision)
  SELECT job, attempt, owner, claimed_at, started_json, ended_at, result_json, decision
  FROM endings WHERE owner IS NOT NULL AND decision IS NOT NULL;
INSERT INTO aliases SELECT alias, job FROM old_aliases;
INSERT INTO decisions
  SELECT number, job, at, attempt, type, code, message, evidence_json, count, last_at FROM old_decisions;

DROP TABLE old_aliases;
DROP TABLE old_decisions;
DROP TABLE old_ready;
DROP TABLE followers;
DROP TABLE delayed;
DROP TABLE requeued;
DROP TABLE old_running;
DROP TABLE endings;
DROP TABLE old_jobs;
${indexes}
`;
