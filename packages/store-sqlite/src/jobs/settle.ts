/** How attempts begin, end and are asked to stop. A write that names an attempt which is over changes nothing. */
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
import { readableRows, runningOf as keysOfRunning } from "./damage.ts";
import { findByAnyId, findById, findRunning, recordsOf, selectRunning } from "./job-row.ts";
import type { JobSql } from "./job-sql.ts";
import { applyEvent, applyToClaimed } from "./job-writes.ts";
import { addDecisions, addLateResult, attemptsOf } from "./journal.ts";
import { nextRunAt } from "./queries.ts";

export interface SettledAndClaimedSome extends SettledAndClaimed {
  /** See `Claimed`. */
  readonly cutOff: boolean;
}

export function settleAndClaim(
  sql: JobSql,
  settlements: readonly Settlement[],
  request: ClaimRequest | undefined,
): SettledAndClaimedSome {
  const settled = settlements.map((settlement) => settle(sql, settlement));
  if (request === undefined) return { settled, claimed: [], nextRunAt: null, cutOff: false };
  const { claimed, cutOff } = claim(sql, request);
  const isAll = claimed.length >= request.limit;
  return { settled, claimed, nextRunAt: isAll ? null : nextRunAt(sql, request.now), cutOff };
}

function settle(sql: JobSql, settlement: Settlement): SettledAndClaimed["settled"][number] {
  const { ref, at, kind, decisions = [] } = settlement;
  const event = { type: "settle", settlement } as const;
  const remembered = applyToClaimed(sql, ref.jobId, event);
  const stored = remembered === undefined ? findRunning(sql, ref.jobId) : undefined;
  const record = remembered ?? (stored && applyEvent(sql, stored, event)) ?? settleLate(sql, settlement);
  if (record !== undefined) {
    addDecisions(sql, decisions);
    return { applied: "applied", record };
  }
  const result = kind === "defer" ? null : settlement.result;
  if (result !== null) addLateResult(sql, { ref, at, kind, result });
  return { applied: "stale", record: (stored ?? findById(sql, ref.jobId))?.record };
}

/** See `settleLate` of the transition; rare, so all is read anew. */
function settleLate(sql: JobSql, settlement: Settlement): JobRecord | undefined {
  const { kind, ref } = settlement;
  const stored = kind === "succeeded" ? findById(sql, ref.jobId) : undefined;
  if (stored === undefined) return undefined;
  const lost = attemptsOf(sql, ref.jobId).find(({ attempt }) => attempt === ref.attempt) ?? null;
  return applyEvent(sql, stored, { type: "settle_late", settlement, lost });
}

export function recordStarted(sql: JobSql, ref: AttemptRef, started: StartedAttempt): Applied {
  const event = { type: "started", ref, started } as const;
  if (applyToClaimed(sql, ref.jobId, event) !== undefined) return "applied";
  const stored = findRunning(sql, ref.jobId);
  const record = stored && applyEvent(sql, stored, event);
  return record === undefined ? "stale" : "applied";
}

export function requestCancel(sql: JobSql, jobId: string, reason: Reason, now: number): CancelAnswer {
  const stored = findByAnyId(sql, jobId);
  if (stored === undefined) return { kind: "not_found" };
  const record = applyEvent(sql, stored, { type: "request_cancel", reason, at: now });
  if (record === undefined) return { kind: "ended", record: stored.record };
  return { kind: record.state.kind === "cancelled" ? "cancelled" : "requested", record };
}

export function cancelRequests(sql: Sql, owner: string): readonly JobRecord[] {
  const select = `${selectRunning} WHERE r.owner = ? AND r.cancel_requested_json IS NOT NULL`;
  return recordsOf(
    readableRows(
      () => sql.all(`${select} ORDER BY r.claimed_at, j.id`, owner),
      () => keysOfRunning(sql, owner),
      (seq) => sql.all(`${select} AND r.job = ?`, owner, seq),
    ),
  );
}
