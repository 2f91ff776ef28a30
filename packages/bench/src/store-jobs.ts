/** The jobs of the store's benchmark, and how it claims and ends them. */
import { type Job, jobSchema } from "@agentcore/contract";
import {
  type ClaimRequest,
  type DecideDedup,
  type JobRecord,
  type JobStore,
  type Settlement,
  type Submission,
  attemptRef,
  createRankPolicy,
  excludeNothing,
} from "@agentcore/scheduler";
import { resultOfNothing } from "./result-of-nothing.ts";

const startAt = Date.now();
const rank = createRankPolicy();
export const coalesce: DecideDedup = () => "coalesce";
export const owner = {
  owner: "bench",
  process: { host: "bench", bootId: null, pid: process.pid, startTicks: null },
  leaseMs: 60_000,
  at: startAt,
};
const instructions = "x".repeat(220);
/** Jobs take turns in these; one runs in each at a time. */
const workspaces = 1000;

/** `workspace`: default one of many. */
export function submissionOf(index: number, workspace = `/projects/${index % workspaces}`): Submission {
  const id = `job-${String(index).padStart(12, "0")}`;
  const job: Job = jobSchema.parse({
    id,
    priority: { value: index % 10 },
    task: { worker: "shell", workspace, instructions },
    limits: { maxAttempts: 3 },
  });
  return {
    job,
    submittedAt: startAt,
    runAt: startAt,
    delayMs: 0,
    rank: rank(job, startAt + index),
    readyFrom: startAt,
    concurrencyKey: job.task.workspace,
    rememberAlias: false,
  };
}

export function claimOf(limit: number, by = owner.owner): ClaimRequest {
  return { owner: by, now: Date.now(), limit, perKey: 1, exclude: excludeNothing };
}

export function succeed(record: JobRecord): Settlement {
  return {
    ref: attemptRef(record),
    at: startAt,
    kind: "succeeded",
    result: resultOfNothing,
    charge: { costUsd: 0, tokens: 0 },
  };
}

/** The jobs `from` up to `to`, a thousand a call. */
export async function submitBulk(
  store: JobStore,
  from: number,
  to: number,
  workspace?: string,
): Promise<void> {
  for (let at = from; at < to; at += 1000) {
    const count = Math.min(1000, to - at);
    await store.submit(
      Array.from({ length: count }, (_, index) => submissionOf(at + index, workspace)),
      coalesce,
    );
  }
}
