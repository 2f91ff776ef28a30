/** Writes starts, ends and cancel requests of attempts. A write for an attempt that has ended changes nothing. */
import type {
  Applied,
  AttemptRef,
  CancelAnswer,
  ClaimRequest,
  JobRecord,
  Reason,
  SettledAndClaimed,
  Settlement,
  StartedAttempt,
} from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { claim } from "./claim.ts";
import { type StoredJob, findByAnyId, findById } from "./job-row.ts";
import { applyEvent } from "./job-writes.ts";
import { addDecisions, addLateResult, attemptsOf } from "./journal.ts";
import { nextRunAt } from "./queue.ts";

export function settleAndClaim(
  sql: Sql,
  settlements: readonly Settlement[],
  request: ClaimRequest | undefined,
): SettledAndClaimed {
  const settled = settlements.map((settlement) => settle(sql, settlement));
  if (request === undefined) return { settled, claimed: [], nextRunAt: null };
  const claimed = claim(sql, request);
  const isAll = claimed.length >= request.limit;
  return { settled, claimed, nextRunAt: isAll ? null : nextRunAt(sql, request.now) };
}

function settle(sql: Sql, settlement: Settlement): SettledAndClaimed["settled"][number] {
  const { ref, at, kind, decisions = [] } = settlement;
  const stored = findById(sql, ref.jobId);
  const record =
    stored &&
    (applyEvent(sql, stored, { type: "settle", settlement }) ?? settleLate(sql, stored, settlement));
  if (record !== undefined) {
    addDecisions(sql, decisions);
    return { applied: "applied", record };
  }
  const result = kind === "defer" ? null : settlement.result;
  if (result !== null) addLateResult(sql, { ref, at, kind, result });
  return { applied: "stale", record: stored?.record };
}

/** See `settleLate` of the transition. */
function settleLate(sql: Sql, stored: StoredJob, settlement: Settlement): JobRecord | undefined {
  const { kind, ref } = settlement;
  if (kind !== "succeeded") return undefined;
  const lost = attemptsOf(sql, ref.jobId).find(({ attempt }) => attempt === ref.attempt) ?? null;
  return applyEvent(sql, stored, { type: "settle_late", settlement, lost });
}

export function recordStarted(sql: Sql, ref: AttemptRef, started: StartedAttempt): Applied {
  const stored = findById(sql, ref.jobId);
  const record = stored && applyEvent(sql, stored, { type: "started", ref, started });
  return record === undefined ? "stale" : "applied";
}

export function requestCancel(sql: Sql, jobId: string, reason: Reason, now: number): CancelAnswer {
  const stored = findByAnyId(sql, jobId);
  if (stored === undefined) return { kind: "not_found" };
  const record = applyEvent(sql, stored, { type: "request_cancel", reason, at: now });
  if (record === undefined) return { kind: "ended", record: stored.record };
  return { kind: record.state.kind === "cancelled" ? "cancelled" : "requested", record };
}

export function runNow(
  sql: Sql,
  jobId: string,
  due: { readonly at: number; readonly rank: number },
): JobRecord | undefined {
  const stored = findByAnyId(sql, jobId);
  return stored && (applyEvent(sql, stored, { type: "run_now", ...due }) ?? stored.record);
}
