/**
 * Tables of events, triggers and API tokens, version 6.
 *
 * `trigger_events` holds one row for each accepted event, and `trigger_firings` one for each event at each trigger. What a
 * query selects by is a column; the rest of a firing is in `state_json`. Rows are numbered in the order of their commits, and a
 * number is never used twice, so that a page can begin after one.
 */

/** Conditions of partial indexes. Queries use the same ones, so that SQLite uses the index. */
export const isUnrouted = "routed = 0";
export const isOpen = "ended_at IS NULL";
export const hasEnded = "ended_at IS NOT NULL";

export const triggerTables = `
CREATE TABLE trigger_events (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL,
  at REAL NOT NULL,
  key TEXT,
  only_trigger TEXT,
  replay_of TEXT,
  payload_json TEXT NOT NULL,
  chain_json TEXT NOT NULL,
  skipped_json TEXT,
  routed INTEGER NOT NULL         -- 1: the decisions about it are made
) STRICT;
CREATE INDEX trigger_events_unrouted ON trigger_events (number) WHERE ${isUnrouted};
CREATE UNIQUE INDEX trigger_events_key ON trigger_events (source, key) WHERE key IS NOT NULL;
CREATE INDEX trigger_events_source ON trigger_events (source);
CREATE INDEX trigger_events_at ON trigger_events (at);

-- Keys of events that were deleted: they outlive their events, so that a late redelivery is still a duplicate.
CREATE TABLE trigger_past_keys (
  source TEXT NOT NULL,
  key TEXT NOT NULL,
  forget_at REAL NOT NULL,
  PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX trigger_past_keys_forget ON trigger_past_keys (forget_at);

CREATE TABLE trigger_firings (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  trigger_id TEXT NOT NULL,
  event INTEGER NOT NULL REFERENCES trigger_events (number),
  at REAL NOT NULL,
  key TEXT,
  kind TEXT NOT NULL,             -- as in state_json, as are the next two
  ended_at REAL,                  -- null: open
  reason_code TEXT,               -- why it was skipped
  state_json TEXT NOT NULL
) STRICT;
CREATE INDEX trigger_firings_open ON trigger_firings (number) WHERE ${isOpen};
CREATE INDEX trigger_firings_kind ON trigger_firings (kind) WHERE ${hasEnded};
CREATE INDEX trigger_firings_ended ON trigger_firings (ended_at) WHERE ${hasEnded};
CREATE INDEX trigger_firings_trigger ON trigger_firings (trigger_id, kind);
CREATE INDEX trigger_firings_reason ON trigger_firings (trigger_id, reason_code) WHERE reason_code IS NOT NULL;
CREATE INDEX trigger_firings_event ON trigger_firings (event);

-- Every run that a firing ever had: a retry is a new run of the same firing.
CREATE TABLE trigger_runs (
  run TEXT PRIMARY KEY,
  firing INTEGER NOT NULL REFERENCES trigger_firings (number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX trigger_runs_firing ON trigger_runs (firing);

CREATE TABLE trigger_states (
  id TEXT PRIMARY KEY,
  state_json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE trigger_sources (
  source TEXT PRIMARY KEY,
  state_json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_tokens (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  scope TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,      -- SHA-256 of the token, whose text is never kept
  created_at REAL NOT NULL,
  expires_at REAL
) STRICT;
`;
