/** Stores the history of a job: its attempts, decisions, and late results. */
import type { Evidence, WorkerResult } from "@agentcore/contract";
import type {
  AttemptRecord,
  Decision,
  DecisionType,
  LateResult,
  NewDecision,
  StartedAttempt,
} from "@agentcore/scheduler";
import { attemptsOfJob } from "../schema-queue.ts";
import type { Sql } from "../sql.ts";
import { jsonOr } from "./damage.ts";
import { parsed } from "./job-row.ts";

/** Decisions kept per job; above it the oldest are deleted. Repetitions count as one, so few jobs reach it. */
export const decisionsPerJobMax = 200;

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
  return rows.map((row) => ({
    jobId,
    at: Number(row.at),
    attempt: Number(row.attempt),
    type: row.type as DecisionType,
    code: String(row.code),
    message: String(row.message),
    evidence: jsonOr(row.evidence_json, {}) as Evidence,
    count: Number(row.count),
    lastAt: Number(row.last_at),
  }));
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

export function lateResultsOf(sql: Sql, jobId: string): readonly LateResult[] {
  return sql.all("SELECT * FROM late_results WHERE job_id = ? ORDER BY number", jobId).flatMap((row) => {
    const result = jsonOr(row.result_json, null) as WorkerResult | null;
    if (result === null) return [];
    return {
      ref: { jobId, attempt: Number(row.attempt), epoch: Number(row.epoch) },
      at: Number(row.at),
      kind: row.kind as LateResult["kind"],
      result,
    };
  });
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
  return rows.map((row) => ({
    jobId,
    attempt: Number(row.attempt),
    owner: String(row.owner),
    claimedAt: Number(row.claimed_at),
    started: parsed(row.started_json) as StartedAttempt | null,
    endedAt: row.ended_at === null ? null : Number(row.ended_at),
    result: parsed(row.result_json) as WorkerResult | null,
    decision: row.decision as AttemptRecord["decision"],
  }));
}
