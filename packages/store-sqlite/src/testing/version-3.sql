PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE schema_version (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at REAL NOT NULL
) STRICT;
INSERT INTO schema_version VALUES(3,'jobs, ledger and journal',1795986507143.0);
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  line TEXT NOT NULL,             -- tenant ('' for none), worker, model and class as JSON: what a claim takes or excludes alike
  key TEXT,
  concurrency_key TEXT,
  submitted_at REAL NOT NULL,
  ready_from REAL NOT NULL,
  rank REAL NOT NULL,
  run_at REAL NOT NULL,
  delay_ms REAL,
  job_json TEXT NOT NULL
) STRICT;
INSERT INTO jobs VALUES(1,'job-0001','["","shell",null,"batch"]',NULL,'/projects/1',1700000000000.0,1700000000000.0,1700000000001.0,1700000000000.0,0.0,'{"id":"job-0001","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/1","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(2,'job-0002','["","shell",null,"batch"]',NULL,'/projects/2',1700000000000.0,1700000000000.0,1700000000002.0,1700000000000.0,0.0,'{"id":"job-0002","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/2","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(3,'job-0003','["","shell",null,"batch"]',NULL,'/projects/3',1700000000000.0,1700000000000.0,1700000000003.0,1700000000000.0,0.0,'{"id":"job-0003","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/3","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(5,'job-0006','["","shell",null,"batch"]',NULL,'/projects/shared',1700000000000.0,1700000000000.0,1700000000006.0,1700000000000.0,0.0,'{"id":"job-0006","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(6,'job-0007','["","shell",null,"batch"]','k','/projects/shared',1700000000000.0,1700000000000.0,1700000000007.0,1700000000000.0,0.0,'{"id":"job-0007","priority":{"class":"batch","value":0},"key":"k","dedup":"latest-wins","task":{"worker":"shell","workspace":"/projects/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(7,'job-0008','["","shell",null,"batch"]',NULL,'/projects/shared',1700000000000.0,1700000000000.0,1700000000008.0,1700000000000.0,0.0,'{"id":"job-0008","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(8,'job-0009','["","shell",null,"batch"]',NULL,'/projects/9',1700000000000.0,1700000000500.0,1700000000509.0,1700000000500.0,500.0,'{"id":"job-0009","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/9","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(9,'job-0010','["","shell",null,"batch"]',NULL,'/projects/10',1700000000000.0,1700000000000.0,1700000000010.0,1700000000000.0,0.0,'{"id":"job-0010","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/10","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(10,'job-0011','["","shell",null,"batch"]',NULL,'/projects/11',1700000000000.0,1700000000000.0,1700000000011.0,1700000000000.0,0.0,'{"id":"job-0011","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/11","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(11,'more-1','["","shell",null,"batch"]',NULL,'/p/shared',1700000000000.0,1700000000000.0,1700000000000.0,1700000000000.0,0.0,'{"id":"more-1","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(12,'more-2','["","shell",null,"batch"]',NULL,'/p/shared',1700000000000.0,1700000000000.0,1700000000000.0,1700000000000.0,0.0,'{"id":"more-2","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(13,'more-3','["acme","shell",null,"batch"]',NULL,'/p/shared',1700000000000.0,1700000000000.0,1700000000000.0,1700000000000.0,0.0,'{"id":"more-3","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"tenant":"acme","labels":{}}}');
INSERT INTO jobs VALUES(14,'more-4','["","shell",null,"batch"]',NULL,'/p/shared',1700000000000.0,1700000000000.0,1699999995000.0,1700000000000.0,0.0,'{"id":"more-4","priority":{"class":"batch","value":5},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(15,'more-5','["","shell",null,"batch"]','held','/p/held',1700000000000.0,1700000000000.0,1700000000000.0,1700000000000.0,0.0,'{"id":"more-5","priority":{"class":"batch","value":0},"key":"held","dedup":"latest-wins","task":{"worker":"shell","workspace":"/p/held","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(16,'more-6','["","shell",null,"batch"]','held','/p/held',1700000000000.0,1700000000000.0,1700000000000.0,1700000000000.0,0.0,'{"id":"more-6","priority":{"class":"batch","value":0},"key":"held","dedup":"latest-wins","task":{"worker":"shell","workspace":"/p/held","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(17,'more-7','["","shell",null,"batch"]','co','/projects/job-00000007',1700000000000.0,1700000000000.0,1700000000000.0,1700000000000.0,0.0,'{"id":"more-7","priority":{"class":"batch","value":0},"key":"co","dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/job-00000007","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(18,'more-9','["","shell",null,"batch"]',NULL,'/projects/job-00000009',1700000000000.0,1000000000000000.0,1000000000000000.0,1000000000000000.0,NULL,'{"id":"more-9","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/projects/job-00000009","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"notBefore":1000000000000000,"context":{"labels":{}}}');
INSERT INTO jobs VALUES(19,'more-10','["","shell",null,"batch"]',NULL,'/p/x',1700000000000.0,1700000000000.0,1700000000000.0,1700000000000.0,0.0,'{"id":"more-10","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/x","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(20,'more-11','["","shell",null,"batch"]',NULL,'/p/y',1700000000000.0,1700000000000.0,1700000000000.0,1700000000000.0,0.0,'{"id":"more-11","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/y","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
INSERT INTO jobs VALUES(21,'more-12','["","shell",null,"batch"]',NULL,'/p/shared',1700000000000.0,1700000000000.0,1700000000000.0,1700000000000.0,0.0,'{"id":"more-12","priority":{"class":"batch","value":0},"dedup":"coalesce","task":{"worker":"shell","workspace":"/p/shared","instructions":"true","capabilities":["read"]},"limits":{"timeoutMs":1800000,"maxAttempts":1},"context":{"labels":{}}}');
CREATE TABLE ready (
  line TEXT NOT NULL,
  rank REAL NOT NULL,
  id TEXT NOT NULL,
  job INTEGER NOT NULL,
  ready_from REAL NOT NULL,
  key TEXT,
  concurrency_key TEXT,
  PRIMARY KEY (line, rank, id)
) STRICT, WITHOUT ROWID;
INSERT INTO ready VALUES('["","shell",null,"batch"]',1699999995000.0,'more-4',14,1700000000000.0,NULL,'/p/shared');
INSERT INTO ready VALUES('["","shell",null,"batch"]',1700000000000.0,'more-10',19,1700000000000.0,NULL,'/p/x');
INSERT INTO ready VALUES('["","shell",null,"batch"]',1700000000000.0,'more-12',21,1700000000000.0,NULL,'/p/shared');
INSERT INTO ready VALUES('["","shell",null,"batch"]',1700000000000.0,'more-6',16,1700000000000.0,'held','/p/held');
INSERT INTO ready VALUES('["","shell",null,"batch"]',1700000000000.0,'more-7',17,1700000000000.0,'co','/projects/job-00000007');
INSERT INTO ready VALUES('["","shell",null,"batch"]',1700000000007.0,'job-0007',6,1700000000000.0,'k','/projects/shared');
INSERT INTO ready VALUES('["","shell",null,"batch"]',1700000000008.0,'job-0008',7,1700000000000.0,NULL,'/projects/shared');
INSERT INTO ready VALUES('["","shell",null,"batch"]',1700000000010.0,'job-0010',9,1700000000000.0,NULL,'/projects/10');
INSERT INTO ready VALUES('["","shell",null,"batch"]',1700000000011.0,'job-0011',10,1700000000000.0,NULL,'/projects/11');
INSERT INTO ready VALUES('["acme","shell",null,"batch"]',1700000000000.0,'more-3',13,1700000000000.0,NULL,'/p/shared');
CREATE TABLE followers (
  concurrency_key TEXT NOT NULL,
  line TEXT NOT NULL,
  rank REAL NOT NULL,
  id TEXT NOT NULL,
  job INTEGER NOT NULL,
  ready_from REAL NOT NULL,
  key TEXT,
  PRIMARY KEY (concurrency_key, line, rank, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE delayed (
  job INTEGER PRIMARY KEY,
  run_at REAL NOT NULL,
  delayed_at REAL                 -- run_at - delay_ms: a clock that shows less was set back
) STRICT;
INSERT INTO delayed VALUES(3,1700000000005.0,1700000000000.0);
INSERT INTO delayed VALUES(8,1700000000500.0,1700000000000.0);
INSERT INTO delayed VALUES(18,1000000000000000.0,NULL);
INSERT INTO delayed VALUES(20,1000000000000000.0,1700000000001.0);
CREATE TABLE requeued (
  job INTEGER PRIMARY KEY,
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  cost_usd REAL NOT NULL,
  tokens REAL NOT NULL,
  run_at REAL NOT NULL,
  delay_ms REAL,
  waiting_for_json TEXT
) STRICT;
INSERT INTO requeued VALUES(3,1,2,0.25,10.0,1700000000005.0,5.0,'{"code":"AC_WORKER_EXIT","message":"exit code 1","evidence":{"exitCode":1}}');
INSERT INTO requeued VALUES(19,1,1,0.0,0.0,1700000000001.0,0.0,'{"code":"AC_WORKER_EXIT","message":"exit code 1","evidence":{"exitCode":1}}');
INSERT INTO requeued VALUES(20,0,1,0.0,0.0,1000000000000000.0,998299999999999.0,'{"code":"AC_CONCURRENCY","message":"10 runs in progress","evidence":{"limit":10}}');
CREATE TABLE running (
  lane TEXT NOT NULL,             -- its concurrency key, '' for none
  job INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  key TEXT,
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  revision INTEGER NOT NULL,      -- how often the row changed since the claim
  cost_usd REAL NOT NULL,
  tokens REAL NOT NULL,
  owner TEXT NOT NULL,
  claimed_at REAL NOT NULL,
  started_json TEXT,
  cancel_requested_json TEXT,
  PRIMARY KEY (lane, job)
) STRICT, WITHOUT ROWID;
INSERT INTO running VALUES('/p/held',15,'','held',1,1,1,0.0,0.0,'later',1700000000000.0,NULL,'{"code":"AC_SUPERSEDED","message":"job more-6 has the same key and took its place","evidence":{"supersededBy":"more-6"}}');
INSERT INTO running VALUES('/p/shared',11,'',NULL,1,1,0,0.0,0.0,'later',1700000000000.0,NULL,NULL);
CREATE TABLE endings (
  number INTEGER PRIMARY KEY,
  job INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  ended_at REAL NOT NULL,
  owner TEXT,
  claimed_at REAL,
  started_json TEXT,
  result_json TEXT,
  decision TEXT,
  state TEXT CHECK (state IN ('succeeded', 'dead', 'cancelled')),
  epoch INTEGER NOT NULL,
  cost_usd REAL NOT NULL,
  tokens REAL NOT NULL,
  reason_code TEXT,
  reason_json TEXT,
  replayed_as TEXT
) STRICT;
INSERT INTO endings VALUES(2,1,1,1700000000002.0,'owner-1',1700000000001.0,'{"at":1700000000000,"identity":{"marker":"run-job-0001","implementation":"test","hostPid":1,"hostPidStartTicks":1,"pidNamespace":null,"cgroupPath":null,"bootId":null},"permit":{"id":"permit-job-0001","jobId":"job-0001","attempt":1,"worker":"shell","provider":null,"workspace":"/projects/1","issuedAt":1700000000000,"deadline":1700000001000,"grants":{"capabilities":[],"maxCostUsd":null,"maxTokens":null,"model":null,"timeoutMs":1000},"degraded":[],"budgets":[],"breakers":[]}}','{"outcome":"succeeded","errorClass":null,"code":null,"retryAfterMs":null,"summary":"succeeded","artifacts":[],"observations":{"commands":[],"filesChanged":[]},"usage":{"inputTokens":null,"cachedInputTokens":null,"outputTokens":null},"costUsd":0.25,"costBasis":"reported","session":null,"exitCode":0,"containment":null,"startedAt":1700000000000,"durationMs":1}','succeeded','succeeded',1,0.25,10.0,NULL,NULL,NULL);
INSERT INTO endings VALUES(3,3,1,1700000000002.0,'owner-1',1700000000001.0,NULL,'{"outcome":"failed","errorClass":"task_failed","code":null,"retryAfterMs":null,"summary":"failed","artifacts":[],"observations":{"commands":[],"filesChanged":[]},"usage":{"inputTokens":null,"cachedInputTokens":null,"outputTokens":null},"costUsd":0.25,"costBasis":"reported","session":null,"exitCode":0,"containment":null,"startedAt":1700000000000,"durationMs":1}','retry',NULL,1,0.25,10.0,NULL,NULL,NULL);
INSERT INTO endings VALUES(4,2,1,1700000000002.0,'owner-1',1700000000001.0,NULL,NULL,'cancelled','cancelled',1,0.25,10.0,'AC_WORKER_EXIT','{"code":"AC_WORKER_EXIT","message":"exit code 1","evidence":{"exitCode":1}}',NULL);
INSERT INTO endings VALUES(5,5,1,1700000000002.0,'owner-1',1700000000001.0,NULL,'{"outcome":"failed","errorClass":"task_failed","code":null,"retryAfterMs":null,"summary":"failed","artifacts":[],"observations":{"commands":[],"filesChanged":[]},"usage":{"inputTokens":null,"cachedInputTokens":null,"outputTokens":null},"costUsd":0.25,"costBasis":"reported","session":null,"exitCode":0,"containment":null,"startedAt":1700000000000,"durationMs":1}','dead','dead',1,0.25,10.0,'AC_WORKER_EXIT','{"code":"AC_WORKER_EXIT","message":"exit code 1","evidence":{"exitCode":1}}','job-0011');
INSERT INTO endings VALUES(6,12,0,5.0,NULL,NULL,NULL,NULL,NULL,'cancelled',0,0.0,0.0,'AC_CANCELLED','{"code":"AC_CANCELLED","message":"asked","evidence":{}}',NULL);
INSERT INTO endings VALUES(7,19,1,1700000000001.0,'later',1700000000000.0,NULL,'{"outcome":"failed","errorClass":"task_failed","code":"AC_WORKER_EXIT","retryAfterMs":null,"summary":"exit code 1","artifacts":[],"observations":{"commands":[],"filesChanged":[]},"usage":{"inputTokens":null,"cachedInputTokens":null,"outputTokens":null},"costUsd":null,"costBasis":"none","session":null,"exitCode":1,"containment":null,"startedAt":1700000000000,"durationMs":1}','retry',NULL,1,0.0,0.0,NULL,NULL,NULL);
CREATE TABLE key_holders (
  key TEXT PRIMARY KEY,
  job INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO key_holders VALUES('co',17);
INSERT INTO key_holders VALUES('held',16);
INSERT INTO key_holders VALUES('k',6);
CREATE TABLE aliases (
  alias TEXT PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO aliases VALUES('more-8',17);
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
INSERT INTO decisions VALUES(1,3,1700000000000.0,2,'retry','AC_WORKER_EXIT','exit code 1','{"exitCode":1}',1,1700000000000.0);
INSERT INTO decisions VALUES(2,3,1700000000000.0,1,'retry','AC_WORKER_EXIT','exit code 1','{"exitCode":1}',2,1700000000000.0);
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
CREATE TABLE job_counts (
  kind TEXT NOT NULL,
  since REAL NOT NULL,            -- the moment, for the kind 'ready_since'; 0 for all others
  count INTEGER NOT NULL,
  PRIMARY KEY (kind, since)
) STRICT, WITHOUT ROWID;
INSERT INTO job_counts VALUES('cancelled',0.0,2);
INSERT INTO job_counts VALUES('dead',0.0,0);
INSERT INTO job_counts VALUES('delayed',0.0,4);
INSERT INTO job_counts VALUES('followers',0.0,0);
INSERT INTO job_counts VALUES('ready',0.0,10);
INSERT INTO job_counts VALUES('ready_since',1700000000000.0,9);
INSERT INTO job_counts VALUES('ready_since',1700000000001.0,1);
INSERT INTO job_counts VALUES('replayed',0.0,1);
INSERT INTO job_counts VALUES('running',0.0,2);
INSERT INTO job_counts VALUES('succeeded',0.0,1);
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
CREATE INDEX delayed_run_at ON delayed (run_at);
CREATE INDEX delayed_delayed_at ON delayed (delayed_at) WHERE delayed_at IS NOT NULL;
CREATE INDEX running_key ON running (key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX endings_of_job ON endings (job) WHERE state IS NOT NULL;
CREATE UNIQUE INDEX endings_of_attempts ON endings (job, attempt) WHERE state IS NULL;
CREATE INDEX endings_dead ON endings (job) WHERE state = 'dead';
CREATE INDEX endings_old ON endings (ended_at)
  WHERE state IS NOT NULL AND (state <> 'dead' OR replayed_as IS NOT NULL);
CREATE VIEW job_rows AS
SELECT j.seq, j.id, j.line ->> '$[0]' AS tenant, j.line ->> '$[1]' AS worker, j.line, j.key, j.concurrency_key,
  j.submitted_at, j.ready_from, j.rank, j.job_json,
  CASE
    WHEN r.job IS NOT NULL THEN 'running'
    WHEN e.job IS NOT NULL THEN e.state
    ELSE 'queued'
  END AS state,
  CASE
    WHEN r.job IS NOT NULL THEN 'running'
    WHEN e.job IS NOT NULL THEN 'ended'
    WHEN q.job IS NOT NULL THEN 'ready'
    WHEN w.job IS NOT NULL THEN 'followers'
    ELSE 'delayed'
  END AS place,
  coalesce(r.attempt, e.attempt, p.attempt, 0) AS attempt,
  coalesce(r.epoch, e.epoch, p.epoch, 0) AS epoch,
  coalesce(r.cost_usd, e.cost_usd, p.cost_usd, 0) AS cost_usd,
  coalesce(r.tokens, e.tokens, p.tokens, 0) AS tokens,
  iif(p.job IS NULL, j.run_at, p.run_at) AS run_at,
  iif(p.job IS NULL, j.delay_ms, p.delay_ms) AS delay_ms,
  p.waiting_for_json,
  r.owner, r.claimed_at, r.revision, r.started_json, r.cancel_requested_json,
  e.ended_at, e.reason_code, e.reason_json, e.replayed_as, e.result_json
FROM jobs j
LEFT JOIN running r ON r.lane = coalesce(j.concurrency_key, '') AND r.job = j.seq
LEFT JOIN endings e ON e.job = j.seq AND e.state IS NOT NULL
LEFT JOIN requeued p ON p.job = j.seq
LEFT JOIN ready q ON q.line = j.line AND q.rank = j.rank AND q.id = j.id
LEFT JOIN followers w ON w.concurrency_key = j.concurrency_key AND w.line = j.line AND w.rank = j.rank AND w.id = j.id;
CREATE INDEX aliases_job ON aliases (job);
CREATE INDEX decisions_job ON decisions (job, number);
CREATE INDEX late_results_job ON late_results (job_id, number);
CREATE INDEX ledger_counters_age ON ledger_counters (created_at);
CREATE INDEX ledger_holds_open ON ledger_holds (held_at) WHERE settled_at IS NULL;
CREATE INDEX ledger_holds_settled ON ledger_holds (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX journal_ends ON journal_streams (header_json ->> '$.endedAt') WHERE header_json ->> '$.partOf' IS NULL;
CREATE INDEX journal_parts ON journal_streams (header_json ->> '$.partOf') WHERE header_json ->> '$.partOf' IS NOT NULL;
COMMIT;
