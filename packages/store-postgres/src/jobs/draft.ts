/**
 * What one call changes. A call reads what it needs, decides by the scheduler's transition function, and collects its changes here;
 * then one statement writes them all (`write-draft.ts`). A call that throws has written nothing.
 */
import { assert } from "@agentcore/contract";
import {
  type AttemptRecord,
  type Decision,
  type JobEffect,
  type JobEvent,
  type JobRecord,
  type LateResult,
  type Place,
  type PreparedSubmission,
  type Settlement,
  changedColumns,
  isTerminal,
  jsonOf,
  newRecord,
  reasonOfState,
  runOfPiece,
  transition,
  unreadableReason,
} from "@agentcore/scheduler";
import type { JobRow, StoredJob } from "./job-row.ts";

type AttemptClosed = Extract<JobEffect, { type: "attempt_closed" }>;

/** A job that the call changed. */
export interface DraftedJob extends StoredJob {
  /** Its place before the call; null: it is new. */
  readonly was: Place | null;
  /** Of a new job. */
  readonly jobJson: string | null;
}

export interface DraftedAttempt {
  readonly job: number;
  readonly attempt: number;
  readonly owner: string;
  readonly claimed_at: number;
  readonly started_json: string | null;
  readonly ended_at: number;
  readonly result_json: string | null;
  readonly decision: AttemptClosed["decision"];
}

export interface DraftedDecision {
  readonly job: number;
  readonly place: number;
  readonly decision: Decision;
}

export class Draft {
  readonly jobs = new Map<number, DraftedJob>();
  /** That have ended, by job and number: the end as lost may be replaced in the same call. */
  readonly attempts = new Map<string, DraftedAttempt>();
  readonly aliases = new Map<string, number>();
  /** The new holder of each key; null: the job that holds it gives it up. */
  readonly keys = new Map<string, { readonly job: number; readonly holds: boolean }>();
  /** Changed or new, by job and place. */
  readonly decisions = new Map<string, DraftedDecision>();
  /** Of each job: the last place of those that are deleted. */
  readonly oldDecisions = new Map<number, number>();
  readonly lateResults: LateResult[] = [];
  /** Tenants whose jobs were claimed, and when. */
  readonly served = new Map<string, number>();
  /** Jobs that wait no longer for the end of another with their key. */
  readonly released: JobRow[] = [];
  /** An attempt ended that does not have the number or the epoch that its settlement names. */
  hasLateEnd = false;
  readonly #loaded = new Map<number, StoredJob>();
  /** Jobs that wait for the end of another with their key, by key. */
  readonly #waiters = new Map<string, JobRow>();

