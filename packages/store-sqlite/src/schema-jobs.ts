/** Tables of the job store, version 1. */

export const jobTables = `
-- Whose turn is decided together: jobs that a claim can only take or exclude alike. '' where a job names none.
CREATE TABLE lines (
  line INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  worker TEXT NOT NULL,
  model TEXT NOT NULL,
  class TEXT NOT NULL,
  UNIQUE (tenant, worker, model, class)
) STRICT;

CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'dead', 'cancelled')),
  line INTEGER NOT NULL REFERENCES lines (line),
  key TEXT,
  holds_key INTEGER NOT NULL,     -- 1 from submit to the end, unless a newer job took the key
  concurrency_key TEXT,
  submitted_at REAL NOT NULL,
  ready_from REAL NOT NULL,
  rank REAL NOT NULL,
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  cost_usd REAL NOT NULL,
  tokens REAL NOT NULL,
  -- while queued
  run_at REAL,
  delay_ms REAL,
  delayed_at REAL,                -- run_at - delay_ms: a clock that shows less was set back
  ready INTEGER NOT NULL,         -- 1 once its moment has come
  front INTEGER NOT NULL,         -- 1 while it is the first ready one of its lane
  waiting_for_json TEXT,
  -- while running
  owner TEXT,
  claimed_at REAL,
  started_json TEXT,
  cancel_requested_json TEXT,
  -- once ended
  ended_at REAL,
  reason_code TEXT,
  reason_json TEXT,
  replayed_as TEXT
) STRICT;

-- A lane is all ready jobs of one line and concurrency key. Only the front of each lane is looked at to find the next job,
-- so that a thousand jobs waiting for one workspace do not hide the one behind them.
CREATE INDEX jobs_lane ON jobs (concurrency_key, line, rank, id) WHERE ready = 1 AND concurrency_key IS NOT NULL;
CREATE INDEX jobs_front ON jobs (line, rank, id) WHERE front = 1;
CREATE INDEX jobs_queued ON jobs (ready, run_at) WHERE state = 'queued';
CREATE INDEX jobs_delayed ON jobs (delayed_at) WHERE state = 'queued' AND ready = 0 AND delayed_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_key_holder ON jobs (key) WHERE holds_key = 1;
CREATE INDEX jobs_running_owner ON jobs (owner) WHERE state = 'running';
CREATE INDEX jobs_running_line ON jobs (line) WHERE state = 'running';
CREATE INDEX jobs_running_lane ON jobs (concurrency_key) WHERE state = 'running' AND concurrency_key IS NOT NULL;
CREATE INDEX jobs_running_key ON jobs (key) WHERE state = 'running' AND key IS NOT NULL;
CREATE INDEX jobs_dead ON jobs (id) WHERE state = 'dead';
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL AND (state <> 'dead' OR replayed_as IS NOT NULL);

CREATE TABLE job_texts (
  job INTEGER PRIMARY KEY REFERENCES jobs (seq) ON DELETE CASCADE,
  job_json TEXT NOT NULL
) STRICT;

CREATE TABLE aliases (
  alias TEXT PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_job ON aliases (job);

-- Attempts that have ended; the one in progress is in the row of its job.
CREATE TABLE attempts (
  job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  owner TEXT NOT NULL,
  claimed_at REAL NOT NULL,
  started_json TEXT,
  ended_at REAL NOT NULL,
  result_json TEXT,
  decision TEXT NOT NULL,
  UNIQUE (job, attempt)
) STRICT;

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

-- Kept with each change of state, so that the figures of a long queue cost nothing to read. \`ready\` and \`delayed\` are the
-- queued jobs by their column \`ready\`; \`dead\` leaves out the \`replayed\`.
CREATE TABLE job_counts (
  kind TEXT PRIMARY KEY,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO job_counts VALUES
  ('ready', 0), ('delayed', 0), ('running', 0), ('succeeded', 0), ('dead', 0), ('replayed', 0), ('cancelled', 0);
`;
