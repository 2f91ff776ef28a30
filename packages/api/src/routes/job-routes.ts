/** The operations on jobs and the queue. */
import {
  AgentCoreError,
  artifactQuerySchema,
  cancelManySchema,
  cancelRequestSchema,
  jobFilterSchema,
  jobListQuerySchema,
  logQuerySchema,
  omitUndefined,
  waitQuerySchema,
  type CancelDocument,
  type Clock,
  type JobBatch,
  type JobSubmission,
} from "@agentcore/contract";
import {
  isTerminal,
  jobDecisionsDocument,
  jobDetailsDocument,
  jobDocument,
  jobResult,
  submitDocument,
} from "@agentcore/scheduler";
import { jobQueryOf, selectionOf } from "../job-filter.ts";
import { listDocument, listOf, one, operation, type ApiApp } from "../operation.ts";
import type { JobsPort } from "../ports.ts";
import { idParams, type RouteOptions } from "./route-options.ts";

const group = "Jobs";
const waitMsDefault = 30_000;
const chunkBytesDefault = 256 * 1024;
const cancelledAtOnce = 100;

export function addJobRoutes(app: ApiApp, { ports: { jobs }, clock }: RouteOptions): void {
  addSubmitRoutes(app, jobs);
  addQueryRoutes(app, jobs);
  addEndRoutes(app, jobs, clock);
  addReportRoutes(app, jobs);
  addChangeRoutes(app, jobs);
}

function addSubmitRoutes(app: ApiApp, jobs: JobsPort): void {
  operation(
    app,
    {
      id: "submitJob",
      method: "post",
      path: "/v1/jobs",
      group,
      summary: "Submits a job. Resolves once it is durable.",
      rawBody: "JobSubmission",
      status: 201,
      answer: one("Submitted"),
    },
    async ({ body }) => {
      const [outcome] = await jobs.submit([body as JobSubmission]);
      if (outcome === undefined) throw new AgentCoreError("AC_INTERNAL", "the job was not submitted");
      if (!outcome.ok) throw outcome.error;
      return submitDocument(outcome);
    },
  );

  operation(
    app,
    {
      id: "submitJobs",
      method: "post",
      path: "/v1/jobs/batch",
      group,
      summary:
        "Submits up to 1,000 jobs in one commit. The items are in the order of the jobs: `submitted`, or `error` for a job whose key is held. A job that is wrong refuses all.",
      rawBody: "JobBatch",
      status: 201,
      answer: listOf("Submitted", "Error"),
    },
    async ({ body }) => {
      const given = (body as Partial<JobBatch>).jobs;
      if (!Array.isArray(given) || given.length === 0 || given.length > 1000) {
        throw new AgentCoreError("AC_API_REQUEST", "jobs: not a list of 1 to 1,000 jobs");
      }
      const outcomes = await jobs.submit(given);
      return listDocument({ items: outcomes.map(submitDocument), next: null });
    },
  );
}

function addQueryRoutes(app: ApiApp, jobs: JobsPort): void {
  operation(
    app,
    {
      id: "listJobs",
      method: "get",
      path: "/v1/jobs",
      group,
      summary: "Lists jobs that meet every condition, newest first.",
      query: jobListQuerySchema,
      answer: listOf("Job"),
    },
    async ({ query: { before, limit, steps, ...filter } }) => {
      const notPieces = steps === "exclude" ? true : undefined;
      const page = await jobs.list({ ...jobQueryOf(filter), ...omitUndefined({ notPieces, before, limit }) });
      return listDocument({ items: page.jobs.map(jobDocument), next: page.next });
    },
  );

  operation(
    app,
    {
      id: "countJobs",
      method: "get",
      path: "/v1/counts/jobs",
      group,
      summary: "Counts the jobs that meet every condition.",
      query: jobFilterSchema,
      answer: one("Count"),
    },
    async ({ query }) => ({ type: "count", count: await jobs.count(jobQueryOf(query)) }),
  );

  operation(
    app,
    {
      id: "showJob",
      method: "get",
      path: "/v1/jobs/{id}",
      group,
      summary:
        "Shows a job with its attempts, each with what it was granted, and its receipt, and its latest calls to the provider.",
      params: idParams,
      answer: one("JobDetails"),
    },
    async ({ params: { id } }) => {
      const { record, attempts, lateResults, calls } = await jobs.details(id);
      return jobDetailsDocument(record, attempts, lateResults, calls);
    },
  );
}

