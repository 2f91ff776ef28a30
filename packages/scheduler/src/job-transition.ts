/**
 * The only function that moves a job from one state to the next. It is pure: a store loads the record, calls {@link
 * transition}, and writes the result and its effects in the same transaction. An event that does not fit the state, or
 * names another attempt or epoch than the current one, is stale and changes nothing.
 */
import { omitUndefined, type Evidence, type WorkerResult } from "@agentcore/contract";
import {
  isDue,
  type AttemptRecord,
  type AttemptRef,
  type JobRecord,
  type JobState,
  type Reason,
  type RunningState,
  type StartedAttempt,
} from "./job-record.ts";
import type { Charge, Settlement, Submission } from "./job-store.ts";
import { runOfPiece } from "./piece.ts";
import { chargeOfLost } from "./retry/charge.ts";

export type JobEvent =
  | { readonly type: "claim"; readonly owner: string; readonly at: number }
  | { readonly type: "started"; readonly ref: AttemptRef; readonly started: StartedAttempt }
  | { readonly type: "settle"; readonly settlement: Settlement }
  /** A settlement that was stale. `lost`: the attempt that it names, if that has been ended since; null if it runs. */
  | { readonly type: "settle_late"; readonly settlement: Settlement; readonly lost: AttemptRecord | null }
  | { readonly type: "request_cancel"; readonly reason: Reason; readonly at: number }
  /** `rank`: as if it had been submitted now. */
  | { readonly type: "run_now"; readonly at: number; readonly rank: number }
  | { readonly type: "take_over"; readonly owner: string }
  | { readonly type: "mark_replayed"; readonly replayedAs: string };

/** What a store writes in addition to the record. */
export type JobEffect =
  | {
      readonly type: "attempt_opened";
      readonly attempt: number;
      readonly owner: string;
      readonly claimedAt: number;
    }
  | { readonly type: "attempt_started"; readonly attempt: number; readonly started: StartedAttempt }
  | { readonly type: "attempt_moved"; readonly attempt: number; readonly owner: string }
  | {
      readonly type: "attempt_closed";
      readonly attempt: number;
      readonly endedAt: number;
      readonly result: WorkerResult | null;
      readonly decision: "succeeded" | "retry" | "dead" | "cancelled";
      /** The earlier end as lost, which this end replaces. */
      readonly replaced?: AttemptRecord;
    }
  /** The attempt never began: its entry is removed and its number is free again. */
  | { readonly type: "attempt_withdrawn"; readonly attempt: number };

export type Transition =
  | { readonly applied: true; readonly record: JobRecord; readonly effects: readonly JobEffect[] }
  | { readonly applied: false };

const stale: Transition = { applied: false };

export function transition(record: JobRecord, event: JobEvent): Transition {
  switch (event.type) {
    case "claim":
      return claim(record, event.owner, event.at);
    case "started":
      return recordStarted(record, event.ref, event.started);
    case "settle":
      return settle(record, event.settlement);
    case "settle_late":
      return settleLate(record, event.settlement, event.lost);
    case "request_cancel":
      return requestCancel(record, event.reason, event.at);
    case "run_now":
      return runNow(record, event.at, event.rank);
    case "take_over":
      return takeOver(record, event.owner);
    case "mark_replayed":
      return markReplayed(record, event.replayedAs);
  }
}

/** The record of a job just submitted. */
export function newRecord(submission: Submission): JobRecord {
  const { job, submittedAt, runAt, delayMs, rank, readyFrom, concurrencyKey } = submission;
  return {
    job,
    state: { kind: "queued", runAt, delayMs, waitingFor: null },
    submittedAt,
    attempt: 0,
    epoch: 0,
    spent: { costUsd: 0, tokens: 0 },
    rank,
    readyFrom,
    concurrencyKey,
    result: null,
  };
}

/** The reason `AC_SUPERSEDED`, for a job whose key a newer job took. */
export function supersededReason(newJobId: string): Reason {
  const evidence: Evidence = { supersededBy: newJobId };
  return { code: "AC_SUPERSEDED", message: `job ${newJobId} has the same key and replaced it`, evidence };
}

function claim(record: JobRecord, owner: string, at: number): Transition {
  if (record.state.kind !== "queued") return stale;
  const attempt = record.attempt + 1;
  const state: RunningState = {
    kind: "running",
    owner,
    claimedAt: at,
    started: null,
    cancelRequested: null,
  };
  return {
    applied: true,
    record: { ...record, state, attempt, epoch: record.epoch + 1 },
    effects: [{ type: "attempt_opened", attempt, owner, claimedAt: at }],
  };
}

/** Stale for a job that is not delayed. */
function runNow(record: JobRecord, at: number, rank: number): Transition {
  const { state } = record;
  if (state.kind !== "queued" || isDue(state, at)) return stale;
  const due = { ...state, runAt: at, delayMs: null, waitingFor: null };
  return { applied: true, record: { ...record, state: due, rank, readyFrom: at }, effects: [] };
}

