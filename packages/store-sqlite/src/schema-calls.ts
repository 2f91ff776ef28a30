/** Table of the calls that the spend gate metered, version 7. Amounts are whole micro-dollars and tokens. */

export const callTables = `
-- By the id of the job, not its row: the ledger's hold of a permit, which these explain, does not refer to a job's row either.
CREATE TABLE provider_calls (
  number INTEGER PRIMARY KEY,     -- in the order of their start
  permit_id TEXT NOT NULL,
  id TEXT NOT NULL,
  job_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  provider TEXT NOT NULL,
  protocol TEXT NOT NULL,
  model TEXT,
  started_at REAL NOT NULL,
  ended_at REAL,
  outcome TEXT NOT NULL,          -- 'open': the amounts are the most that it can cost
  status INTEGER,
  usage_json TEXT,
  cost INTEGER NOT NULL CHECK (cost >= 0),
  tokens INTEGER NOT NULL CHECK (tokens >= 0),
  estimated INTEGER NOT NULL,
  price_source TEXT,
  UNIQUE (permit_id, id)
) STRICT;
CREATE INDEX provider_calls_job ON provider_calls (job_id);
`;