  /** Tells of a job that was read. The current state of each job of the call is that of `current`. */
  load(stored: StoredJob): void {
    if (!this.#loaded.has(stored.row.number)) this.#loaded.set(stored.row.number, stored);
  }

  /** Tells of a job that waits for the end of another with its key. */
  loadWaiter(row: JobRow): void {
    if (row.key !== null) this.#waiters.set(row.key, row);
  }

  current(number: number): StoredJob | undefined {
    return this.jobs.get(number) ?? this.#loaded.get(number);
  }

  /** `isKeyRunning`: another job with its key runs. */
  insert(
    { submission, jobJson }: PreparedSubmission,
    {
      number,
      group,
      isKeyRunning,
    }: { readonly number: number; readonly group: number; readonly isKeyRunning: boolean },
  ): JobRecord {
    const record = newRecord(submission);
    const { job, concurrencyKey: workspace, rank, readyFrom } = record;
    const { runAt, delayMs } = submission;
    const key = job.key ?? null;
    const piece_of = runOfPiece(job);
    const place = placeInQueue({ piece_of, workspace }, delayMs);
    const row: JobRow = {
      number,
      id: job.id,
      claim_group: group,
      workspace,
      key,
      piece_of,
      state: isKeyRunning && isDue(place) ? "key" : place,
      submitted_at: submission.submittedAt,
      end_number: null,
      ...changedColumnsOf({ run_at: runAt, delay_ms: delayMs }, record),
      rank,
      ready_from: readyFrom,
    };
    this.jobs.set(number, { row, record, was: null, jobJson });
    if (key !== null) this.keys.set(key, { job: number, holds: true });
    return record;
  }

  /** The record after the event. Undefined if the event is stale; then nothing changes. */
  apply(number: number, event: JobEvent): JobRecord | undefined {
    const before = this.current(number);
    assert(before !== undefined, `job ${number} was not read`);
    const { row } = before;
    const next = transition(before.record, event);
    if (!next.applied) return undefined;
    const { record: after, effects } = next;
    const closed = effects.find((effect) => effect.type === "attempt_closed");
    if (closed !== undefined) this.attempts.set(`${number}/${closed.attempt}`, attemptOf(row, closed));
    const { state } = after;
    const place = state.kind === "queued" ? placeInQueue(row, state.delayMs) : state.kind;
    this.#put(before, { ...row, ...changedColumnsOf(row, after), state: place }, after);
    return after;
  }

  /** See `settleLate` of the transition. */
  applyLate(number: number, settlement: Settlement, lost: AttemptRecord | null): JobRecord | undefined {
    const record = this.apply(number, { type: "settle_late", settlement, lost });
    if (record !== undefined) this.hasLateEnd = true;
    return record;
  }

  /** Ends a job that cannot be read, in any state, as a dead letter that says so. `attempt`: how many of its attempts have ended. */
  isolate(stored: StoredJob, { at, attempt }: { readonly at: number; readonly attempt: number }): void {
    const record: JobRecord = {
      ...stored.record,
      state: { kind: "dead", endedAt: at, reason: unreadableReason, replayedAs: null },
      attempt,
    };
    this.#put(stored, { ...stored.row, ...changedColumnsOf(stored.row, record), state: "dead" }, record);
  }

  #put(before: StoredJob, row: JobRow, record: JobRecord): void {
    const { number, key, state: earlier } = before.row;
    const drafted = this.jobs.get(number);
    this.jobs.set(number, {
      row,
      record,
      was: drafted === undefined ? earlier : drafted.was,
      jobJson: drafted?.jobJson ?? null,
    });
    if (key === null) return;
    if (isTerminal(record.state) && (this.keys.get(key)?.job ?? number) === number)
      this.keys.set(key, { job: number, holds: false });
    if (earlier === "running" && row.state !== "running") this.#releaseKey(key);
  }

  /** The job that waits for the end of another with its key becomes due. */
  #releaseKey(key: string): void {
    const waiter = this.#waiters.get(key);
    if (waiter === undefined) return;
    this.#waiters.delete(key);
    this.released.push({ ...waiter, state: waiter.workspace === null ? "ready" : "behind" });
  }
}

export function isDue(place: Place | null): boolean {
  return place === "ready" || place === "behind";
}

/** A due job is `behind` until it is known which one is the first of its workspace. */
function placeInQueue(
  { piece_of, workspace }: Pick<JobRow, "piece_of" | "workspace">,
  delayMs: number | null,
): Place {
  if (piece_of !== null) return "piece";
  if (delayMs !== 0) return "moment";
  return workspace === null ? "ready" : "behind";
}

/** Columns that do not apply to the state are null in the table. */
function changedColumnsOf(row: Pick<JobRow, "run_at" | "delay_ms">, after: JobRecord) {
  return changedColumns(row, after) as ReturnType<typeof changedColumns> &
    Pick<JobRow, "owner" | "claimed_at" | "ended_at">;
}

function attemptOf(row: JobRow, closed: AttemptClosed): DraftedAttempt {
  const { replaced } = closed;
  return {
    job: row.number,
    attempt: closed.attempt,
    owner: replaced === undefined ? row.owner : replaced.owner,
    claimed_at: replaced === undefined ? row.claimed_at : replaced.claimedAt,
    started_json: replaced === undefined ? row.started_json : jsonOf(replaced.started),
    ended_at: closed.endedAt,
    result_json: jsonOf(closed.result),
    decision: closed.decision,
  };
}

/** What lists search: why it ended, and the error class of its result. */
export function endFacts({ state, result }: JobRecord): {
  end_code: string | null;
  error_class: string | null;
} {
  const isEnded = isTerminal(state);
  return {
    end_code: isEnded ? (reasonOfState(state)?.code ?? null) : null,
    error_class: isEnded ? (result?.errorClass ?? null) : null,
  };
}
