PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE schema_version (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at REAL NOT NULL
) STRICT;
INSERT INTO schema_version VALUES(3,'jobs, ledger and journal',1795986507143.0);
INSERT INTO schema_version VALUES(4,'one table of jobs, and their attempts',1795998807763.0);
INSERT INTO schema_version VALUES(5,'numbers for the ends of streams',1795998807763.0);
CREATE TABLE key_holders (
  key TEXT PRIMARY KEY,
  job INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO key_holders VALUES('co',17);
INSERT INTO key_holders VALUES('held',16);
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
INSERT INTO late_results VALUES(1,'more-1',1,1,1.0,'succeeded','{}');
CREATE TABLE owners (
  owner TEXT PRIMARY KEY,
  process_json TEXT NOT NULL,
  lease_ms REAL NOT NULL,
  at REAL NOT NULL,
  beat INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO owners VALUES('later','{"host":"test","bootId":"boot","pid":1,"startTicks":1}',10000.0,1700000000000.0,0);
INSERT INTO owners VALUES('owner-1','{"host":"test","bootId":"boot","pid":1,"startTicks":1}',10000.0,1700000000000.0,1);
CREATE TABLE tenants (
  tenant TEXT PRIMARY KEY,
  served_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO tenants VALUES('',1700000000000.0);
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
CREATE TABLE journal_entries (
  stream TEXT NOT NULL REFERENCES journal_streams (stream),
  position INTEGER NOT NULL,
  entry_json TEXT NOT NULL,
  PRIMARY KEY (stream, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE claim_groups (
  number INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  worker TEXT NOT NULL,
  model TEXT NOT NULL,
  class TEXT NOT NULL,
  UNIQUE (tenant, worker, model, class)
) STRICT;
INSERT INTO claim_groups VALUES(1,'','shell','','batch');
INSERT INTO claim_groups VALUES(2,'acme','shell','','batch');
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  claim_group INTEGER NOT NULL REFERENCES claim_groups (number),
  key TEXT,
  concurrency_key TEXT,
  submitted_at REAL NOT NULL,
  ready_from REAL NOT NULL,
  rank REAL NOT NULL,
  wait TEXT,
  run_at REAL NOT NULL,
  delay_ms REAL,
  attempt INTEGER NOT NULL,       -- attempts that ended
  epoch INTEGER NOT NULL,         -- that of the latest, once it ended
  cost_usd REAL NOT NULL,
  tokens REAL NOT NULL,
  ended_as TEXT,
  ended_at REAL,
  end_number INTEGER,             -- in the order in which ends were committed, whatever the clocks showed
  reason_json TEXT,               -- queued: why it waits; ended: why
  replayed_as TEXT
) STRICT;
INSERT INTO jobs VALUES(1,'job-0001',1,NULL,'/projects/1',1700000000000.0,1700000000000.0,1700000000001.0,NULL,1700000000000.0,0.0,1,1,0.25,10.0,'succeeded',1700000000002.0,2,NULL,NULL);
INSERT INTO jobs VALUES(2,'job-0002',1,NULL,'/projects/2',1700000000000.0,1700000000000.0,1700000000002.0,NULL,1700000000000.0,0.0,1,1,0.25,10.0,'cancelled',1700000000002.0,4,'{"code":"AC_WORKER_EXIT","message":"exit code 1","evidence":{"exitCode":1}}',NULL);
INSERT INTO jobs VALUES(3,'job-0003',1,NULL,'/projects/3',1700000000000.0,1700000000000.0,1700000000003.0,'moment',1700000000005.0,5.0,1,2,0.25,10.0,NULL,NULL,NULL,'{"code":"AC_WORKER_EXIT","message":"exit code 1","evidence":{"exitCode":1}}',NULL);
INSERT INTO jobs VALUES(5,'job-0006',1,NULL,'/projects/shared',1700000000000.0,1700000000000.0,1700000000006.0,NULL,1700000000000.0,0.0,1,1,0.25,10.0,'dead',1700000000002.0,5,'{"code":"AC_WORKER_EXIT","message":"exit code 1","evidence":{"exitCode":1}}','job-0011');
INSERT INTO jobs VALUES(6,'job-0007',1,'k','/projects/shared',1700000000000.0,1700000000000.0,1700000000007.0,NULL,1700000000000.0,0.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(7,'job-0008',1,NULL,'/projects/shared',1700000000000.0,1700000000000.0,1700000000008.0,NULL,1700000000000.0,0.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(8,'job-0009',1,NULL,'/projects/9',1700000000000.0,1700000000500.0,1700000000509.0,'moment',1700000000500.0,500.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(9,'job-0010',1,NULL,'/projects/10',1700000000000.0,1700000000000.0,1700000000010.0,NULL,1700000000000.0,0.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(10,'job-0011',1,NULL,'/projects/11',1700000000000.0,1700000000000.0,1700000000011.0,NULL,1700000000000.0,0.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(11,'more-1',1,NULL,'/p/shared',1700000000000.0,1700000000000.0,1700000000000.0,NULL,1700000000000.0,0.0,0,1,0.0,0.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(12,'more-2',1,NULL,'/p/shared',1700000000000.0,1700000000000.0,1700000000000.0,NULL,1700000000000.0,0.0,0,0,0.0,0.0,'cancelled',5.0,6,'{"code":"AC_CANCELLED","message":"asked","evidence":{}}',NULL);
INSERT INTO jobs VALUES(13,'more-3',2,NULL,'/p/shared',1700000000000.0,1700000000000.0,1700000000000.0,NULL,1700000000000.0,0.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(14,'more-4',1,NULL,'/p/shared',1700000000000.0,1700000000000.0,1699999995000.0,NULL,1700000000000.0,0.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(15,'more-5',1,'held','/p/held',1700000000000.0,1700000000000.0,1700000000000.0,NULL,1700000000000.0,0.0,0,1,0.0,0.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(16,'more-6',1,'held','/p/held',1700000000000.0,1700000000000.0,1700000000000.0,'key',1700000000000.0,0.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(17,'more-7',1,'co','/projects/job-00000007',1700000000000.0,1700000000000.0,1700000000000.0,NULL,1700000000000.0,0.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(18,'more-9',1,NULL,'/projects/job-00000009',1700000000000.0,1000000000000000.0,1000000000000000.0,'moment',1000000000000000.0,NULL,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO jobs VALUES(19,'more-10',1,NULL,'/p/x',1700000000000.0,1700000000000.0,1700000000000.0,NULL,1700000000001.0,0.0,1,1,0.0,0.0,NULL,NULL,NULL,'{"code":"AC_WORKER_EXIT","message":"exit code 1","evidence":{"exitCode":1}}',NULL);
INSERT INTO jobs VALUES(20,'more-11',1,NULL,'/p/y',1700000000000.0,1700000000000.0,1700000000000.0,'moment',1000000000000000.0,998299999999999.0,0,1,0.0,0.0,NULL,NULL,NULL,'{"code":"AC_CONCURRENCY","message":"10 runs in progress","evidence":{"limit":10}}',NULL);
INSERT INTO jobs VALUES(21,'more-12',1,NULL,'/p/shared',1700000000000.0,1700000000000.0,1700000000000.0,NULL,1700000000000.0,0.0,0,0,0.0,0.0,NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO job_texts VALUES(11,'{"id":"more-1","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(12,'{"id":"more-2","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(13,'{"id":"more-3","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"tenant":"acme","labels":{}}}');
INSERT INTO job_texts VALUES(14,'{"id":"more-4","priority":{"class":"batch","value":5},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(15,'{"id":"more-5","priority":{"class":"batch","value":0},"key":"held","dedup":"latest-wins","task":{"worker":"shell","workspace":"/p/held","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(16,'{"id":"more-6","priority":{"class":"batch","value":0},"key":"held","dedup":"latest-wins","task":{"worker":"shell","workspace":"/p/held","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(17,'{"id":"more-7","priority":{"class":"batch","value":0},"key":"co","dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/job-00000007","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(18,'{"id":"more-9","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/job-00000009","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"notBefore":1000000000000000,"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(19,'{"id":"more-10","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/x","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(20,'{"id":"more-11","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/y","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO job_texts VALUES(21,'{"id":"more-12","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
CREATE TABLE due (
  workspace TEXT NOT NULL,
  claim_group INTEGER NOT NULL,
  rank REAL NOT NULL,
  id TEXT NOT NULL,
  job INTEGER NOT NULL,
  PRIMARY KEY (workspace, claim_group, rank, id)
) STRICT, WITHOUT ROWID;
INSERT INTO due VALUES('/p/shared',1,1699999995000.0,'more-4',14);
INSERT INTO due VALUES('/p/shared',1,1700000000000.0,'more-12',21);
INSERT INTO due VALUES('/p/shared',2,1700000000000.0,'more-3',13);
INSERT INTO due VALUES('/p/x',1,1700000000000.0,'more-10',19);
INSERT INTO due VALUES('/projects/10',1,1700000000010.0,'job-0010',9);
INSERT INTO due VALUES('/projects/11',1,1700000000011.0,'job-0011',10);
INSERT INTO due VALUES('/projects/job-00000007',1,1700000000000.0,'more-7',17);
INSERT INTO due VALUES('/projects/shared',1,1700000000007.0,'job-0007',6);
INSERT INTO due VALUES('/projects/shared',1,1700000000008.0,'job-0008',7);
CREATE TABLE due_count (count INTEGER NOT NULL) STRICT;
INSERT INTO due_count VALUES(9);
CREATE TABLE ready (
  claim_group INTEGER NOT NULL,
  rank REAL NOT NULL,
  id TEXT NOT NULL,
  job INTEGER NOT NULL,
  workspace TEXT NOT NULL,
  ready_from REAL NOT NULL,
  run_at REAL NOT NULL,
  PRIMARY KEY (claim_group, rank, id)
) STRICT, WITHOUT ROWID;
INSERT INTO ready VALUES(1,1699999995000.0,'more-4',14,'/p/shared',1700000000000.0,1700000000000.0);
INSERT INTO ready VALUES(1,1700000000000.0,'more-10',19,'/p/x',1700000000000.0,1700000000001.0);
INSERT INTO ready VALUES(1,1700000000000.0,'more-7',17,'/projects/job-00000007',1700000000000.0,1700000000000.0);
INSERT INTO ready VALUES(1,1700000000007.0,'job-0007',6,'/projects/shared',1700000000000.0,1700000000000.0);
INSERT INTO ready VALUES(1,1700000000010.0,'job-0010',9,'/projects/10',1700000000000.0,1700000000000.0);
INSERT INTO ready VALUES(1,1700000000011.0,'job-0011',10,'/projects/11',1700000000000.0,1700000000000.0);
INSERT INTO ready VALUES(2,1700000000000.0,'more-3',13,'/p/shared',1700000000000.0,1700000000000.0);
CREATE TABLE running (
  job INTEGER PRIMARY KEY,
  workspace TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  owner TEXT NOT NULL,
  claimed_at REAL NOT NULL,
  started_json TEXT,
  cancel_json TEXT
) STRICT;
INSERT INTO running VALUES(11,'/p/shared',1,1,'later',1700000000000.0,NULL,NULL);
INSERT INTO running VALUES(15,'/p/held',1,1,'later',1700000000000.0,NULL,'{"code":"AC_SUPERSEDED","message":"job more-6 has the same key and took its place","evidence":{"supersededBy":"more-6"}}');
CREATE TABLE attempts (
  number INTEGER PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  owner TEXT NOT NULL,
  claimed_at REAL NOT NULL,
  started_json TEXT,
  ended_at REAL NOT NULL,
  result_json TEXT,
  decision TEXT NOT NULL,
  UNIQUE (job, attempt)
) STRICT;
INSERT INTO attempts VALUES(1,1,1,'owner-1',1700000000001.0,'{"at":1700000000000,"identity":{"marker":"run-job-0001","implementation":"test","hostPid":1,"hostPidStartTicks":1,"pidNamespace":null,"cgroupPath":null,"bootId":null},"permit":{"id":"permit-job-0001","jobId":"job-0001","attempt":1,"worker":"shell","provider":null,"workspace":"/projects/1","issuedAt":1700000000000,"deadline":1700000001000,"grants":{"capabilities":[],"maxCostUsd":null,"maxTokens":null,"model":null,"timeoutMs":1000},"degraded":[],"budgets":[],"breakers":[]}}',1700000000002.0,'{"outcome":"succeeded","errorClass":null,"code":null,"retryAfterMs":null,"summary":"succeeded","artifacts":[],"observations":{"commands":[],"filesChanged":[]},"usage":{"inputTokens":null,"cachedInputTokens":null,"outputTokens":null},"costUsd":0.25,"costBasis":"reported","session":null,"exitCode":0,"containment":null,"startedAt":1700000000000,"durationMs":1}','succeeded');
INSERT INTO attempts VALUES(2,3,1,'owner-1',1700000000001.0,NULL,1700000000002.0,'{"outcome":"failed","errorClass":"task_failed","code":null,"retryAfterMs":null,"summary":"failed","artifacts":[],"observations":{"commands":[],"filesChanged":[]},"usage":{"inputTokens":null,"cachedInputTokens":null,"outputTokens":null},"costUsd":0.25,"costBasis":"reported","session":null,"exitCode":0,"containment":null,"startedAt":1700000000000,"durationMs":1}','retry');
INSERT INTO attempts VALUES(3,2,1,'owner-1',1700000000001.0,NULL,1700000000002.0,NULL,'cancelled');
INSERT INTO attempts VALUES(4,5,1,'owner-1',1700000000001.0,NULL,1700000000002.0,'{"outcome":"failed","errorClass":"task_failed","code":null,"retryAfterMs":null,"summary":"failed","artifacts":[],"observations":{"commands":[],"filesChanged":[]},"usage":{"inputTokens":null,"cachedInputTokens":null,"outputTokens":null},"costUsd":0.25,"costBasis":"reported","session":null,"exitCode":0,"containment":null,"startedAt":1700000000000,"durationMs":1}','dead');
INSERT INTO attempts VALUES(5,19,1,'later',1700000000000.0,NULL,1700000000001.0,'{"outcome":"failed","errorClass":"task_failed","code":"AC_WORKER_EXIT","retryAfterMs":null,"summary":"exit code 1","artifacts":[],"observations":{"commands":[],"filesChanged":[]},"usage":{"inputTokens":null,"cachedInputTokens":null,"outputTokens":null},"costUsd":null,"costBasis":"none","session":null,"exitCode":1,"containment":null,"startedAt":1700000000000,"durationMs":1}','retry');
CREATE TABLE aliases (
  alias TEXT PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO aliases VALUES('more-8',17);
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
CREATE TABLE journal_end_numbers (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  stream TEXT NOT NULL UNIQUE
) STRICT;
DELETE FROM sqlite_sequence;
CREATE INDEX late_results_job ON late_results (job_id, number);
CREATE INDEX ledger_counters_age ON ledger_counters (created_at);
CREATE INDEX ledger_holds_open ON ledger_holds (held_at) WHERE settled_at IS NULL;
CREATE INDEX ledger_holds_settled ON ledger_holds (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX journal_ends ON journal_streams (header_json ->> '$.endedAt') WHERE header_json ->> '$.partOf' IS NULL;
CREATE INDEX journal_parts ON journal_streams (header_json ->> '$.partOf') WHERE header_json ->> '$.partOf' IS NOT NULL;
CREATE INDEX jobs_waiting ON jobs (wait, run_at) WHERE wait IS NOT NULL;
CREATE INDEX jobs_delayed_at ON jobs (run_at - delay_ms) WHERE wait = 'moment' AND delay_ms IS NOT NULL;
CREATE INDEX jobs_ended ON jobs (ended_as, end_number) WHERE ended_as IS NOT NULL;
CREATE INDEX running_workspace ON running (workspace);
CREATE TRIGGER due_added AFTER INSERT ON due BEGIN UPDATE due_count SET count = count + 1; END;
CREATE TRIGGER due_removed AFTER DELETE ON due BEGIN UPDATE due_count SET count = count - 1; END;
CREATE INDEX aliases_job ON aliases (job);
CREATE INDEX decisions_job ON decisions (job, number);
CREATE VIEW job_rows AS
SELECT j.number, j.id,
  CASE WHEN j.ended_as IS NOT NULL THEN j.ended_as WHEN r.job IS NOT NULL THEN 'running' ELSE 'queued' END AS state,
  j.wait, j.claim_group, coalesce(g.worker, 'unknown') AS worker, j.key, j.concurrency_key, j.submitted_at, j.ready_from, j.rank, j.run_at, j.delay_ms,
  coalesce(r.attempt, j.attempt) AS attempt, coalesce(r.epoch, j.epoch) AS epoch, j.cost_usd, j.tokens,
  j.ended_at, iif(r.job IS NULL, j.reason_json, r.cancel_json) AS reason_json, j.replayed_as, t.job_json,
  r.owner, r.claimed_at, r.started_json, a.result_json
FROM jobs j LEFT JOIN job_texts t ON t.job = j.number
LEFT JOIN claim_groups g ON g.number = j.claim_group
LEFT JOIN running r ON r.job = j.number
LEFT JOIN attempts a ON j.ended_as IS NOT NULL AND a.job = j.number AND a.attempt = j.attempt AND a.decision <> 'retry';
COMMIT;
