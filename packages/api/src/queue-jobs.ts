/** The port for jobs and dead letters, made of a queue client. */
import {
  AgentCoreError,
  onAbort,
  type AttemptCalls,
  type JobCalls,
  type JobSubmission,
} from "@agentcore/contract";
import {
  isTerminal,
  withCallsSoFar,
  type JobRecord,
  type QueueClient,
  type WhyFacts,
} from "@agentcore/scheduler";
import type { ApiPorts, JobsPort } from "./ports.ts";

export interface QueueJobsOptions {
  readonly client: QueueClient;
  readonly logs: JobsPort["logs"];
  readonly artifact: JobsPort["artifact"];
  /** Checks what needs the configuration: the worker, the workspace, the price. Returns the job to submit. */
  readonly prepare: (job: JobSubmission) => Promise<JobSubmission>;
  /** The latest calls of a job that the spend gate metered, at most as many as a document shows. */
  readonly callsOf: (jobId: string) => Promise<JobCalls>;
  /** Counts the calls of each attempt of a job that the spend gate metered. */
  readonly attemptCallsOf: (jobId: string) => Promise<readonly AttemptCalls[]>;
  /** What `why` says beside the store. */
  readonly factsOf: (record: JobRecord) => Promise<WhyFacts>;
}

export function queueJobs(options: QueueJobsOptions): Pick<ApiPorts, "jobs" | "deadLetters"> {
  const { client, logs, artifact, prepare, callsOf, attemptCallsOf, factsOf } = options;
  const { store } = client;
  const ends = new SharedWaits((id) => client.ends.wait(id));
  const require = async (id: string): Promise<JobRecord> => {
    const record = await store.get(id);
    if (record !== undefined) return record;
    throw new AgentCoreError("AC_JOB_NOT_FOUND", `no job has the id ${id}`);
  };
  return {
    deadLetters: client.deadLetters,
    jobs: {
      submit: async (jobs) => client.submitAll(await Promise.all(jobs.map(prepare))),
      list: async (query) => {
        const page = await store.list(query);
        return { ...page, jobs: await withCallsSoFar(page.jobs, attemptCallsOf) };
      },
      count: (query) => store.count(query),
      get: (id) => store.get(id),
      details: async (id) => {
        const record = await require(id);
        const { id: own } = record.job;
        const [attempts, lateResults, calls] = await Promise.all([
          store.attempts(own),
          store.lateResults(own),
          callsOf(own),
        ]);
        return { record, attempts, lateResults, calls };
      },
      wait: async (id, signal) => {
        const record = await require(id);
        if (isTerminal(record.state) || signal.aborted) return record;
        await ends.wait(record.job.id, signal);
        return require(id);
      },
      cancel: (id, request) => client.cancel(id, request),
      runNow: (id) => client.runNow(id),
      why: async (id) => {
        const report = await client.why(id);
        return { report, ...(await factsOf(report.record)) };
      },
      logs,
      artifact,
      stats: () => client.stats(),
    },
  };
}

/** Waits of callers that come and go: one for each job, however many callers wait for it, one after the other. */
class SharedWaits {
  readonly #wait: (id: string) => Promise<unknown>;
  readonly #callers = new Map<string, Set<PromiseWithResolvers<void>>>();

  constructor(wait: (id: string) => Promise<unknown>) {
    this.#wait = wait;
  }

  /** Resolves when the wait is over or the signal is aborted; rejects if the wait does. */
  async wait(id: string, signal: AbortSignal): Promise<void> {
    const caller = Promise.withResolvers<void>();
    const callers = this.#callers.get(id) ?? this.#begin(id);
    callers.add(caller);
    const stop = onAbort(signal, caller.resolve);
    try {
      await caller.promise;
    } finally {
      stop();
      callers.delete(caller);
    }
  }

  #begin(id: string): Set<PromiseWithResolvers<void>> {
    const callers = new Set<PromiseWithResolvers<void>>();
    this.#callers.set(id, callers);
    this.#wait(id).then(
      () => {
        this.#callers.delete(id);
        for (const { resolve } of callers) resolve();
      },
      (error: unknown) => {
        this.#callers.delete(id);
        for (const { reject } of callers) reject(error);
      },
    );
    return callers;
  }
}
