/** The history of a job and the owners as stores on SQL keep them. Unreadable parts of a row hide nothing else. */
import { AgentCoreError, jsonOr, type Evidence, type WorkerResult } from "@agentcore/contract";
import type { Decision, DecisionType } from "../decision.ts";
import type { AttemptRecord, StartedAttempt } from "../job-record.ts";
import type { LateResult, OwnerProcess, OwnerRecord } from "../job-store.ts";
import { parsed } from "./stored-job.ts";

type Row = Readonly<Record<string, unknown>>;

/** Decisions kept per job; above it the oldest are deleted. Repetitions count as one, so few jobs reach it. */
export const decisionsPerJobMax = 200;

export function decisionOf(jobId: string, row: Row): Decision {
  return {
    jobId,
    at: Number(row["at"]),
    attempt: Number(row["attempt"]),
    type: row["type"] as DecisionType,
    code: String(row["code"]),
    message: String(row["message"]),
    evidence: jsonOr(row["evidence_json"], {}) as Evidence,
    count: Number(row["count"]),
    lastAt: Number(row["last_at"]),
  };
}

/** Empty if the result cannot be read: nothing else is known of it. */
export function lateResultsOf(jobId: string, rows: readonly Row[]): readonly LateResult[] {
  return rows.flatMap((row) => {
    const result = jsonOr(row["result_json"], null) as WorkerResult | null;
    if (result === null) return [];
    return {
      ref: { jobId, attempt: Number(row["attempt"]), epoch: Number(row["epoch"]) },
      at: Number(row["at"]),
      kind: row["kind"] as LateResult["kind"],
      result,
    };
  });
}

export function attemptOf(jobId: string, row: Row): AttemptRecord {
  return {
    jobId,
    attempt: Number(row["attempt"]),
    owner: String(row["owner"]),
    claimedAt: Number(row["claimed_at"]),
    started: parsed(row["started_json"]) as StartedAttempt | null,
    endedAt: row["ended_at"] === null ? null : Number(row["ended_at"]),
    result: parsed(row["result_json"]) as WorkerResult | null,
    decision: row["decision"] as AttemptRecord["decision"],
  };
}

export function ownerOf(row: Row): OwnerRecord {
  return {
    owner: String(row["owner"]),
    process: processOf(row["process_json"]),
    leaseMs: Number(row["lease_ms"]),
    at: Number(row["at"]),
    beat: Number(row["beat"]),
  };
}

/** For a registration with an id that was used before. */
export function ownerIdTaken(owner: string): AgentCoreError {
  return new AgentCoreError("AC_INTERNAL", `owner ${owner} is registered already; an owner id is used once`);
}

/** A process that cannot be read counts as one that nobody can see. */
export function processOf(json: unknown): OwnerProcess | null {
  const process = jsonOr(json, {}) as Partial<OwnerProcess> | null;
  if (process === null || typeof process.pid === "number") return process as OwnerProcess | null;
  return { host: "", bootId: null, pid: 0, startTicks: null };
}
