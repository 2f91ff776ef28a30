/**
 * What was submitted of the jobs that this store claimed lately, so that their end need not read and parse it again. It is
 * used only for a row in `running` with the owner and epoch of that claim: every claim of an owner goes through its store
 * and is remembered here, so such a row is of the same job. Anything else is read from the database.
 */
import type { Job } from "@agentcore/contract";
import type { JobRecord } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { type JobRow, type StoredJob, type SubmittedRow, pickSubmitted, runningStateOf } from "./job-row.ts";

/** Far more than run at once; the oldest is forgotten first. */
const rememberedMax = 4096;

export interface ClaimedJobs {
  remember(row: SubmittedRow, record: JobRecord): void;
  /** The running job; undefined where it is not known well enough. */
  find(sql: Sql, id: string): StoredJob | undefined;
}

interface Claimed {
  readonly submitted: SubmittedRow;
  readonly job: Job;
  readonly owner: string;
  readonly epoch: number;
}

export function createClaimedJobs(): ClaimedJobs {
  const claims = new Map<string, Claimed>();
  return {
    remember(row, { job, state, epoch }) {
      if (state.kind !== "running") return;
      claims.set(row.id, { submitted: pickSubmitted(row), job, owner: state.owner, epoch });
      if (claims.size > rememberedMax) claims.delete(claims.keys().next().value ?? "");
    },
    find(sql, id) {
      const claim = claims.get(id);
      if (claim === undefined) return undefined;
      const { submitted, job } = claim;
      const running = sql.get(selectRunning, submitted.seq) as RunningRow | undefined;
      if (running?.owner !== claim.owner || running.epoch !== claim.epoch) {
        claims.delete(id);
        return undefined;
      }
      return storedJob(submitted, job, running);
    },
  };
}

type RunningRow = Pick<
  JobRow,
  | "attempt"
  | "epoch"
  | "cost_usd"
  | "tokens"
  | "owner"
  | "claimed_at"
  | "started_json"
  | "cancel_requested_json"
>;

const selectRunning = `
  SELECT attempt, epoch, cost_usd, tokens, owner, claimed_at, started_json, cancel_requested_json
  FROM running WHERE job = ?`;

function storedJob(submitted: SubmittedRow, job: Job, running: RunningRow): StoredJob {
  const { attempt, epoch, cost_usd: costUsd, tokens, started_json } = running;
  return {
    row: { ...submitted, place: "running", state: "running", attempt, epoch, started_json },
    record: {
      job,
      state: runningStateOf(running),
      submittedAt: submitted.submitted_at,
      attempt,
      epoch,
      spent: { costUsd, tokens },
      rank: submitted.rank,
      readyFrom: submitted.ready_from,
      concurrencyKey: submitted.concurrency_key,
      result: null,
    },
  };
}
