/** Tables of the ledger, version 1. Amounts are whole micro-dollars and tokens. */

export const ledgerTables = `
CREATE TABLE ledger_counters (
  scope TEXT NOT NULL,
  window TEXT NOT NULL,
  window_start REAL NOT NULL,
  cost_spent INTEGER NOT NULL,
  cost_held INTEGER NOT NULL CHECK (cost_held >= 0),
  tokens_spent INTEGER NOT NULL,
  tokens_held INTEGER NOT NULL CHECK (tokens_held >= 0),
  created_at REAL NOT NULL,
  PRIMARY KEY (scope, window, window_start)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_counters_age ON ledger_counters (created_at);

-- A hold until it is settled, and afterwards its settlement: ids are never used twice, and a known amount may replace an
-- estimate later. settled_at IS NULL means that it is open.
CREATE TABLE ledger_holds (
  hold_id TEXT PRIMARY KEY,
  job_id TEXT NOT NULL,
  entry_json TEXT NOT NULL,
  held_at REAL NOT NULL,
  spent_cost INTEGER,
  spent_tokens INTEGER,
  spent_basis TEXT,
  settled_at REAL
) STRICT;
CREATE INDEX ledger_holds_open ON ledger_holds (held_at) WHERE settled_at IS NULL;
CREATE INDEX ledger_holds_settled ON ledger_holds (settled_at) WHERE settled_at IS NOT NULL;
`;
