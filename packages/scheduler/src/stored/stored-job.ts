/** Jobs as stores on SQL keep them: one row for each, whose columns are the same in every store. */
import { jsonOr, type Job, type WorkerResult } from "@agentcore/contract";
import {
  reasonOfState,
  type JobRecord,
  type JobState,
  type Reason,
  type StartedAttempt,
} from "../job-record.ts";
import { jobOf, unreadableReason } from "./damaged-job.ts";

/**
 * The place of a queued job.
 *
 * | place    | meaning                                                                                  |
 * | -------- | ---------------------------------------------------------------------------------------- |
 * | `ready`  | due, and the first of its claim group and concurrency key: where a claim looks           |
 * | `behind` | due, behind another job of its claim group and concurrency key                           |
 * | `moment` | waits for its moment                                                                     |
 * | `key`    | waits for the end of another job with its idempotency key, which runs                    |
 * | `piece`  | a piece of a workflow run: only a claim that names it takes it, due or not               |
 */
export type QueuedPlace = "ready" | "behind" | "moment" | "key" | "piece";
export type Place = QueuedPlace | Exclude<JobState["kind"], "queued">;

/** Columns that do not apply to the state of the job are null and ignored. */
export interface JobColumns {
  readonly id: string;
  readonly state: Place;
  /** The concurrency key. */
  readonly workspace: string | null;
  readonly key: string | null;
  readonly submitted_at: number;
  readonly ready_from: number;
  readonly rank: number;
  readonly run_at: number;
  readonly delay_ms: number | null;
  readonly attempt: number;
  readonly epoch: number;
  readonly cost_usd: number;
  readonly tokens: number;
  readonly owner: string;
  readonly claimed_at: number;
  readonly started_json: string | null;
  /** Queued: why it waits; running: why it is to stop; ended: why. */
  readonly reason_json: string | null;
  readonly ended_at: number;
  /** In the order in which ends were committed. */
  readonly end_number: number | null;
  readonly replayed_as: string | null;
}

/** The columns, with the texts that are stored elsewhere. */
export interface JobTexts {
  /** Null if it is lost. */
  readonly job_json: string | null;
  /** Of the attempt that ended the job. */
  readonly result_json: string | null;
}

export function recordOf(row: JobColumns & JobTexts): JobRecord {
  return recordWith(jobOf(row.job_json, row), row);
}

/** As `recordOf`, for a job whose text was not read with its row. */
export function recordWith(job: Job, row: JobColumns & Pick<JobTexts, "result_json">): JobRecord {
  return {
    job,
    state: stateOf(row),
    submittedAt: row.submitted_at,
    attempt: row.attempt,
    epoch: row.epoch,
    spent: { costUsd: row.cost_usd, tokens: row.tokens },
    rank: row.rank,
    readyFrom: row.ready_from,
    concurrencyKey: row.workspace,
    result: parsed(row.result_json) as WorkerResult | null,
  };
}

function stateOf(row: JobColumns): JobState {
  const reason = parsed(row.reason_json) as Reason | null;
  const endedAt = row.ended_at;
  switch (row.state) {
    case "ready":
    case "behind":
    case "moment":
    case "key":
    case "piece":
      return { kind: "queued", runAt: row.run_at, delayMs: row.delay_ms, waitingFor: reason };
    case "running":
      return {
        kind: "running",
        owner: row.owner,
        claimedAt: row.claimed_at,
        started: parsed(row.started_json) as StartedAttempt | null,
        cancelRequested: reason,
      };
    case "succeeded":
      return { kind: "succeeded", endedAt };
    case "dead":
      return { kind: "dead", endedAt, reason: reason ?? unreadableReason, replayedAs: row.replayed_as };
    case "cancelled":
      return { kind: "cancelled", endedAt, reason: reason ?? unreadableReason };
  }
}

/** The columns that a transition can change, without `state` and `end_number`, which only the store knows. */
export function changedColumns(row: Pick<JobColumns, "run_at" | "delay_ms">, after: JobRecord) {
  const { state, attempt, epoch, spent, rank, readyFrom } = after;
  const running = state.kind === "running" ? state : null;
  const queued = state.kind === "queued" ? state : null;
  return {
    rank,
    ready_from: readyFrom,
    run_at: queued?.runAt ?? row.run_at,
    delay_ms: queued === null ? row.delay_ms : queued.delayMs,
    attempt,
    epoch,
    cost_usd: spent.costUsd,
    tokens: spent.tokens,
    owner: running?.owner ?? null,
    claimed_at: running?.claimedAt ?? null,
    started_json: jsonOf(running?.started ?? null),
    reason_json: jsonOf(reasonOfState(state)),
    ended_at: "endedAt" in state ? state.endedAt : null,
    replayed_as: state.kind === "dead" ? state.replayedAs : null,
  };
}

/** Null if the JSON is null or cannot be read. */
export function parsed(json: unknown): unknown {
  return json === null ? null : jsonOr(json, null);
}

export function jsonOf(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
