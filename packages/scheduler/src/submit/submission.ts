/**
 * From what a caller hands in to what the store takes: the checks that need no store. Input may be anything at all, so
 * its size and depth are bounded before it is looked at more closely.
 */
import { AgentCoreError, jobPayloadBytesMax, jobSchema, type Ids, type Job } from "@agentcore/contract";
import type { Submission } from "../job-store.ts";
import type { SchedulerPolicies } from "./policies.ts";

export interface SubmissionPorts {
  readonly ids: Ids;
  readonly policies: SchedulerPolicies;
  readonly now: number;
  /** Names of the workers that there are; absent: any name is taken. */
  readonly workers?: readonly string[] | undefined;
}

const depthMax = 32;

/** Throws `AC_JOB_INVALID`, `AC_JOB_TOO_LARGE` or `AC_WORKER_UNKNOWN`. */
export function toSubmission(input: unknown, ports: SubmissionPorts): Submission {
  checkShape(input, depthMax, new Set());
  const isRecord = typeof input === "object" && input !== null;
  const choosesId = isRecord && "id" in input && input.id !== undefined;
  const job = parseJob(isRecord && !choosesId ? { ...input, id: ports.ids.next() } : input);
  checkSize(job);
  if (ports.workers !== undefined && !ports.workers.includes(job.task.worker)) {
    const known = [...ports.workers];
    throw new AgentCoreError(
      "AC_WORKER_UNKNOWN",
      `no worker is named "${job.task.worker}"; there are ${known.join(", ")}`,
      {
        evidence: { worker: job.task.worker, known },
      },
    );
  }
  return { ...timesOf(job, ports.now), ...placeOf(job, ports), job, rememberAlias: choosesId };
}

function timesOf(job: Job, now: number): Pick<Submission, "submittedAt" | "runAt" | "delayMs"> {
  const isLater = job.notBefore !== undefined && job.notBefore > now;
  return isLater
    ? { submittedAt: now, runAt: job.notBefore ?? now, delayMs: null }
    : { submittedAt: now, runAt: now, delayMs: 0 };
}

function placeOf(
  job: Job,
  { policies, now }: SubmissionPorts,
): Pick<Submission, "rank" | "readyFrom" | "concurrencyKey"> {
  const readyFrom = Math.max(now, job.notBefore ?? now);
  const rank = policies.rank(job, readyFrom);
  if (!Number.isFinite(rank)) {
    throw new AgentCoreError(
      "AC_JOB_INVALID",
      `the rank policy answered ${rank} for job ${job.id}; it must be a number`,
    );
  }
  return { rank, readyFrom, concurrencyKey: policies.concurrencyKey(job) };
}

function parseJob(input: unknown): Job {
  const parsed = jobSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue === undefined || issue.path.length === 0 ? "job" : issue.path.join(".");
  throw new AgentCoreError("AC_JOB_INVALID", `${path}: ${issue?.message ?? "invalid"}`, {
    evidence: {
      issues: parsed.error.issues.slice(0, 20).map(({ path, message }) => `${path.join(".")}: ${message}`),
    },
    cause: parsed.error,
  });
}

function checkSize(job: Job): void {
  const bytes = Buffer.byteLength(JSON.stringify(job));
  if (bytes <= jobPayloadBytesMax) return;
  throw new AgentCoreError(
    "AC_JOB_TOO_LARGE",
    `the job is ${bytes} bytes; at most ${jobPayloadBytesMax} are taken`,
    {
      evidence: { bytes, limit: jobPayloadBytesMax },
    },
  );
}

/** Refuses cycles and depth, which would end a parser in a stack overflow. */
function checkShape(value: unknown, depthLeft: number, above: Set<object>): void {
  if (typeof value !== "object" || value === null) return;
  if (depthLeft === 0)
    throw new AgentCoreError("AC_JOB_INVALID", `the job is nested deeper than ${depthMax} levels`);
  if (above.has(value)) throw new AgentCoreError("AC_JOB_INVALID", "the job contains itself");
  above.add(value);
  for (const part of Object.values(value)) checkShape(part, depthLeft - 1, above);
  above.delete(value);
}
