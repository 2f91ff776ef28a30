/**
 * Validates a submitted job as far as no store is needed. The input may be anything, so its size and depth are limited
 * first.
 */
import { AgentCoreError, jobPayloadBytesMax, jobSchema, type Ids, type Job } from "@agentcore/contract";
import type { Submission } from "../job-store.ts";
import { payloadSize } from "./payload-size.ts";
import type { SchedulerPolicies } from "./policies.ts";

export interface SubmissionOptions {
  readonly ids: Ids;
  readonly policies: SchedulerPolicies;
  readonly now: number;
  /** Names of the known workers; undefined: any name is accepted. */
  readonly workers?: readonly string[] | undefined;
}

/** More than the size of the job fields that a submission may omit. */
const defaultsBytesMax = 4096;

/**
 * Limits the size and depth of an arbitrary value, so that it may be parsed and serialized afterwards. Returns the most that it
 * can take. Throws `AC_JOB_INVALID` for a cycle or depth, `AC_JOB_TOO_LARGE` if it is certainly too large.
 */
export function checkPayload(input: unknown): { readonly bytesMax: number } {
  const { bytesMin, bytesMax } = payloadSize(input, jobPayloadBytesMax);
  if (bytesMin > jobPayloadBytesMax) throw tooLarge(`more than ${jobPayloadBytesMax}`, bytesMin);
  refuseUnusable(input, []);
  return { bytesMax };
}

/**
 * Refuses NUL, which no path, argument or environment variable can contain: each attempt would fail. Refuses the name
 * `__proto__`, whose value would be lost.
 */
function refuseUnusable(value: unknown, path: readonly string[]): void {
  if (typeof value === "string" && value.includes("\0")) {
    const message = `${path.join(".") || "the job"}: has a NUL character at position ${value.indexOf("\0")}`;
    throw new AgentCoreError("AC_JOB_INVALID", message);
  }
  if (typeof value !== "object" || value === null) return;
  for (const [name, part] of Object.entries(value)) {
    if (name === "__proto__") {
      const where = path.join(".") || "the job";
      throw new AgentCoreError(
        "AC_JOB_INVALID",
        `${where}: the name "${name}" cannot be used; write another one`,
      );
    }
    refuseUnusable(name, [...path, "a name"]);
    refuseUnusable(part, [...path, name]);
  }
}

/** Throws `AC_JOB_INVALID`, `AC_JOB_TOO_LARGE` or `AC_WORKER_UNKNOWN`. */
export function toSubmission(input: unknown, options: SubmissionOptions): Submission {
  const { bytesMax } = checkPayload(input);
  const isRecord = typeof input === "object" && input !== null;
  const choosesId = isRecord && "id" in input && input.id !== undefined;
  const job = parseJob(isRecord && !choosesId ? { ...input, id: options.ids.next() } : input);
  if (bytesMax + defaultsBytesMax > jobPayloadBytesMax) checkSize(job);
  if (options.workers !== undefined && !options.workers.includes(job.task.worker)) {
    const known = [...options.workers];
    throw new AgentCoreError(
      "AC_WORKER_UNKNOWN",
      `no worker is named "${job.task.worker}"; there are ${known.join(", ")}`,
      {
        evidence: { worker: job.task.worker, known },
      },
    );
  }
  return { ...timesOf(job, options.now), ...placeOf(job, options), job, rememberAlias: choosesId };
}

function timesOf(job: Job, now: number): Pick<Submission, "submittedAt" | "runAt" | "delayMs"> {
  const isLater = job.notBefore !== undefined && job.notBefore > now;
  return isLater
    ? { submittedAt: now, runAt: job.notBefore ?? now, delayMs: null }
    : { submittedAt: now, runAt: now, delayMs: 0 };
}

function placeOf(
  job: Job,
  { policies, now }: SubmissionOptions,
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
  if (bytes > jobPayloadBytesMax) throw tooLarge(String(bytes), bytes);
}

function tooLarge(howMuch: string, bytes: number): AgentCoreError {
  const message = `the job is ${howMuch} bytes; at most ${jobPayloadBytesMax} are taken`;
  return new AgentCoreError("AC_JOB_TOO_LARGE", message, { evidence: { bytes, limit: jobPayloadBytesMax } });
}
