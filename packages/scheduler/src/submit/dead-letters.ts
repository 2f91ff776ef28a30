/**
 * Dead letters: jobs that failed for good. They stay, with the evidence of every attempt, until they are replayed or
 * purged. A replay is a new job with its own attempts. The dead letter records it, so repeated requests create only one
 * replay, and a replay that was interrupted by a crash can be repeated.
 */
import {
  AgentCoreError,
  omitUndefined,
  type Clock,
  type Ids,
  type Job,
  type JobInput,
} from "@agentcore/contract";
import type { JobRecord } from "../job-record.ts";
import type { JobPage, JobQuery } from "../job-query.ts";
import type { JobStore } from "../job-store.ts";
import { runOfPiece } from "../piece.ts";
import type { SchedulerPolicies } from "./policies.ts";
import { keyHeld } from "./refusals.ts";
import { toSubmission } from "./submission.ts";

export type DeadLetterQuery = Omit<JobQuery, "states" | "notReplayed">;

/** Changes the job before it is submitted again. */
export type EditJob = (job: Job) => JobInput;

export interface Replayed {
  readonly deadJobId: string;
  readonly jobId: string;
  /** False if it had been replayed before: `jobId` is then the job of the first replay. */
  readonly isNew: boolean;
}

export interface DeadLettersOptions {
  readonly store: JobStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly policies: SchedulerPolicies;
  readonly workers?: readonly string[] | undefined;
  /** There are jobs to run. */
  readonly onReplayed: () => void;
  /** Throws if the scheduler was closed. */
  readonly requireOpen: () => void;
}

/** Jobs in one commit: enough to share its cost, few enough to show progress. */
const batchJobs = 500;

const onlyDeadLetters = { states: ["dead"], notReplayed: true, notPieces: true } as const;

export class DeadLetters {
  readonly #options: DeadLettersOptions;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /** Those not replayed yet, newest first. Does not include pieces of workflow runs: their run handles them. */
  async list(query: DeadLetterQuery = {}): Promise<JobPage> {
    this.#options.requireOpen();
    return this.#options.store.list({ ...query, ...onlyDeadLetters });
  }

  /** How many `list` would list on all pages. */
  async count(query: DeadLetterQuery = {}): Promise<number> {
    this.#options.requireOpen();
    return this.#options.store.count({ ...query, ...onlyDeadLetters });
  }

  /**
   * Throws `AC_JOB_NOT_FOUND` for a job that is not dead, `AC_JOB_IN_RUN` for a piece of a workflow run, `AC_KEY_HELD`, and
   * what `submit` throws for a bad edit.
   */
  async replay(deadJobId: string, edit: EditJob = (job) => job): Promise<Replayed> {
    const { store, onReplayed, requireOpen } = this.#options;
    requireOpen();
    const dead = await store.get(deadJobId);
    if (dead?.state.kind !== "dead") throw notDead(deadJobId);
    const run = runOfPiece(dead.job);
    if (run !== null) throw inRun(dead.job.id, run);
    const answer = await store.replay(dead.job.id, this.#submissionOf(dead, edit));
    switch (answer.kind) {
      case "accepted":
        onReplayed();
        return { deadJobId: dead.job.id, jobId: answer.record.job.id, isNew: true };
      case "already":
        return { deadJobId: dead.job.id, jobId: answer.record.job.id, isNew: false };
      case "held":
        throw keyHeld(answer.holder);
      case "not_dead":
        throw notDead(deadJobId);
    }
  }

  /**
   * Replays all matching dead letters, in batches that share a commit. One that cannot be replayed is reported and does not stop
   * the others. Calls `onBatch` with each batch once it is stored, and with the stored part of a batch that the store refused.
   */
  async replayAll(
    query: DeadLetterQuery = {},
    edit?: EditJob,
    onBatch: (batch: ReplayedBatch) => void = () => {},
  ): Promise<ReplayedBatch> {
    const all: ReplayedBatch[] = [];
    for (let before = query.before; ;) {
      const page = await this.list({ limit: batchJobs, ...query, ...omitUndefined({ before }) });
      const { batch, failure } = await this.#replayJobs(page, edit);
      all.push(batch);
      onBatch(batch);
      if (failure !== undefined) throw failure;
      if (page.next === null) break;
      before = page.next;
    }
    return {
      replayed: all.flatMap(({ replayed }) => replayed),
      failed: all.flatMap(({ failed }) => failed),
    };
  }

  /** One page of `replayAll`. `next`: pass as `before` for the next one; null: this was the last. */
  async replayPage(
    query: DeadLetterQuery = {},
    edit?: EditJob,
  ): Promise<ReplayedBatch & { readonly next: string | null }> {
    const page = await this.list({ limit: batchJobs, ...query });
    const { batch, failure } = await this.#replayJobs(page, edit);
    if (failure !== undefined) throw failure;
    return { ...batch, next: page.next };
  }

  /** `failure`: an error that does not concern a single job. */
  async #replayJobs(
    { jobs }: JobPage,
    edit: EditJob | undefined,
  ): Promise<{ readonly batch: ReplayedBatch; readonly failure: unknown }> {
    const outcomes = await Promise.allSettled(jobs.map(({ job }) => this.replay(job.id, edit)));
    const replayed: Replayed[] = [];
    const failed: FailedReplay[] = [];
    let failure: unknown;
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") {
        replayed.push(outcome.value);
        continue;
      }
      const error: unknown = outcome.reason;
      if (!(error instanceof AgentCoreError) || error.code === "AC_STORE_UNAVAILABLE") failure ??= error;
      else failed.push({ deadJobId: jobs[index]!.job.id, error });
    }
    return { batch: { replayed, failed }, failure };
  }

  /**
   * Deletes matching dead letters for good, replayed or not; never a piece of a workflow run. Works in batches and calls
   * `onBatch` with the ids of each once it is stored. Returns how many.
   */
  async purge(
    query: Omit<DeadLetterQuery, "limit" | "before"> = {},
    onBatch: (jobIds: readonly string[]) => void = () => {},
  ): Promise<number> {
    for (let purged = 0; ;) {
      const ids = await this.purgePage(query);
      if (ids.length > 0) onBatch(ids);
      purged += ids.length;
      if (ids.length < batchJobs) return purged;
    }
  }

  /** One batch of `purge`, of at most `limit`. Returns the ids; fewer than `limit` means that nothing is left. */
  async purgePage(query: Omit<DeadLetterQuery, "before"> = {}): Promise<readonly string[]> {
    this.#options.requireOpen();
    return this.#options.store.purgeDead({ limit: batchJobs, ...query, notPieces: true });
  }

  #submissionOf(dead: JobRecord, edit: EditJob) {
    const { ids, policies, clock, workers } = this.#options;
    const { notBefore: _past, ...job } = dead.job;
    const { id: _old, ...edited } = edit(job);
    return toSubmission(edited, { ids, policies, workers, now: clock.now() });
  }
}

export interface ReplayedBatch {
  readonly replayed: readonly Replayed[];
  readonly failed: readonly FailedReplay[];
}

export interface FailedReplay {
  readonly deadJobId: string;
  readonly error: AgentCoreError;
}

function inRun(jobId: string, run: string): AgentCoreError {
  const message = `job ${jobId} is a step of workflow run ${run}; resume that run`;
  return new AgentCoreError("AC_JOB_IN_RUN", message, { evidence: { jobId, run } });
}

function notDead(jobId: string): AgentCoreError {
  return new AgentCoreError("AC_JOB_NOT_FOUND", `job ${jobId} is no dead letter`, { evidence: { jobId } });
}