function addEndRoutes(app: ApiApp, jobs: JobsPort, clock: Clock): void {
  operation(
    app,
    {
      id: "waitForJob",
      method: "get",
      path: "/v1/jobs/{id}/wait",
      group,
      summary: "Answers once the job has ended, or with the job as it is after `timeoutMs`.",
      params: idParams,
      query: waitQuerySchema,
      answer: one("Job"),
    },
    async ({ params: { id }, query: { timeoutMs = waitMsDefault }, context }) => {
      const timeout = new AbortController();
      const timer = clock.setTimer(timeoutMs, () => timeout.abort());
      try {
        return jobDocument(await jobs.wait(id, AbortSignal.any([timeout.signal, context.req.raw.signal])));
      } finally {
        timer.cancel();
      }
    },
  );

  operation(
    app,
    {
      id: "showJobResult",
      method: "get",
      path: "/v1/jobs/{id}/result",
      group,
      summary:
        "Shows the result of a job that has ended, over all its attempts: the last line of `agentcore run --json`.",
      params: idParams,
      answer: one("Result"),
    },
    async ({ params: { id } }) => {
      const { record, attempts } = await jobs.details(id);
      if (isTerminal(record.state)) return jobResult(record, attempts).result;
      throw new AgentCoreError("AC_JOB_UNFINISHED", `job ${record.job.id} is ${record.state.kind}`, {
        evidence: { jobId: record.job.id },
      });
    },
  );
}

function addReportRoutes(app: ApiApp, jobs: JobsPort): void {
  operation(
    app,
    {
      id: "whyJob",
      method: "get",
      path: "/v1/jobs/{id}/why",
      group,
      summary: "Shows every decision about a job, and what it waits for.",
      params: idParams,
      answer: one("JobDecisions"),
    },
    async ({ params: { id } }) => {
      const { report, ...facts } = await jobs.why(id);
      return jobDecisionsDocument(report, facts);
    },
  );

  operation(
    app,
    {
      id: "readJobLog",
      method: "get",
      path: "/v1/jobs/{id}/logs",
      group,
      summary: "Reads a part of what the worker wrote, by its offset in bytes.",
      params: idParams,
      query: logQuerySchema,
      answer: one("LogChunk"),
    },
    ({ params: { id }, query }) => {
      const { attempt = null, stream = "stdout", encoding = "utf8" } = query;
      const { offset = 0, limit = chunkBytesDefault } = query;
      return jobs.logs({ jobId: id, attempt, stream, encoding, offset, limit });
    },
  );

  operation(
    app,
    {
      id: "readArtifact",
      method: "get",
      path: "/v1/jobs/{id}/artifact",
      group,
      summary:
        "Reads a part of an artifact that the result of an attempt names, such as its patch `changes`, by its offset in bytes.",
      params: idParams,
      query: artifactQuerySchema,
      answer: one("ArtifactChunk"),
    },
    ({ params: { id }, query }) => {
      const { name, kind = null, attempt = null, offset = 0, limit = chunkBytesDefault } = query;
      return jobs.artifact({ jobId: id, name, kind, attempt, offset, limit });
    },
  );

  operation(
    app,
    {
      id: "showQueue",
      method: "get",
      path: "/v1/queue",
      group,
      summary: "Counts the jobs by state.",
      answer: one("Queue"),
    },
    async () => ({ type: "queue", ...(await jobs.stats()) }),
  );
}

function addChangeRoutes(app: ApiApp, jobs: JobsPort): void {
  operation(
    app,
    {
      id: "cancelJob",
      method: "post",
      path: "/v1/jobs/{id}/cancel",
      group,
      summary: "Cancels a queued job at once, and asks a running one to stop.",
      params: idParams,
      body: cancelRequestSchema,
      answer: one("Cancel"),
    },
    ({ params: { id }, body }) => cancel(jobs, id, omitUndefined(body)),
  );

  operation(
    app,
    {
      id: "cancelJobs",
      method: "post",
      path: "/v1/jobs/cancel",
      group,
      summary:
        "Cancels a batch of the jobs that match, up to 500. Repeat it with `before` until `next` is null.",
      body: cancelManySchema,
      answer: listOf("Cancel"),
    },
    async ({ body: { where, all, before, limit = cancelledAtOnce, reason } }) => {
      const query = { states: ["queued", "running"] as const, ...selectionOf({ where, all }) };
      const page = await jobs.list({ ...query, limit, ...omitUndefined({ before }) });
      const open = page.jobs.filter(({ state }) => !isTerminal(state));
      const items = await Promise.all(open.map(({ job }) => cancel(jobs, job.id, omitUndefined({ reason }))));
      return listDocument({ items, next: page.next });
    },
  );

  operation(
    app,
    {
      id: "runJobNow",
      method: "post",
      path: "/v1/jobs/{id}/run-now",
      group,
      summary: "Makes a delayed job due. Leaves others as they are.",
      params: idParams,
      answer: one("Job"),
    },
    async ({ params: { id } }) => jobDocument(await jobs.runNow(id)),
  );
}

async function cancel(
  jobs: JobsPort,
  id: string,
  request: { readonly reason?: string; readonly force?: boolean },
): Promise<CancelDocument> {
  const { kind } = await jobs.cancel(id, request);
  if (kind === "not_found") throw new AgentCoreError("AC_JOB_NOT_FOUND", `no job has the id ${id}`);
  return { type: "cancel", id, outcome: kind };
}
