/**
 * The `CallJournal` of `@agentcore/core` on `state.db`. Each start and each end is one write of the database's group commit, so
 * calls of many attempts share a sync. The calls of a job are deleted with it.
 */
import {
  AgentCoreError,
  type AttemptCalls,
  type CallOutcome,
  type CallUsage,
  callUsageSchema,
  type ProviderCall,
  type ProviderProtocol,
  jsonOr,
} from "@agentcore/contract";
import { type CallJournal, callsOfJobMax } from "@agentcore/core";
import type { SqlValue } from "./driver.ts";
import type { Sql } from "./sql.ts";
import type { StateDatabase } from "./state-database.ts";

export function createSqliteCallJournal(database: StateDatabase): CallJournal {
  return {
    begin: async (call) => {
      const values = valuesOf(call);
      await database.write(
        (sql) => {
          if (sql.run(insert, ...values) === 0) throw knownCall(call);
          return true;
        },
        (sql) => storedOutcome(sql, call) !== undefined || undefined,
      );
    },
    end: async (call) => {
      const values = valuesOf(call);
      await database.write(
        (sql) => sql.run(replace, ...values) > 0,
        (sql) => storedOutcome(sql, call) === call.outcome || undefined,
      );
    },
    calls: (permitId) =>
      database.read((sql) =>
        sql.all("SELECT * FROM provider_calls WHERE permit_id = ? ORDER BY number", permitId).map(callOf),
      ),
    callsOfJob: (jobId, limit = callsOfJobMax) =>
      database.read((sql) => sql.all(latestOfJob, jobId, limit).toReversed().map(callOf)),
    attemptsOfJob: (jobId) => database.read((sql) => sql.all(attemptsOfJob, jobId).map(attemptCallsOf)),
  };
}

const columns = [
  "permit_id",
  "id",
  "job_id",
  "attempt",
  "provider",
  "protocol",
  "model",
  "started_at",
  "ended_at",
  "outcome",
  "status",
  "usage_json",
  "cost",
  "tokens",
  "estimated",
  "price_source",
];

const insert = `INSERT INTO provider_calls (${columns.join(", ")})
  VALUES (${columns.map(() => "?").join(", ")}) ON CONFLICT (permit_id, id) DO NOTHING`;
const replace = insert.replace(
  "DO NOTHING",
  `DO UPDATE SET ${columns.map((column) => `${column} = excluded.${column}`).join(", ")}`,
);
const latestOfJob = "SELECT * FROM provider_calls WHERE job_id = ? ORDER BY number DESC LIMIT (? + 0)";

const attemptsOfJob = `
  SELECT attempt, count(*) AS calls, sum(outcome = 'open') AS open_calls,
    sum(CASE outcome WHEN 'open' THEN 0 ELSE cost END) AS cost,
    sum(CASE outcome WHEN 'open' THEN 0 ELSE tokens END) AS tokens,
    sum(CASE outcome WHEN 'open' THEN cost ELSE 0 END) AS held,
    max(outcome <> 'open' AND estimated) AS estimated
  FROM provider_calls WHERE job_id = ? GROUP BY attempt ORDER BY attempt`;

function attemptCallsOf(row: Record<string, unknown>): AttemptCalls {
  return {
    attempt: Number(row["attempt"]),
    calls: Number(row["calls"]),
    openCalls: Number(row["open_calls"]),
    costMicroUsd: Number(row["cost"]),
    tokens: Number(row["tokens"]),
    heldMicroUsd: Number(row["held"]),
    estimated: row["estimated"] === 1,
  };
}

/** In the order of {@link columns}. */
function valuesOf(call: ProviderCall): SqlValue[] {
  return [
    call.permitId,
    call.id,
    call.jobId,
    call.attempt,
    call.provider,
    call.protocol,
    call.model,
    call.startedAt,
    call.endedAt,
    call.outcome,
    call.status,
    call.usage === null ? null : JSON.stringify(call.usage),
    call.costMicroUsd,
    call.tokens,
    call.estimated ? 1 : 0,
    call.priceSource,
  ];
}

/** As stored. */
interface CallRow {
  readonly permit_id: string;
  readonly id: string;
  readonly job_id: string;
  readonly attempt: number;
  readonly provider: string;
  readonly protocol: ProviderProtocol;
  readonly model: string | null;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly outcome: CallOutcome;
  readonly status: number | null;
  readonly usage_json: string | null;
  readonly cost: number;
  readonly tokens: number;
  readonly estimated: number;
  readonly price_source: string | null;
}

function callOf(stored: unknown): ProviderCall {
  const row = stored as CallRow;
  return {
    id: row.id,
    permitId: row.permit_id,
    jobId: row.job_id,
    attempt: row.attempt,
    provider: row.provider,
    protocol: row.protocol,
    model: row.model,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
    status: row.status,
    usage: usageOf(row.usage_json),
    costMicroUsd: row.cost,
    tokens: row.tokens,
    estimated: row.estimated === 1,
    priceSource: row.price_source,
  };
}

/** A usage that cannot be read is unknown; what was charged is in columns of its own. */
function usageOf(json: string | null): CallUsage | null {
  return json === null ? null : (callUsageSchema.safeParse(jsonOr(json, null)).data ?? null);
}

function storedOutcome(sql: Sql, { permitId, id }: ProviderCall): unknown {
  return sql.get("SELECT outcome FROM provider_calls WHERE permit_id = ? AND id = ?", permitId, id)?.outcome;
}

function knownCall({ id, permitId }: ProviderCall): AgentCoreError {
  return new AgentCoreError("AC_INTERNAL", `call ${id} of permit ${permitId} exists already`);
}
