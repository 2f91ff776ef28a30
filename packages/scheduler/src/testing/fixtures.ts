/** Plain jobs, results and shorthands for the conformance suite and for tests of this package. Nothing here is random. */
import {
  jobSchema,
  unknownUsage,
  type Job,
  type JobInput,
  type PermitRecord,
  type RunIdentity,
  type WorkerResult,
} from "@agentcore/contract";
import { createRankPolicy } from "../claim-order.ts";
import type { JobRecord, Reason } from "../job-record.ts";
import { attemptRef } from "../job-record.ts";
import type { Journal } from "../journal.ts";
import { excludeNothing } from "../job-store.ts";
import type {
  ClaimRequest,
  DecideDedup,
  JobStore,
  OwnerRegistration,
  Settlement,
  Submission,
} from "../job-store.ts";

/** What a suite needs from the store under test. */
export interface StoreHarness {
  /** A new, empty store. The suite closes it. */
  open(): Promise<JobStore>;
  /** A journal that a store of this harness holds. */
  journalOf(store: JobStore): Journal;
}

/** A harness whose store can be shared by several connections, as by several processes. */
export interface SharedStoreHarness extends StoreHarness {
  /** Another connection to the data of a store that `open` made. The suite closes it. */
  connect(to: JobStore): Promise<JobStore>;
}

export interface ConformanceCase<H extends StoreHarness = StoreHarness> {
  /** A sentence about the store. */
  readonly name: string;
  /** Rejects if the store does not conform. */
  readonly run: (harness: H) => Promise<void>;
}

/** A case that runs on one new store and closes it afterwards. */
export function storeCase(
  name: string,
  run: (store: JobStore, journal: Journal) => Promise<void>,
): ConformanceCase {
  return {
    name,
    async run(harness) {
      const store = await harness.open();
      try {
        await run(store, harness.journalOf(store));
      } finally {
        await store.close();
      }
    },
  };
}

/** A case on two connections to one new store. */
export function sharedCase(
  name: string,
  run: (one: JobStore, other: JobStore, journal: Journal) => Promise<void>,
): ConformanceCase<SharedStoreHarness> {
  return {
    name,
    async run(harness) {
      const one = await harness.open();
      const other = await harness.connect(one);
      try {
        await run(one, other, harness.journalOf(one));
      } finally {
        await other.close();
        await one.close();
      }
    },
  };
}

/** Start of the suite's time. */
export const startAt = 1_700_000_000_000;

let jobNumber = 0;

/** A job in a separate workspace; only tests that name one share it. Ids ascend. */
export function testJob(overrides: Partial<JobInput> = {}): Job {
  jobNumber += 1;
  const id = `job-${String(jobNumber).padStart(8, "0")}`;
  return jobSchema.parse({ id, task: testTask(`/projects/${id}`), ...overrides });
}

export function testTask(workspace: string, worker = "shell"): JobInput["task"] {
  return { worker, workspace, instructions: "true" };
}

const rank = createRankPolicy();

export function testSubmission(job: Job, overrides: Partial<Submission> = {}): Submission {
  const submittedAt = overrides.submittedAt ?? startAt;
  const readyFrom = overrides.readyFrom ?? submittedAt;
  return {
    job,
    submittedAt,
    runAt: readyFrom,
    delayMs: 0,
    rank: rank(job, readyFrom),
    readyFrom,
    concurrencyKey: job.task.workspace,
    rememberAlias: true,
    ...overrides,
  };
}

/** Follows the job's own `dedup`. */
export const byJobDedup: DecideDedup = (incoming) =>
  incoming.dedup === "latest-wins" ? "replace" : incoming.dedup;

export async function submitJobs(store: JobStore, ...jobs: Job[]): Promise<JobRecord[]> {
  const results = await store.submit(
    jobs.map((job) => testSubmission(job)),
    byJobDedup,
  );
  return results.map((result) => (result.kind === "rejected" ? result.holder : result.record));
}

export function testOwner(owner: string): OwnerRegistration {
  const process = { host: "test", bootId: "boot", pid: 1, startTicks: 1 };
  return { owner, process, leaseMs: 10_000, at: startAt };
}

export function claimRequest(
  owner: string,
  limit: number,
  overrides: Partial<ClaimRequest> = {},
): ClaimRequest {
  return { owner, now: startAt, limit, perKey: 1, exclude: excludeNothing, ...overrides };
}

