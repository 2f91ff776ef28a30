/** Claims, settlements and cancels in the memory store. */
import { isDraining } from "../hosting.ts";
import type { JobRecord, Reason } from "../job-record.ts";
import type { CancelAnswer, ClaimRequest, SettledAndClaimed, Settlement } from "../job-store.ts";
import type { MemoryState } from "./memory-state.ts";

export function claim(state: MemoryState, request: ClaimRequest): JobRecord[] {
  const claimed: JobRecord[] = [];
  const owner = state.owners.get(request.owner);
  if (owner === undefined) return claimed;
  const named = isDraining(owner.process)
    ? { ...request, only: request.only ?? request.pieces ?? [] }
    : request;
  while (claimed.length < request.limit) {
    const next = state.jobs.nextToClaim(named);
    if (next === undefined) break;
    const record = state.apply(next.job.id, { type: "claim", owner: request.owner, at: request.now });
    if (record === undefined) break;
    state.jobs.markServed(record, request.now);
    claimed.push(record);
  }
  return claimed;
}

export function settleAndClaim(
  state: MemoryState,
  settlements: readonly Settlement[],
  request: ClaimRequest | undefined,
): SettledAndClaimed {
  const settled = settlements.map((settlement) => settle(state, settlement));
  const claimed = request === undefined ? [] : claim(state, request);
  const nextRunAt =
    request === undefined || claimed.length === request.limit ? null : state.jobs.nextRunAt(request.now);
  return { settled, claimed, nextRunAt };
}

function settle(state: MemoryState, settlement: Settlement): SettledAndClaimed["settled"][number] {
  const { ref, at, kind } = settlement;
  const lost = state.journal.attempts(ref.jobId).find(({ attempt }) => attempt === ref.attempt) ?? null;
  const record =
    state.apply(ref.jobId, { type: "settle", settlement }) ??
    state.apply(ref.jobId, { type: "settle_late", settlement, lost });
  if (record !== undefined) {
    state.addDecisions(settlement.decisions);
    return { applied: "applied", record };
  }
  const unchanged = state.jobs.get(ref.jobId);
  const result = kind === "defer" ? null : settlement.result;
  if (result !== null) state.journal.addLateResult({ ref, at, kind, result });
  return { applied: "stale", record: unchanged };
}

export function requestCancel(state: MemoryState, jobId: string, reason: Reason, now: number): CancelAnswer {
  const record = state.find(jobId);
  if (record === undefined) return { kind: "not_found" };
  const after = state.apply(record.job.id, { type: "request_cancel", reason, at: now });
  if (after === undefined) return { kind: "ended", record };
  return { kind: after.state.kind === "cancelled" ? "cancelled" : "requested", record: after };
}

export function runNow(
  state: MemoryState,
  jobId: string,
  due: { readonly at: number; readonly rank: number },
): JobRecord | undefined {
  const record = state.find(jobId);
  if (record === undefined) return undefined;
  return state.apply(record.job.id, { type: "run_now", ...due }) ?? record;
}