/** The running state that `ref` names, or undefined if the reference is stale. */
function current(record: JobRecord, ref: AttemptRef): RunningState | undefined {
  const { state } = record;
  const same = record.job.id === ref.jobId && record.attempt === ref.attempt && record.epoch === ref.epoch;
  return state.kind === "running" && same ? state : undefined;
}

function recordStarted(record: JobRecord, ref: AttemptRef, started: StartedAttempt): Transition {
  const running = current(record, ref);
  if (running === undefined) return stale;
  return {
    applied: true,
    record: { ...record, state: { ...running, started } },
    effects: [{ type: "attempt_started", attempt: record.attempt, started }],
  };
}

function settle(record: JobRecord, settlement: Settlement): Transition {
  const running = current(record, settlement.ref);
  if (running === undefined) return stale;
  const { at } = settlement;
  const cancelled = running.cancelRequested;
  switch (settlement.kind) {
    case "succeeded":
      return close(record, settlement, { kind: "succeeded", endedAt: at });
    case "dead":
      return close(record, settlement, {
        kind: "dead",
        endedAt: at,
        reason: settlement.reason,
        replayedAs: runOfPiece(record.job),
      });
    case "cancelled":
      return close(record, settlement, { kind: "cancelled", endedAt: at, reason: settlement.reason });
    case "retry": {
      // A request to stop the job applies now, not after the next attempt.
      if (cancelled !== null) {
        return close(
          record,
          { ...settlement, kind: "cancelled" },
          { kind: "cancelled", endedAt: at, reason: cancelled },
        );
      }
      const { runAt, delayMs, reason } = settlement;
      return close(record, settlement, { kind: "queued", runAt, delayMs, waitingFor: reason });
    }
    case "defer": {
      const { runAt, delayMs, reason } = settlement;
      const state: JobState =
        cancelled === null
          ? { kind: "queued", runAt, delayMs, waitingFor: reason }
          : { kind: "cancelled", endedAt: at, reason: cancelled };
      return {
        applied: true,
        record: { ...record, state, attempt: record.attempt - 1 },
        effects: [{ type: "attempt_withdrawn", attempt: record.attempt }],
      };
    }
  }
}

/**
 * The success of an attempt that another scheduler took over, or ended as lost. The work is done, so it counts as long as no
 * other attempt has begun; it replaces the lost end and its charge. A job that has ended does not change: a caller has received
 * it.
 */
function settleLate(record: JobRecord, settlement: Settlement, lost: AttemptRecord | null): Transition {
  if (settlement.kind !== "succeeded" || settlement.result.outcome !== "succeeded") return stale;
  const { attempt, epoch } = settlement.ref;
  if (record.attempt !== attempt || record.epoch <= epoch) return stale;
  const { state } = record;
  const ended: JobState = { kind: "succeeded", endedAt: settlement.at };
  if (state.kind === "running") return close(record, settlement, ended);
  if (state.kind !== "queued" || lost?.attempt !== record.attempt || lost.result?.outcome !== "lost")
    return stale;
  const { costUsd, tokens } = chargeOfLost(lost.result, lost.started);
  const spent = {
    costUsd: Math.max(0, record.spent.costUsd - costUsd),
    tokens: Math.max(0, record.spent.tokens - tokens),
  };
  return close({ ...record, spent }, settlement, ended, lost);
}

interface Closing {
  readonly kind: "succeeded" | "retry" | "dead" | "cancelled";
  readonly at: number;
  readonly result: WorkerResult | null;
  readonly charge: Charge;
}

function close(record: JobRecord, closing: Closing, state: JobState, replaced?: AttemptRecord): Transition {
  const { at, result, charge, kind } = closing;
  const spent = {
    costUsd: record.spent.costUsd + charge.costUsd,
    tokens: record.spent.tokens + charge.tokens,
  };
  return {
    applied: true,
    record: { ...record, state, spent, result: state.kind === "queued" ? null : result },
    effects: [
      {
        type: "attempt_closed",
        attempt: record.attempt,
        endedAt: at,
        result,
        decision: kind,
        ...omitUndefined({ replaced }),
      },
    ],
  };
}

function requestCancel(record: JobRecord, reason: Reason, at: number): Transition {
  const { state } = record;
  switch (state.kind) {
    case "queued":
      return {
        applied: true,
        record: { ...record, state: { kind: "cancelled", endedAt: at, reason } },
        effects: [],
      };
    case "running": {
      const cancelRequested = state.cancelRequested ?? reason;
      return { applied: true, record: { ...record, state: { ...state, cancelRequested } }, effects: [] };
    }
    case "succeeded":
    case "dead":
    case "cancelled":
      return stale;
  }
}

function takeOver(record: JobRecord, owner: string): Transition {
  const { state } = record;
  if (state.kind !== "running") return stale;
  return {
    applied: true,
    record: { ...record, state: { ...state, owner }, epoch: record.epoch + 1 },
    effects: [{ type: "attempt_moved", attempt: record.attempt, owner }],
  };
}

function markReplayed(record: JobRecord, replayedAs: string): Transition {
  const { state } = record;
  if (state.kind !== "dead" || state.replayedAs !== null) return stale;
  return { applied: true, record: { ...record, state: { ...state, replayedAs } }, effects: [] };
}
