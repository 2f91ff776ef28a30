/**
 * Tables of the job store. `jobs` holds what was submitted and never changes. Where a job stands is a row in exactly one
 * other table: `ready`, `followers` or `delayed` while it is queued, `running`, and `endings`, which has its earlier attempts
 * as well. A change of state deletes from one and inserts into another, so it never rewrites a long prompt, and what is
 * claimed next lies side by side at the head of a small tree, however long the queue is. The rows of the queue are short:
 * what few jobs have, the marks of earlier attempts, stands apart in `requeued`.
 */

export const jobTables = `
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  line TEXT NOT NULL,             -- tenant ('' for none), worker, model and class as JSON: what a claim takes or excludes alike
  key TEXT,
  concurrency_key TEXT,
  submitted_at REAL NOT NULL,
  ready_from REAL NOT NULL,
  rank REAL NOT NULL,
  run_at REAL NOT NULL,
  delay_ms REAL,
  job_json TEXT NOT NULL
) STRICT;

-- Queued and due, next first. A lane is all such jobs of one line and concurrency key. Its first is always here; the others
-- may be among the \`followers\`, where a thousand jobs that wait for one workspace do not hide the one behind them.
CREATE TABLE ready (
  line TEXT NOT NULL,
  rank REAL NOT NULL,
  id TEXT NOT NULL,
  job INTEGER NOT NULL,
  ready_from REAL NOT NULL,
  key TEXT,
  concurrency_key TEXT,
  PRIMARY KEY (line, rank, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE followers (
  concurrency_key TEXT NOT NULL,
  line TEXT NOT NULL,
  rank REAL NOT NULL,
  id TEXT NOT NULL,
  job INTEGER NOT NULL,
  ready_from REAL NOT NULL,
  key TEXT,
  PRIMARY KEY (concurrency_key, line, rank, id)
) STRICT, WITHOUT ROWID;

-- Queued for later.
CREATE TABLE delayed (
  job INTEGER PRIMARY KEY,
  run_at REAL NOT NULL,
  delayed_at REAL                 -- run_at - delay_ms: a clock that shows less was set back
) STRICT;
CREATE INDEX delayed_run_at ON delayed (run_at);
CREATE INDEX delayed_delayed_at ON delayed (delayed_at) WHERE delayed_at IS NOT NULL;

-- What a queued job brings along that was claimed before. It waits by these moments instead of those of its submit.
CREATE TABLE requeued (
  job INTEGER PRIMARY KEY,
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  cost_usd REAL NOT NULL,
  tokens REAL NOT NULL,
  run_at REAL NOT NULL,
  delay_ms REAL,
  waiting_for_json TEXT
) STRICT;

CREATE TABLE running (
  lane TEXT NOT NULL,             -- its concurrency key, '' for none
  job INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  key TEXT,
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  revision INTEGER NOT NULL,      -- how often the row changed since the claim
  cost_usd REAL NOT NULL,
  tokens REAL NOT NULL,
  owner TEXT NOT NULL,
  claimed_at REAL NOT NULL,
  started_json TEXT,
  cancel_requested_json TEXT,
  PRIMARY KEY (lane, job)
) STRICT, WITHOUT ROWID;
CREATE INDEX running_key ON running (key) WHERE key IS NOT NULL;

-- How attempts ended, and jobs: \`state\` is set in the one row that ends its job. That row has no owner where no attempt was
-- in progress, because the job was cancelled while it waited.
CREATE TABLE endings (
  number INTEGER PRIMARY KEY,
  job INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  ended_at REAL NOT NULL,
  owner TEXT,
  claimed_at REAL,
  started_json TEXT,
  result_json TEXT,
  decision TEXT,
  state TEXT CHECK (state IN ('succeeded', 'dead', 'cancelled')),
  epoch INTEGER NOT NULL,
  cost_usd REAL NOT NULL,
  tokens REAL NOT NULL,
  reason_code TEXT,
  reason_json TEXT,
  replayed_as TEXT
) STRICT;
CREATE UNIQUE INDEX endings_of_job ON endings (job) WHERE state IS NOT NULL;
CREATE UNIQUE INDEX endings_of_attempts ON endings (job, attempt) WHERE state IS NULL;
CREATE INDEX endings_dead ON endings (job) WHERE state = 'dead';
CREATE INDEX endings_old ON endings (ended_at)
  WHERE state IS NOT NULL AND (state <> 'dead' OR replayed_as IS NOT NULL);

-- All of it in one row, for looking a job up by whatever is known of it.
CREATE VIEW job_rows AS
SELECT j.seq, j.id, j.line ->> '$[0]' AS tenant, j.line ->> '$[1]' AS worker, j.line, j.key, j.concurrency_key,
  j.submitted_at, j.ready_from, j.rank, j.job_json,
  CASE
    WHEN r.job IS NOT NULL THEN 'running'
    WHEN e.job IS NOT NULL THEN e.state
    ELSE 'queued'
  END AS state,
  CASE
    WHEN r.job IS NOT NULL THEN 'running'
    WHEN e.job IS NOT NULL THEN 'ended'
    WHEN q.job IS NOT NULL THEN 'ready'
    WHEN w.job IS NOT NULL THEN 'followers'
    ELSE 'delayed'
  END AS place,
  coalesce(r.attempt, e.attempt, p.attempt, 0) AS attempt,
  coalesce(r.epoch, e.epoch, p.epoch, 0) AS epoch,
  coalesce(r.cost_usd, e.cost_usd, p.cost_usd, 0) AS cost_usd,
  coalesce(r.tokens, e.tokens, p.tokens, 0) AS tokens,
  iif(p.job IS NULL, j.run_at, p.run_at) AS run_at,
  iif(p.job IS NULL, j.delay_ms, p.delay_ms) AS delay_ms,
  p.waiting_for_json,
  r.owner, r.claimed_at, r.revision, r.started_json, r.cancel_requested_json,
  e.ended_at, e.reason_code, e.reason_json, e.replayed_as, e.result_json
FROM jobs j
LEFT JOIN running r ON r.lane = coalesce(j.concurrency_key, '') AND r.job = j.seq
LEFT JOIN endings e ON e.job = j.seq AND e.state IS NOT NULL
LEFT JOIN requeued p ON p.job = j.seq
LEFT JOIN ready q ON q.line = j.line AND q.rank = j.rank AND q.id = j.id
LEFT JOIN followers w ON w.concurrency_key = j.concurrency_key AND w.line = j.line AND w.rank = j.rank AND w.id = j.id;

-- Who holds an idempotency key: from submit to the end, unless a newer job takes it.
CREATE TABLE key_holders (
  key TEXT PRIMARY KEY,
  job INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Ids of submissions that were coalesced into a job.
CREATE TABLE aliases (
  alias TEXT PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_job ON aliases (job);

CREATE TABLE decisions (
  number INTEGER PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  at REAL NOT NULL,
  attempt INTEGER NOT NULL,
  type TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  evidence_json TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_at REAL NOT NULL
) STRICT;
CREATE INDEX decisions_job ON decisions (job, number);

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

CREATE TABLE tenants (
  tenant TEXT PRIMARY KEY,
  served_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Kept with each change of state, so that the figures of a long queue cost nothing to read: \`ready\` includes the
-- \`followers\`, \`dead\` leaves out the \`replayed\`. The ready ones are counted by the moment they became due as well.
CREATE TABLE job_counts (
  kind TEXT NOT NULL,
  since REAL NOT NULL,            -- the moment, for the kind 'ready_since'; 0 for all others
  count INTEGER NOT NULL,
  PRIMARY KEY (kind, since)
) STRICT, WITHOUT ROWID;
INSERT INTO job_counts SELECT value, 0, 0 FROM json_each(
  '["ready", "followers", "delayed", "running", "succeeded", "dead", "replayed", "cancelled"]');
`;
