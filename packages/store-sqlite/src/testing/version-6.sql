PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE schema_version (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at REAL NOT NULL
) STRICT;
INSERT INTO schema_version VALUES(6,'events, triggers and API tokens',1796054641574.0);
CREATE TABLE key_holders (
  key TEXT PRIMARY KEY,
  job INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO key_holders VALUES('k',6);
CREATE TABLE late_results (
  number INTEGER PRIMARY KEY,
  job_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  result_json TEXT NOT NULL
) STRICT;
CREATE TABLE owners (
  owner TEXT PRIMARY KEY,
  process_json TEXT NOT NULL,
  lease_ms REAL NOT NULL,
  at REAL NOT NULL,
  beat INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO owners VALUES('owner-1','{"host":"test","bootId":"boot","pid":1,"startTicks":1}',10000.0,1700000000000.0,1);
CREATE TABLE claim_groups (
  number INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  worker TEXT NOT NULL,
  model TEXT NOT NULL,
  class TEXT NOT NULL,
  served_at REAL NOT NULL,        -- when its tenant last had a job claimed
  due INTEGER NOT NULL,           -- how many of its jobs are due, so that a long queue need not be counted
  UNIQUE (tenant, worker, model, class)
) STRICT;
INSERT INTO claim_groups VALUES(1,'','shell','','batch',1700000000001.0,4);
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  claim_group INTEGER NOT NULL,
  workspace TEXT,
  key TEXT,
  submitted_at REAL NOT NULL,
  ready_from REAL NOT NULL,
  rank REAL NOT NULL,
  run_at REAL NOT NULL,
  delay_ms REAL,
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  cost_usd REAL NOT NULL,
  tokens REAL NOT NULL,
  owner TEXT,                     -- this and the next two: while it runs
  claimed_at REAL,
  started_json TEXT,
  reason_json TEXT,               -- queued: why it waits; running: why it is to stop; ended: why
  ended_at REAL,
  end_number INTEGER,             -- in the order in which ends were committed, whatever the clocks showed
  replayed_as TEXT,
  last_attempt INTEGER            -- the latest of its attempts that ended
) STRICT;
INSERT INTO jobs VALUES(1,'job-0001','succeeded',1,'/projects/1',NULL,1700000000000.0,1700000000000.0,1700000000001.0,1700000000000.0,0.0,1,1,0.25,10.0,NULL,NULL,NULL,NULL,1700000000002.0,2,NULL,1);
INSERT INTO jobs VALUES(2,'job-0002','cancelled',1,'/projects/2',NULL,1700000000000.0,1700000000000.0,1700000000002.0,1700000000000.0,0.0,1,1,0.25,10.0,NULL,NULL,NULL,'{"code":"AC_WORKER_EXIT","message":"exit code 1","evidence":{"exitCode":1}}',1700000000002.0,3,NULL,3);
INSERT INTO jobs VALUES(3,'job-0003','moment',1,'/projects/3',NULL,1700000000000.0,1700000000000.0,1700000000003.0,1700000000005.0,5.0,1,2,0.25,10.0,NULL,NULL,NULL,'{"code":"AC_WORKER_EXIT","message":"exit code 1","evidence":{"exitCode":1}}',NULL,NULL,NULL,2);
INSERT INTO jobs VALUES(5,'job-0006','dead',1,'/projects/shared',NULL,1700000000000.0,1700000000000.0,1700000000006.0,1700000000000.0,0.0,1,1,0.25,10.0,NULL,NULL,NULL,'{"code":"AC_WORKER_EXIT","message":"exit code 1","evidence":{"exitCode":1}}',1700000000002.0,4,'job-0011',4);
INSERT INTO jobs VALUES(6,'job-0007','ready',1,'/projects/shared','k',1700000000000.0,1700000000000.0,1700000000007.0,1700000000000.0,0.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(7,'job-0008','behind',1,'/projects/shared',NULL,1700000000000.0,1700000000000.0,1700000000008.0,1700000000000.0,0.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(8,'job-0009','moment',1,'/projects/9',NULL,1700000000000.0,1700000000500.0,1700000000509.0,1700000000500.0,500.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(9,'job-0010','ready',1,'/projects/10',NULL,1700000000000.0,1700000000000.0,1700000000010.0,1700000000000.0,0.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(10,'job-0011','ready',1,'/projects/11',NULL,1700000000000.0,1700000000000.0,1700000000011.0,1700000000000.0,0.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE job_texts (
  job INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
  job_json TEXT NOT NULL
) STRICT;
INSERT INTO job_texts VALUES(1,'{"id":"job-0001","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/1","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(2,'{"id":"job-0002","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/2","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(3,'{"id":"job-0003","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/3","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(5,'{"id":"job-0006","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(6,'{"id":"job-0007","priority":{"class":"batch","value":0},"key":"k","dedup":"latest-wins","task":{"worker":"shell","workspace":"/projects/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(7,'{"id":"job-0008","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(8,'{"id":"job-0009","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/9","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(9,'{"id":"job-0010","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/10","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(10,'{"id":"job-0011","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/11","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
CREATE TABLE attempts (
  number INTEGER PRIMARY KEY,
  previous INTEGER,
  attempt INTEGER NOT NULL,
  owner TEXT NOT NULL,
  claimed_at REAL NOT NULL,
  started_json TEXT,
  ended_at REAL NOT NULL,
  result_json TEXT,
  decision TEXT NOT NULL
) STRICT;
INSERT INTO attempts VALUES(1,NULL,1,'owner-1',1700000000001.0,'{"at":1700000000000,"identity":{"marker":"run-job-0001","implementation":"test","hostPid":1,"hostPidStartTicks":1,"pidNamespace":null,"cgroupPath":null,"bootId":null},"permit":{"id":"permit-job-0001","jobId":"job-0001","attempt":1,"worker":"shell","provider":null,"workspace":"/projects/1","issuedAt":1700000000000,"deadline":1700000001000,"grants":{"capabilities":[],"maxCostUsd":null,"maxTokens":null,"model":null,"timeoutMs":1000},"degraded":[],"budgets":[],"breakers":[]}}',1700000000002.0,'{"outcome":"succeeded","errorClass":null,"code":null,"retryAfterMs":null,"summary":"succeeded","artifacts":[],"observations":{"commands":[],"filesChanged":[]},"usage":{"inputTokens":null,"cachedInputTokens":null,"outputTokens":null},"costUsd":0.25,"costBasis":"reported","session":null,"exitCode":0,"containment":null,"startedAt":1700000000000,"durationMs":1}','succeeded');
INSERT INTO attempts VALUES(2,NULL,1,'owner-1',1700000000001.0,NULL,1700000000002.0,'{"outcome":"failed","errorClass":"task_failed","code":null,"retryAfterMs":null,"summary":"failed","artifacts":[],"observations":{"commands":[],"filesChanged":[]},"usage":{"inputTokens":null,"cachedInputTokens":null,"outputTokens":null},"costUsd":0.25,"costBasis":"reported","session":null,"exitCode":0,"containment":null,"startedAt":1700000000000,"durationMs":1}','retry');
INSERT INTO attempts VALUES(3,NULL,1,'owner-1',1700000000001.0,NULL,1700000000002.0,NULL,'cancelled');
INSERT INTO attempts VALUES(4,NULL,1,'owner-1',1700000000001.0,NULL,1700000000002.0,'{"outcome":"failed","errorClass":"task_failed","code":null,"retryAfterMs":null,"summary":"failed","artifacts":[],"observations":{"commands":[],"filesChanged":[]},"usage":{"inputTokens":null,"cachedInputTokens":null,"outputTokens":null},"costUsd":0.25,"costBasis":"reported","session":null,"exitCode":0,"containment":null,"startedAt":1700000000000,"durationMs":1}','dead');
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
INSERT INTO decisions VALUES(1,3,1700000000000.0,2,'retry','AC_WORKER_EXIT','exit code 1','{"exitCode":1}',1,1700000000000.0);
INSERT INTO decisions VALUES(2,3,1700000000000.0,1,'retry','AC_WORKER_EXIT','exit code 1','{"exitCode":1}',2,1700000000000.0);
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
INSERT INTO ledger_counters VALUES('global','total',0.0,500000,2000000,20,200,1700000000000.0);
INSERT INTO ledger_counters VALUES('job:job-0001','total',0.0,250000,0,10,0,1700000000000.0);
INSERT INTO ledger_counters VALUES('job:job-0002','total',0.0,250000,0,10,0,1700000000000.0);
INSERT INTO ledger_counters VALUES('job:job-0003','total',0.0,0,1000000,0,100,1700000000000.0);
INSERT INTO ledger_counters VALUES('job:job-0006','total',0.0,0,1000000,0,100,1700000000000.0);
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
INSERT INTO ledger_holds VALUES('hold-job-0001-1','job-0001','{"holdId":"hold-job-0001-1","jobId":"job-0001","attempt":1,"worker":"shell","owner":{"pid":1,"startTicks":1,"bootId":"boot"},"heldAt":1700000000000,"costMicroUsd":1000000,"tokens":100,"counters":[{"scope":"global","window":"total","windowStart":0,"costCapMicroUsd":1000000000000,"tokensCap":null},{"scope":"job:job-0001","window":"total","windowStart":0,"costCapMicroUsd":1000000000000,"tokensCap":null}]}',1700000000000.0,250000,10,'reported',1700000000000.0);
INSERT INTO ledger_holds VALUES('hold-job-0002-1','job-0002','{"holdId":"hold-job-0002-1","jobId":"job-0002","attempt":1,"worker":"shell","owner":{"pid":1,"startTicks":1,"bootId":"boot"},"heldAt":1700000000000,"costMicroUsd":1000000,"tokens":100,"counters":[{"scope":"global","window":"total","windowStart":0,"costCapMicroUsd":1000000000000,"tokensCap":null},{"scope":"job:job-0002","window":"total","windowStart":0,"costCapMicroUsd":1000000000000,"tokensCap":null}]}',1700000000000.0,250000,10,'reported',1700000000000.0);
INSERT INTO ledger_holds VALUES('hold-job-0003-1','job-0003','{"holdId":"hold-job-0003-1","jobId":"job-0003","attempt":1,"worker":"shell","owner":{"pid":1,"startTicks":1,"bootId":"boot"},"heldAt":1700000000000,"costMicroUsd":1000000,"tokens":100,"counters":[{"scope":"global","window":"total","windowStart":0,"costCapMicroUsd":1000000000000,"tokensCap":null},{"scope":"job:job-0003","window":"total","windowStart":0,"costCapMicroUsd":1000000000000,"tokensCap":null}]}',1700000000000.0,NULL,NULL,NULL,NULL);
INSERT INTO ledger_holds VALUES('hold-job-0006-1','job-0006','{"holdId":"hold-job-0006-1","jobId":"job-0006","attempt":1,"worker":"shell","owner":{"pid":1,"startTicks":1,"bootId":"boot"},"heldAt":1700000000000,"costMicroUsd":1000000,"tokens":100,"counters":[{"scope":"global","window":"total","windowStart":0,"costCapMicroUsd":1000000000000,"tokensCap":null},{"scope":"job:job-0006","window":"total","windowStart":0,"costCapMicroUsd":1000000000000,"tokensCap":null}]}',1700000000000.0,NULL,NULL,NULL,NULL);
CREATE TABLE journal_streams (
  stream TEXT PRIMARY KEY,
  header_json TEXT NOT NULL,
  length INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO journal_streams VALUES('run:1','{"endedAt":1700000000500,"partOf":null}',2);
INSERT INTO journal_streams VALUES('run:2','{"endedAt":null,"partOf":null}',1);
INSERT INTO journal_streams VALUES('ten','{}',1);
CREATE TABLE journal_entries (
  stream TEXT NOT NULL REFERENCES journal_streams (stream),
  position INTEGER NOT NULL,
  entry_json TEXT NOT NULL,
  PRIMARY KEY (stream, position)
) STRICT, WITHOUT ROWID;
INSERT INTO journal_entries VALUES('run:1',0,'{"type":"begun"}');
INSERT INTO journal_entries VALUES('run:1',1,'{"type":"ended"}');
INSERT INTO journal_entries VALUES('run:2',0,'{"type":"begun"}');
INSERT INTO journal_entries VALUES('ten',0,'"job-0010"');
CREATE TABLE journal_end_numbers (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  stream TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO journal_end_numbers VALUES(1,'run:1');
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
INSERT INTO trigger_events VALUES(1,'01a22d32-ed89-7000-91b9-75ae92f16b4e','source',1000.0,'k',NULL,NULL,'{}','[]',NULL,1);
CREATE TABLE trigger_past_keys (
  source TEXT NOT NULL,
  key TEXT NOT NULL,
  forget_at REAL NOT NULL,
  PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;
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
INSERT INTO trigger_firings VALUES(1,'01a22d32-ed8c-7000-894e-fdaa7989bc67','trigger',1,1000.0,NULL,'running',NULL,NULL,'{"kind":"running","run":"run-1","startedAt":1100,"attempt":1,"cancel":null}');
CREATE TABLE trigger_runs (
  run TEXT PRIMARY KEY,
  firing INTEGER NOT NULL REFERENCES trigger_firings (number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO trigger_runs VALUES('run-1',1);
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
INSERT INTO api_tokens VALUES(1,'token','ci','read','00ff',1000.5,NULL);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('journal_end_numbers',1);
INSERT INTO sqlite_sequence VALUES('trigger_events',1);
INSERT INTO sqlite_sequence VALUES('trigger_firings',1);
CREATE INDEX late_results_job ON late_results (job_id, number);
CREATE INDEX jobs_ready ON jobs (claim_group, rank) WHERE state = 'ready';
CREATE INDEX jobs_due ON jobs (workspace, claim_group, rank) WHERE state IN ('ready', 'behind') AND workspace IS NOT NULL;
CREATE INDEX jobs_waiting ON jobs (state, run_at) WHERE (state = 'moment' OR state = 'key' OR state = 'piece');
CREATE INDEX jobs_delayed_at ON jobs (run_at - delay_ms) WHERE state = 'moment' AND delay_ms IS NOT NULL;
CREATE INDEX jobs_running ON jobs (workspace) WHERE state = 'running';
CREATE INDEX jobs_ended ON jobs (state, end_number) WHERE end_number IS NOT NULL;
CREATE INDEX aliases_job ON aliases (job);
CREATE INDEX decisions_job ON decisions (job, number);
CREATE VIEW job_rows AS
SELECT j.*, t.job_json, a.result_json
FROM jobs j LEFT JOIN job_texts t ON t.job = j.number
LEFT JOIN attempts a ON j.end_number IS NOT NULL AND a.number = j.last_attempt AND a.decision <> 'retry';
CREATE INDEX ledger_counters_age ON ledger_counters (created_at);
CREATE INDEX ledger_holds_open ON ledger_holds (held_at) WHERE settled_at IS NULL;
CREATE INDEX ledger_holds_settled ON ledger_holds (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX journal_ends ON journal_streams (header_json ->> '$.endedAt') WHERE header_json ->> '$.partOf' IS NULL;
CREATE INDEX journal_parts ON journal_streams (header_json ->> '$.partOf') WHERE header_json ->> '$.partOf' IS NOT NULL;
CREATE INDEX trigger_events_unrouted ON trigger_events (number) WHERE routed = 0;
CREATE UNIQUE INDEX trigger_events_key ON trigger_events (source, key) WHERE key IS NOT NULL;
CREATE INDEX trigger_events_source ON trigger_events (source);
CREATE INDEX trigger_events_at ON trigger_events (at);
CREATE INDEX trigger_past_keys_forget ON trigger_past_keys (forget_at);
CREATE INDEX trigger_firings_open ON trigger_firings (number) WHERE ended_at IS NULL;
CREATE INDEX trigger_firings_kind ON trigger_firings (kind) WHERE ended_at IS NOT NULL;
CREATE INDEX trigger_firings_ended ON trigger_firings (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX trigger_firings_trigger ON trigger_firings (trigger_id, kind);
CREATE INDEX trigger_firings_reason ON trigger_firings (trigger_id, reason_code) WHERE reason_code IS NOT NULL;
CREATE INDEX trigger_firings_event ON trigger_firings (event);
CREATE INDEX trigger_runs_firing ON trigger_runs (firing);
COMMIT;
