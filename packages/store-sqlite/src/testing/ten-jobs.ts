/**
 * A scenario of ten jobs that uses every write of the job store, the ledger and the journal of calls, for crash and failure tests. What was
 * acknowledged is noted as a fact the moment its promise settles; `factFlaws` later compares the facts with a database, and
 * `finishJobs` brings whatever a crash left to its end, as a restarted scheduler would.
 */
import {
  type CallOutcome,
  type JobInput,
  type ProviderCall,
  type WorkerResult,
  jobSchema,
  unknownUsage,
} from "@agentcore/contract";
import type { CallJournal, HoldEntry, Ledger } from "@agentcore/core";
import { endedCall, openCall } from "@agentcore/core/testing";
import {
  type ClaimRequest,
  type DecideDedup,
  type JobRecord,
  type JobStore,
  type Reason,
  type Settlement,
  type Submission,
  attemptRef,
  excludeNothing,
} from "@agentcore/scheduler";

export interface Stores {
  readonly jobs: JobStore;
  readonly ledger: Ledger;
  /** Absent: the attempts make no calls. */
  readonly calls?: CallJournal;
}

export type Fact =
  | { readonly type: "submitted"; readonly id: string }
  | { readonly type: "claimed"; readonly id: string; readonly epoch: number }
  | { readonly type: "settled"; readonly id: string; readonly epoch: number; readonly state: string }
  | { readonly type: "held"; readonly holdId: string }
  | { readonly type: "spent"; readonly holdId: string }
  | { readonly type: "called"; readonly id: string; readonly holdId: string; readonly outcome: CallOutcome }
  /** From now on the job may be gone. */
  | { readonly type: "deleting"; readonly id: string }
  | { readonly type: "deleted"; readonly id: string };

const startAt = 1_700_000_000_000;
const owner = "owner-1";
const reason: Reason = { code: "AC_WORKER_EXIT", message: "exit code 1", evidence: { exitCode: 1 } };
const charge = { costUsd: 0.25, tokens: 10 };

const byJobDedup: DecideDedup = (incoming) => (incoming.dedup === "latest-wins" ? "replace" : incoming.dedup);

/** Runs the scenario until it is complete or a call rejects. */
export async function runTenJobs({ jobs, ledger, calls }: Stores, note: (fact: Fact) => void): Promise<void> {
  await registerOwner(jobs, owner);
  const submit = async (...submissions: Submission[]): Promise<void> => {
    await jobs.submit(submissions, byJobDedup);
    for (const { job } of submissions) note({ type: "submitted", id: job.id });
  };
  await submit(submissionOf(1), submissionOf(2), submissionOf(3));
  await Promise.all([
    submit(submissionOf(4, { key: "k" })),
    submit(submissionOf(5, { key: "k" })),
    submit(submissionOf(6, { task: sharedTask })),
  ]);
  await submit(submissionOf(7, { key: "k", dedup: "latest-wins", task: sharedTask }));
  await submit(submissionOf(8, { task: sharedTask }), submissionOf(9, {}, 500));
  const write = { stream: "ten", after: 0, entries: [journaledId], header: {} };
  await jobs.appendAndSubmit(write, [submissionOf(10)], byJobDedup);
  note({ type: "submitted", id: journaledId });
  await jobs.heartbeat(owner);

  const held = async (record: JobRecord): Promise<void> => {
    const entry = holdOf(record);
    await ledger.hold(entry);
    note({ type: "held", holdId: entry.holdId });
    await calls?.begin(callOf(record));
    noteCall(record, "open");
  };
  const noteCall = (record: JobRecord, outcome: CallOutcome): void => {
    if (calls !== undefined)
      note({ type: "called", id: record.job.id, holdId: holdOf(record).holdId, outcome });
  };
  const answer = async (record: JobRecord): Promise<void> => {
    await calls?.end(endedCall(callOf(record)));
    noteCall(record, "completed");
  };
  const settle = async (
    settlement: Settlement,
    state: string,
    claim?: ClaimRequest,
  ): Promise<readonly JobRecord[]> => {
    const { ref } = settlement;
    const answer = await jobs.settleAndClaim([settlement], claim);
    note({ type: "settled", id: ref.jobId, epoch: ref.epoch, state });
    for (const record of answer.claimed) noteClaim(record);
    return answer.claimed;
  };
  const noteClaim = (record: JobRecord): void =>
    note({ type: "claimed", id: record.job.id, epoch: record.epoch });

  const claimed = await jobs.claim(claimOf(4));
  claimed.forEach(noteClaim);
  const [first, second, third, fourth] = claimed as [JobRecord, JobRecord, JobRecord, JobRecord];
  await Promise.all(claimed.map(held));
  await jobs.recordStarted(attemptRef(first), startedOf(first));
  await Promise.all([answer(first), answer(third)]);
  await jobs.requestCancel(second.job.id, { ...reason, code: "AC_CANCELLED" }, startAt);
  await settle({ ...base(first), kind: "succeeded", result: resultOf("succeeded"), charge }, "succeeded");
  await spend(ledger, first, note);
  const [next] = await settle(
    { ...base(third), kind: "retry", result: resultOf("failed"), charge, runAt: startAt, delayMs: 0, reason },
    "queued",
    claimOf(1),
  );
  await Promise.all([
    settle({ ...base(second), kind: "cancelled", result: null, charge, reason }, "cancelled"),
    settle({ ...base(fourth), kind: "dead", result: resultOf("failed"), charge, reason }, "dead"),
    spend(ledger, second, note),
  ]);
  if (next !== undefined) {
    const deferral = { ...base(next), kind: "defer", runAt: startAt + 5, delayMs: 5, reason } as const;
    await settle({ ...deferral, decisions: [decisionOf(next)] }, "queued");
  }
  await jobs.recordDecisions([decisionOf(third), decisionOf(third)]);
  await jobs.replay(fourth.job.id, submissionOf(11));
  note({ type: "submitted", id: idOf(11) });
  // The first job to end was the one that lost its key; its coalesced id is deleted with it.
  note({ type: "deleting", id: idOf(4) });
  note({ type: "deleting", id: idOf(5) });
  await jobs.deleteEnded({ endedBefore: startAt + 1000, limit: 1 });
  note({ type: "deleted", id: idOf(4) });
  note({ type: "deleted", id: idOf(5) });
}

