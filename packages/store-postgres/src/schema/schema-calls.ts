/** Table of the calls that the spend gate metered. Amounts are whole micro-dollars and tokens. */

export const callTables = `
-- By the id of the job, not its row: the ledger's hold of a permit, which these explain, does not refer to a job's row either.
CREATE TABLE provider_calls (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  permit_id text NOT NULL,
  id text NOT NULL,
  job_id text NOT NULL,
  attempt integer NOT NULL,
  provider text NOT NULL,
  protocol text NOT NULL,
  model text,
  started_at double precision NOT NULL,
  ended_at double precision,
  outcome text NOT NULL,          -- 'open': the amounts are the most that it can cost
  status integer,
  usage_json text,
  cost bigint NOT NULL CHECK (cost >= 0),
  tokens bigint NOT NULL CHECK (tokens >= 0),
  estimated smallint NOT NULL,
  price_source text,
  UNIQUE (permit_id, id)
) WITH (fillfactor = 70);
CREATE INDEX provider_calls_job ON provider_calls (job_id, number);
CREATE INDEX provider_calls_started ON provider_calls (started_at);
`;
