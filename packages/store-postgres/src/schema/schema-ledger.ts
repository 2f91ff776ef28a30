/** Tables of the ledger, version 1. Amounts are whole micro-dollars and tokens. */

export const ledgerTables = `
CREATE TABLE ledger_counters (
  scope text COLLATE "C" NOT NULL,
  "window" text NOT NULL,
  window_start double precision NOT NULL,
  cost_spent bigint NOT NULL,
  cost_held bigint NOT NULL CHECK (cost_held >= 0),
  tokens_spent bigint NOT NULL,
  tokens_held bigint NOT NULL CHECK (tokens_held >= 0),
  created_at double precision,    -- null: nothing was ever booked in it
  PRIMARY KEY (scope, "window", window_start)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX ledger_counters_age ON ledger_counters (created_at);

-- A hold until it is settled, and afterwards its settlement: ids are never used twice, and a known amount may replace an
-- estimate later. settled_at IS NULL means that it is open.
CREATE TABLE ledger_holds (
  number bigint GENERATED ALWAYS AS IDENTITY,
  hold_id text PRIMARY KEY,
  job_id text NOT NULL,
  entry_json text NOT NULL,
  held_at double precision NOT NULL,
  spent_cost bigint,
  spent_tokens bigint,
  spent_basis text,
  settled_at double precision
) WITH (fillfactor = 80);
CREATE INDEX ledger_holds_open ON ledger_holds (held_at) WHERE settled_at IS NULL;
CREATE INDEX ledger_holds_settled ON ledger_holds (settled_at) WHERE settled_at IS NOT NULL;
`;