/** Takes over from every owner, ends running attempts as lost, runs the rest, and settles open holds. */
export async function finishJobs({ jobs, ledger }: Stores, finisher = "owner-finisher"): Promise<void> {
  await registerOwner(jobs, finisher);
  for (const { owner: from, beat } of await jobs.owners()) {
    if (from === finisher) continue;
    const moved = await jobs.takeOver({ from, to: finisher, beat, at: startAt });
    const wait = { runAt: startAt, delayMs: 0, reason: { ...reason, code: "AC_RUNTIME_LOST" } };
    await jobs.settleAndClaim(
      moved.map((record) => ({ ...base(record), kind: "retry", result: resultOf("lost"), charge, ...wait })),
    );
  }
  for (;;) {
    const request = { ...claimOf(3), owner: finisher, now: startAt + 10_000 };
    const claimed = await jobs.claim(request);
    if (claimed.length === 0) break;
    await jobs.settleAndClaim(
      claimed.map((record) => ({
        ...base(record),
        kind: "succeeded",
        result: resultOf("succeeded"),
        charge,
      })),
    );
  }
  for (const { holdId, costMicroUsd } of await ledger.openHolds()) {
    await ledger.settle(holdId, { costMicroUsd, tokens: 10, basis: "estimated", settledAt: startAt });
  }
}

/** Facts that the database contradicts. `finished`: after `finishJobs`, when every job must have ended. */
export async function factFlaws(
  { jobs, ledger, calls }: Stores,
  facts: readonly Fact[],
  finished: boolean,
): Promise<readonly string[]> {
  const flaws: string[] = [];
  const deleted = new Set(facts.flatMap((fact) => (fact.type === "deleting" ? [fact.id] : [])));
  const openHolds = new Set((await ledger.openHolds()).map(({ holdId }) => holdId));
  for (const fact of facts) {
    const record = "id" in fact ? await jobs.get(fact.id) : undefined;
    const call = fact.type === "called" ? (await calls?.calls(fact.holdId))?.[0] : undefined;
    const isHeld = "holdId" in fact && openHolds.has(fact.holdId);
    const contradiction = contradicts(fact, record, {
      isHeld,
      finished,
      call,
      isDeleted: "id" in fact && deleted.has(fact.id),
    });
    if (contradiction) flaws.push(`${JSON.stringify(fact)} is not so: ${JSON.stringify(record?.state)}`);
  }
  return flaws;
}

interface Seen {
  readonly isHeld: boolean;
  readonly isDeleted: boolean;
  readonly finished: boolean;
  readonly call: ProviderCall | undefined;
}

