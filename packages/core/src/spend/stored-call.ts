/** Metered calls as stores on SQL keep them: the values of a row, and what a row says. */
import {
  AgentCoreError,
  type AttemptCalls,
  type CallOutcome,
  type CallUsage,
  type ProviderCall,
  type ProviderProtocol,
  callUsageSchema,
  jsonOr,
} from "@agentcore/contract";

type Row = Readonly<Record<string, unknown>>;

/** In the order of {@link valuesOfCall}. */
export const callColumns = [
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

/** Of the sums over the calls of an attempt. */
export function attemptCallsOf(row: Row): AttemptCalls {
  return {
    attempt: Number(row["attempt"]),
    calls: Number(row["calls"]),
    openCalls: Number(row["open_calls"]),
    costMicroUsd: Number(row["cost"]),
    tokens: Number(row["tokens"]),
    heldMicroUsd: Number(row["held"]),
    estimated: Number(row["estimated"]) === 1,
  };
}

/** In the order of {@link callColumns}. */
export function valuesOfCall(call: ProviderCall): (string | number | null)[] {
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

export function callOf(stored: Row): ProviderCall {
  const row = stored as unknown as CallRow;
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

export function knownCall({ id, permitId }: ProviderCall): AgentCoreError {
  return new AgentCoreError("AC_INTERNAL", `call ${id} of permit ${permitId} exists already`);
}