/** Registers the owner and claims for it. */
export async function claimAs(
  store: JobStore,
  owner: string,
  limit: number,
  overrides: Partial<ClaimRequest> = {},
): Promise<readonly JobRecord[]> {
  const known = await store.owners();
  if (!known.some((record) => record.owner === owner)) await store.registerOwner(testOwner(owner));
  return store.claim(claimRequest(owner, limit, overrides));
}

export function idsOf(records: readonly JobRecord[]): string[] {
  return records.map((record) => record.job.id);
}

export function testResult(overrides: Partial<WorkerResult> = {}): WorkerResult {
  return {
    outcome: "succeeded",
    errorClass: null,
    code: null,
    retryAfterMs: null,
    summary: "done",
    artifacts: [],
    observations: { commands: [], filesChanged: [] },
    usage: unknownUsage,
    costUsd: null,
    costBasis: "none",
    session: null,
    exitCode: 0,
    containment: null,
    startedAt: startAt,
    durationMs: 1,
    ...overrides,
  };
}

export const testFailure = testResult({
  outcome: "failed",
  errorClass: "task_failed",
  code: "AC_WORKER_EXIT",
  summary: "exit code 1",
  exitCode: 1,
});

export const testReason: Reason = {
  code: "AC_WORKER_EXIT",
  message: "exit code 1",
  evidence: { exitCode: 1 },
};

const charge = { costUsd: 0, tokens: 0 };
const at = startAt + 1;

export const succeed = (record: JobRecord): Settlement => ({
  ref: attemptRef(record),
  at,
  kind: "succeeded",
  result: testResult(),
  charge,
});

export const retry = (record: JobRecord, runAt = at): Settlement => ({
  ref: attemptRef(record),
  at,
  kind: "retry",
  result: testFailure,
  charge,
  runAt,
  delayMs: Math.max(0, runAt - at),
  reason: testReason,
});

export const die = (record: JobRecord): Settlement => ({
  ref: attemptRef(record),
  at,
  kind: "dead",
  result: testFailure,
  charge,
  reason: testReason,
});

export const defer = (record: JobRecord, runAt = at): Settlement => ({
  ref: attemptRef(record),
  at,
  kind: "defer",
  runAt,
  delayMs: Math.max(0, runAt - at),
  reason: { code: "AC_CONCURRENCY", message: "10 runs in progress", evidence: { limit: 10 } },
});

export const endCancelled = (record: JobRecord): Settlement => ({
  ref: attemptRef(record),
  at,
  kind: "cancelled",
  result: testResult({ outcome: "cancelled", errorClass: "cancelled", code: "AC_CANCELLED" }),
  charge,
  reason: cancelReason,
});

export const cancelReason: Reason = { code: "AC_CANCELLED", message: "asked for by a test", evidence: {} };

/** Settles one attempt and returns the job afterwards. */
export async function settleOne(store: JobStore, settlement: Settlement): Promise<JobRecord | undefined> {
  const { settled } = await store.settleAndClaim([settlement]);
  return settled[0]?.record;
}

/** Submits one job, claims it for `owner`, and returns the running record. */
export async function runningJob(store: JobStore, owner: string, job = testJob()): Promise<JobRecord> {
  await submitJobs(store, job);
  const [record] = await claimAs(store, owner, 1);
  if (record === undefined) throw new TypeError("the store did not give out the only job it has");
  return record;
}

export const testIdentity: RunIdentity = {
  marker: "run-1",
  implementation: "bubblewrap",
  hostPid: 4711,
  hostPidStartTicks: 99,
  pidNamespace: "pid:[4026531836]",
  cgroupPath: "/sys/fs/cgroup/agentcore/run-1",
  bootId: "boot",
};

export function testPermit(record: JobRecord): PermitRecord {
  return {
    id: `permit-${record.job.id}-${record.attempt}`,
    jobId: record.job.id,
    attempt: record.attempt,
    worker: record.job.task.worker,
    provider: null,
    workspace: record.job.task.workspace,
    issuedAt: startAt,
    deadline: startAt + 1000,
    grants: { capabilities: ["read"], maxCostUsd: 1, maxTokens: null, model: null, timeoutMs: 1000 },
    degraded: [],
    budgets: [{ scope: "global", kind: "concurrency", limit: 10, held: 1, spent: 0 }],
    breakers: [{ target: "worker:shell", state: "closed", probeAt: null }],
  };
}