function contradicts(
  fact: Fact,
  record: JobRecord | undefined,
  { isHeld, isDeleted, finished, call }: Seen,
): boolean {
  switch (fact.type) {
    case "deleting":
      return false;
    case "deleted":
      return record !== undefined;
    case "submitted":
      if (isDeleted) return false;
      return record === undefined || (finished && !isEnded(record));
    case "claimed":
      return !isDeleted && (record === undefined || record.epoch < fact.epoch);
    case "settled":
      if (isDeleted || record === undefined) return !isDeleted;
      return record.epoch === fact.epoch && record.state.kind !== fact.state;
    case "called":
      // An open call may have ended since, but not the reverse.
      return call === undefined ? !isDeleted : fact.outcome === "completed" && call.outcome === "open";
    case "held":
      return finished && isHeld;
    case "spent":
      return isHeld;
  }
}

function isEnded({ state }: JobRecord): boolean {
  return state.kind !== "queued" && state.kind !== "running";
}

async function spend(ledger: Ledger, record: JobRecord, note: (fact: Fact) => void): Promise<void> {
  const { holdId } = holdOf(record);
  await ledger.settle(holdId, { costMicroUsd: 250_000, tokens: 10, basis: "reported", settledAt: startAt });
  note({ type: "spent", holdId });
}

async function registerOwner(jobs: JobStore, name: string): Promise<void> {
  const process = { host: "test", bootId: "boot", pid: 1, startTicks: 1 };
  await jobs.registerOwner({ owner: name, process, leaseMs: 10_000, at: startAt });
}

const sharedTask: JobInput["task"] = { worker: "shell", workspace: "/projects/shared", instructions: "true" };
const idOf = (number: number): string => `job-${String(number).padStart(4, "0")}`;

/** The job that is submitted together with the only entry of the journal. */
export const journaledId = idOf(10);

function submissionOf(number: number, input: Partial<JobInput> = {}, delayMs = 0): Submission {
  const task = { worker: "shell", workspace: `/projects/${number}`, instructions: "true" };
  const job = jobSchema.parse({ id: idOf(number), task, ...input });
  const runAt = startAt + delayMs;
  return {
    job,
    submittedAt: startAt,
    runAt,
    delayMs,
    rank: runAt + number,
    readyFrom: runAt,
    concurrencyKey: job.task.workspace,
    rememberAlias: true,
  };
}

function claimOf(limit: number): ClaimRequest {
  return { owner, now: startAt + 1, limit, perKey: 1, exclude: excludeNothing };
}

function base(record: JobRecord) {
  return { ref: attemptRef(record), at: startAt + 2 };
}

function decisionOf(record: JobRecord) {
  return { ...reason, jobId: record.job.id, at: startAt, attempt: record.attempt, type: "retry" } as const;
}

export function holdOf({ job, attempt, epoch }: JobRecord): HoldEntry {
  const counter = {
    window: "total",
    windowStart: 0,
    costCapMicroUsd: 1_000_000_000_000,
    tokensCap: null,
  } as const;
  return {
    holdId: `hold-${job.id}-${epoch}`,
    jobId: job.id,
    attempt,
    worker: "shell",
    owner: { pid: 1, startTicks: 1, bootId: "boot" },
    heldAt: startAt,
    costMicroUsd: 1_000_000,
    tokens: 100,
    counters: [
      { scope: "global", ...counter },
      { scope: `job:${job.id}`, ...counter },
    ],
  };
}

function callOf(record: JobRecord): ProviderCall {
  const { holdId: permitId, jobId, attempt } = holdOf(record);
  return openCall({ permitId, jobId, attempt });
}

function startedOf(record: JobRecord) {
  const { id, task } = record.job;
  return {
    at: startAt,
    identity: {
      marker: `run-${id}`,
      implementation: "test",
      hostPid: 1,
      hostPidStartTicks: 1,
      pidNamespace: null,
      cgroupPath: null,
      bootId: null,
    },
    permit: {
      id: `permit-${id}`,
      jobId: id,
      attempt: record.attempt,
      worker: task.worker,
      provider: null,
      workspace: task.workspace,
      issuedAt: startAt,
      deadline: startAt + 1000,
      grants: { capabilities: [], maxCostUsd: null, maxTokens: null, model: null, timeoutMs: 1000 },
      degraded: [],
      budgets: [],
      breakers: [],
    },
  };
}

export function resultOf(outcome: WorkerResult["outcome"]): WorkerResult {
  return {
    outcome,
    errorClass: outcome === "succeeded" ? null : outcome === "lost" ? "lost" : "task_failed",
    code: null,
    retryAfterMs: null,
    summary: outcome,
    artifacts: [],
    observations: { commands: [], filesChanged: [] },
    usage: unknownUsage,
    costUsd: 0.25,
    costBasis: "reported",
    session: null,
    exitCode: 0,
    containment: null,
    startedAt: startAt,
    durationMs: 1,
  };
}
