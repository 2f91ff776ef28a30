/**
 * Tables of events, triggers and API tokens.
 *
 * `trigger_events` holds one row for each accepted event, and `trigger_firings` one for each event at each trigger. What a
 * query selects by is a column; the rest of a firing is in `state_json`. Rows are numbered under the store's lock, so in the order
 * of their commits, and a number is never used twice, so that a page can begin after one.
 */

/** Conditions of partial indexes. Queries repeat them word for word, so that PostgreSQL sees that the index applies. */
export const isUnrouted = "NOT routed";
export const isOpen = "ended_at IS NULL";
export const hasEnded = "ended_at IS NOT NULL";

export const triggerTables = `
CREATE TABLE trigger_events (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL UNIQUE,
  source text NOT NULL,
  at double precision NOT NULL,
  key text,
  only_trigger text,
  replay_of text,
  payload_json text NOT NULL,
  chain_json text NOT NULL,
  skipped_json text,
  routed boolean NOT NULL         -- the decisions about it are made
) WITH (fillfactor = 80);
CREATE INDEX trigger_events_unrouted ON trigger_events (number) WHERE ${isUnrouted};
CREATE UNIQUE INDEX trigger_events_key ON trigger_events (source, key) WHERE key IS NOT NULL;
CREATE INDEX trigger_events_source ON trigger_events (source, number);
CREATE INDEX trigger_events_at ON trigger_events (at);

-- Keys of events that were deleted: they outlive their events, so that a late redelivery is still a duplicate.
CREATE TABLE trigger_past_keys (
  source text NOT NULL,
  key text NOT NULL,
  forget_at double precision NOT NULL,
  PRIMARY KEY (source, key)
);
CREATE INDEX trigger_past_keys_forget ON trigger_past_keys (forget_at);

CREATE TABLE trigger_firings (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL UNIQUE,
  trigger_id text NOT NULL,
  event bigint NOT NULL REFERENCES trigger_events (number),
  at double precision NOT NULL,
  key text,
  kind text NOT NULL,             -- as in state_json, as are the next two
  ended_at double precision,      -- null: open
  reason_code text,               -- why it was skipped
  state_json text NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX trigger_firings_open ON trigger_firings (number) WHERE ${isOpen};
CREATE INDEX trigger_firings_kind ON trigger_firings (kind, number);
CREATE INDEX trigger_firings_ended ON trigger_firings (ended_at) WHERE ${hasEnded};
CREATE INDEX trigger_firings_trigger ON trigger_firings (trigger_id, kind, number);
CREATE INDEX trigger_firings_event ON trigger_firings (event);

-- Every run that a firing ever had: a retry is a new run of the same firing.
CREATE TABLE trigger_runs (
  run text PRIMARY KEY,
  firing bigint NOT NULL REFERENCES trigger_firings (number) ON DELETE CASCADE
);
CREATE INDEX trigger_runs_firing ON trigger_runs (firing);

CREATE TABLE trigger_states (
  id text PRIMARY KEY,
  state_json text NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE trigger_sources (
  source text PRIMARY KEY,
  state_json text NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE api_tokens (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL UNIQUE,
  name text NOT NULL,
  scope text NOT NULL,
  hash text NOT NULL UNIQUE,      -- SHA-256 of the token, whose text is never kept
  created_at double precision NOT NULL,
  expires_at double precision
);
`;
