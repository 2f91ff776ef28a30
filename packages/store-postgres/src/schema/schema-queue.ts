/**
 * Tables of the job store.
 *
 * `jobs` holds one short row for each job; its long text, which never changes, is in `job_texts`. `state` is the state of the job
 * or, while it is queued, its place (`QueuedPlace` of the scheduler). Of the due jobs of a claim group and workspace, exactly the
 * first is `ready`, whether or not a job of the workspace runs: a claim looks only at the ready ones, so a workspace that many jobs
 * wait for costs it one row. "Workspace" here is whatever the concurrency key is; a job without one is ready as soon as it is due.
 *
 * Every change of a job moves its row between partial indexes, so no update can be made in place. Vacuum must come early, or claims
 * walk over rows that are long gone: hence the settings of `jobs`.
 */

/** Conditions of partial indexes. Queries repeat them word for word, so that PostgreSQL sees that the index applies. */
export const isDueInWorkspace = "state IN ('ready', 'behind') AND workspace IS NOT NULL";
export const isWaiting = "state IN ('moment', 'key', 'piece')";

const vacuumEarly =
  "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0";

export const queueTables = `
CREATE SEQUENCE job_numbers;
-- Ends are numbered under the store's lock, so in the order of their commits, whatever the clocks show.
CREATE SEQUENCE end_numbers;

-- What a claim takes or excludes alike. \`tenant\` and \`model\` are '' where the job names none.
CREATE TABLE claim_groups (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL,
  worker text NOT NULL,
  model text NOT NULL,
  class text NOT NULL,
  due bigint NOT NULL DEFAULT 0,      -- how many of its jobs are due, so that a long queue need not be counted
  UNIQUE (tenant, worker, model, class)
) WITH (fillfactor = 50);

-- When a job of the tenant was last claimed.
CREATE TABLE tenants (
  tenant text PRIMARY KEY,
  served_at double precision NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE jobs (
  number bigint PRIMARY KEY,          -- in the order of the submits
  id text COLLATE "C" NOT NULL UNIQUE,
  state text NOT NULL,
  claim_group bigint NOT NULL,
  workspace text,
  key text,
  piece_of text,                      -- the workflow run that it is a piece of
  submitted_at double precision NOT NULL,
  ready_from double precision NOT NULL,
  rank double precision NOT NULL,
  run_at double precision NOT NULL,
  delay_ms double precision,
  attempt bigint NOT NULL,
  epoch bigint NOT NULL,
  cost_usd double precision NOT NULL,
  tokens double precision NOT NULL,
  owner text,                         -- this and the next two: while it runs
  claimed_at double precision,
  started_json text,
  reason_json text,                   -- queued: why it waits; running: why it is to stop; ended: why
  ended_at double precision,
  end_number bigint,
  end_code text,                      -- the code of that reason, and the error class of the result, once it has ended
  error_class text,
  replayed_as text
) WITH (fillfactor = 70, ${vacuumEarly});

CREATE INDEX jobs_ready ON jobs (claim_group, rank, number) WHERE state = 'ready';
CREATE INDEX jobs_due ON jobs (workspace, claim_group, rank, number) WHERE ${isDueInWorkspace};
CREATE INDEX jobs_waiting ON jobs (state, run_at) WHERE ${isWaiting};
-- When a relative wait was decided: a clock that shows less was set back.
CREATE INDEX jobs_delayed_at ON jobs ((run_at - delay_ms)) WHERE state = 'moment' AND delay_ms IS NOT NULL;
CREATE INDEX jobs_running ON jobs (owner) WHERE state = 'running';
CREATE INDEX jobs_ended ON jobs (state, end_number) WHERE end_number IS NOT NULL;

-- The job as text, and what lists search in it.
CREATE TABLE job_texts (
  job bigint PRIMARY KEY,
  job_json text NOT NULL,
  folder text NOT NULL,
  labels text[] NOT NULL              -- of each, its name and value as JSON
);

-- Who holds an idempotency key: from submit to the end, unless a newer job takes it.
CREATE TABLE key_holders (
  key text PRIMARY KEY,
  job bigint NOT NULL
);

-- How many jobs have ended so; dead: without those that were replayed.
CREATE TABLE job_counts (
  state text PRIMARY KEY,
  jobs bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO job_counts VALUES ('succeeded', 0), ('dead', 0), ('cancelled', 0);

-- Attempts that have ended. The row of a job has its current one.
CREATE TABLE attempts (
  job bigint NOT NULL,
  attempt bigint NOT NULL,
  owner text NOT NULL,
  claimed_at double precision NOT NULL,
  started_json text,
  ended_at double precision NOT NULL,
  result_json text,
  decision text NOT NULL,
  PRIMARY KEY (job, attempt)
);

-- Ids of submissions that were coalesced into a job.
CREATE TABLE aliases (
  alias text COLLATE "C" PRIMARY KEY,
  job bigint NOT NULL
);
CREATE INDEX aliases_job ON aliases (job);

CREATE TABLE decisions (
  job bigint NOT NULL,
  place bigint NOT NULL,              -- 1, 2, 3, … for each job
  at double precision NOT NULL,
  attempt bigint NOT NULL,
  type text NOT NULL,
  code text NOT NULL,
  message text NOT NULL,
  evidence_json text NOT NULL,
  count bigint NOT NULL,
  last_at double precision NOT NULL,
  PRIMARY KEY (job, place)
);

-- By the job's id, not its row: a result may come after its job was deleted, and is kept all the same.
CREATE TABLE late_results (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id text COLLATE "C" NOT NULL,
  attempt bigint NOT NULL,
  epoch bigint NOT NULL,
  at double precision NOT NULL,
  kind text NOT NULL,
  result_json text NOT NULL
);
CREATE INDEX late_results_job ON late_results (job_id, number);

CREATE TABLE owners (
  owner text PRIMARY KEY,
  process_json text NOT NULL,
  lease_ms double precision NOT NULL,
  at double precision NOT NULL,
  beat bigint NOT NULL
) WITH (fillfactor = 50);

-- All that is known of a job. The result is that of the attempt that ended it.
CREATE VIEW job_rows AS
SELECT j.*, t.job_json, a.result_json
FROM jobs j LEFT JOIN job_texts t ON t.job = j.number
LEFT JOIN attempts a ON j.end_number IS NOT NULL AND a.job = j.number AND a.attempt = j.attempt AND a.decision <> 'retry';
`;
