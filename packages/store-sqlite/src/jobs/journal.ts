/** Stores the history of a job: its attempts, decisions, and late results. */
import {
  type AttemptRecord,
  type Decision,
  type LateResult,
  type NewDecision,
  attemptOf,
  decisionOf,
  decisionsPerJobMax,
  lateResultsOf,
} from "@agentcore/scheduler";
import { attemptsOfJob } from "../schema-queue.ts";
import type { Sql } from "../sql.ts";

export function addDecisions(sql: Sql, decisions: readonly NewDecision[]): void {
  for (const decision of decisions) addDecision(sql, decision);
}

function addDecision(sql: Sql, decision: NewDecision): void {
  const { jobId, at, attempt, type, code, message } = decision;
  const evidence = JSON.stringify(decision.evidence);
  const number = sql.get("SELECT number FROM jobs WHERE id = ?", jobId)?.number;
  if (number === undefined) return;
  const latest = sql.get(
    "SELECT number, type, code, attempt FROM decisions WHERE job = ? ORDER BY number DESC LIMIT 1",
    number,
  );
  if (latest?.type === type && latest.code === code && latest.attempt === attempt) {
    sql.run(
      "UPDATE decisions SET message = ?, evidence_json = ?, count = count + 1, last_at = ? WHERE number = ?",
      message,
      evidence,
      at,
      latest.number ?? null,
    );
    return;
  }
  sql.run(
    `INSERT INTO decisions (job, at, attempt, type, code, message, evidence_json, count, last_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)`,
    number,
    at,
    attempt,
    type,
    code,
    message,
    evidence,
    at,
  );
  sql.run(
    `DELETE FROM decisions WHERE job = ? AND number <=
       (SELECT number FROM decisions WHERE job = ? ORDER BY number DESC LIMIT 1 OFFSET ${decisionsPerJobMax})`,
    number,
    number,
  );
}

export function decisionsOf(sql: Sql, jobId: string): readonly Decision[] {
  const rows = sql.all(
    "SELECT d.* FROM decisions d JOIN jobs j ON j.number = d.job WHERE j.id = ? ORDER BY d.number",
    jobId,
  );
  return rows.map((row) => decisionOf(jobId, row));
}

export function addLateResult(sql: Sql, { ref, at, kind, result }: LateResult): void {
  sql.run(
    "INSERT INTO late_results (job_id, attempt, epoch, at, kind, result_json) VALUES (?, ?, ?, ?, ?, ?)",
    ref.jobId,
    ref.attempt,
    ref.epoch,
    at,
    kind,
    JSON.stringify(result),
  );
}

export function lateResultsOfJob(sql: Sql, jobId: string): readonly LateResult[] {
  return lateResultsOf(jobId, sql.all("SELECT * FROM late_results WHERE job_id = ? ORDER BY number", jobId));
}

export function attemptsOf(sql: Sql, jobId: string): readonly AttemptRecord[] {
  const rows = sql.all(
    `SELECT attempt, owner, claimed_at, started_json, ended_at, result_json, decision FROM attempts
     WHERE number IN (${attemptsOfJob("id")})
     UNION ALL
     SELECT attempt, owner, claimed_at, started_json, NULL, NULL, NULL
     FROM jobs WHERE id = ? AND state = 'running' ORDER BY 1`,
    jobId,
    jobId,
  );
  return rows.map((row) => attemptOf(jobId, row));
}
