/** Where the jobs are: AgentCore in this process, or a daemon. Both look the same to the rest of the package. */
import type { AgentCoreClient } from "@agentcore/client";
import { isAgentCoreError, type JobSubmission } from "@agentcore/contract";
import type { JobEnd } from "@agentcore/scheduler";
import { resultOfDocuments, resultOfEnd, type ActivityResult } from "./activity-result.ts";

/** A job of the library, as `submit` and `attach` return it. */
export interface ActivityJob {
  readonly id: string;
  result(): Promise<JobEnd>;
  cancel(request?: { readonly reason?: string }): Promise<unknown>;
}

/** What is used of the library: `createAgentCore` returns it. A `QueueClient` is `{ submit, scheduler }` of itself. */
export interface LibraryCore {
  submit(job: JobSubmission): Promise<ActivityJob>;
  readonly scheduler: { attach(jobId: string): Promise<ActivityJob> };
}

/** What is used of the client of a daemon: `createClient` of `@agentcore/client` returns it. */
export type DaemonCore = Pick<
  AgentCoreClient,
  "submitJob" | "showJob" | "waitForJob" | "showJobResult" | "cancelJob"
>;

export type ActivityCore = LibraryCore | DaemonCore;

/** One job of an activity. */
export interface Run {
  readonly jobId: string;
  /** Resolves when the job has ended. With an aborted signal, it may reject. */
  end(signal: AbortSignal): Promise<ActivityResult>;
  /** Resolves when the request is durable; the job ends later. */
  cancel(reason: string): Promise<void>;
}

export interface Runs {
  submit(job: JobSubmission): Promise<Run>;
  /** By id or alias. */
  find(jobId: string): Promise<Run | undefined>;
}

export function runsOf(core: ActivityCore): Runs {
  return "submitJob" in core ? daemonRuns(core) : libraryRuns(core);
}

function libraryRuns(core: LibraryCore): Runs {
  const runOf = (job: ActivityJob): Run => ({
    jobId: job.id,
    end: async () => resultOfEnd(await job.result()),
    cancel: async (reason) => void (await job.cancel({ reason })),
  });
  return {
    submit: async (job) => runOf(await core.submit(job)),
    find: async (id) => unlessMissing(async () => runOf(await core.scheduler.attach(id))),
  };
}

/** Less than the time after which proxies break off a request without an answer. */
const waitMs = 25_000;

function daemonRuns(client: DaemonCore): Runs {
  const runOf = (jobId: string): Run => ({
    jobId,
    async end(signal) {
      for (;;) {
        const job = await client.waitForJob(jobId, { timeoutMs: waitMs }, { signal });
        if (job.endedAt !== null) return resultOfDocuments(job, await client.showJobResult(jobId));
      }
    },
    cancel: async (reason) => void (await client.cancelJob(jobId, { reason })),
  });
  return {
    submit: async (job) => runOf((await client.submitJob(job)).id),
    find: async (id) => unlessMissing(async () => runOf((await client.showJob(id)).id)),
  };
}

async function unlessMissing<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (isAgentCoreError(error) && error.code === "AC_JOB_NOT_FOUND") return undefined;
    throw error;
  }
}
