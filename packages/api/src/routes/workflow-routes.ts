/** The operations on workflow runs. */
import {
  answerSchema,
  omitUndefined,
  reasonSchema,
  retryRunSchema,
  runListQuerySchema,
  runWorkflowSchema,
  stepQuerySchema,
  workflowLogQuerySchema,
} from "@agentcore/contract";
import { jobDocument } from "@agentcore/scheduler";
import { manyOf } from "../job-filter.ts";
import { listDocument, listOf, one, operation, type ApiApp } from "../operation.ts";
import type { ApiPorts, WorkflowsPort } from "../ports.ts";
import { readWorkflowLog } from "../workflow-log.ts";
import { idParams, type RouteOptions } from "./route-options.ts";

const group = "Workflow runs";
const base = "/v1/workflow-runs";
const limitDefault = 100;
const logBytesDefault = 256 * 1024;

const started = ({ id }: { readonly id: string }) => ({ type: "started", run: id });

export function addWorkflowRoutes(app: ApiApp, { ports }: RouteOptions): void {
  const { workflows } = ports;
  addStartRoutes(app, workflows);
  addQueryRoutes(app, workflows);
  addLogRoute(app, ports);
  addEndRoutes(app, workflows);
}

function addStartRoutes(app: ApiApp, workflows: WorkflowsPort): void {
  operation(
    app,
    {
      id: "runWorkflow",
      method: "post",
      path: base,
      group,
      summary: "Starts a run of a workflow file on the machine of the daemon. Resolves once it is durable.",
      body: runWorkflowSchema,
      status: 201,
      answer: one("Started"),
    },
    async ({ body }) => {
      const { file, workspace, inputs = {}, agents = null, maxCostUsd = null, maxTokens = null } = body;
      return started(await workflows.run({ file, workspace, inputs, agents, maxCostUsd, maxTokens }));
    },
  );

  operation(
    app,
    {
      id: "resumeWorkflowRun",
      method: "post",
      path: `${base}/{id}/resume`,
      group,
      summary: "Continues a run that was interrupted.",
      params: idParams,
      answer: one("Started"),
    },
    async ({ params: { id } }) => started(await workflows.resume(id)),
  );

  operation(
    app,
    {
      id: "retryWorkflowRun",
      method: "post",
      path: `${base}/{id}/retry`,
      group,
      summary: "Runs the failed steps of an ended run again, or `from` and the steps that wait for it.",
      params: idParams,
      body: retryRunSchema,
      answer: one("Started"),
    },
    async ({ params: { id }, body: { from = null } }) => started(await workflows.retry(id, from)),
  );
}

function addQueryRoutes(app: ApiApp, workflows: WorkflowsPort): void {
  operation(
    app,
    {
      id: "listWorkflowRuns",
      method: "get",
      path: base,
      group,
      summary: "Lists runs that meet every condition, newest first. A page may be empty and have a `next`.",
      query: runListQuerySchema,
      answer: listOf("Run"),
    },
    async ({ query: { state, name, before, limit = limitDefault } }) => {
      const conditions = omitUndefined({ states: manyOf(state), name, before });
      const { runs, next } = await workflows.list({ limit, ...conditions });
      return listDocument({ items: runs, next });
    },
  );

  operation(
    app,
    {
      id: "showWorkflowRun",
      method: "get",
      path: `${base}/{id}`,
      group,
      summary: "Shows a run with its steps, and the approvals that it waits for.",
      params: idParams,
      answer: one("RunDetails"),
    },
    ({ params: { id } }) => workflows.show(id),
  );

  operation(
    app,
    {
      id: "listWorkflowSteps",
      method: "get",
      path: `${base}/{id}/steps`,
      group,
      summary:
        "Lists the steps of a run and of the runs of its sub-workflows. Fails if a file has changed since.",
      params: idParams,
      answer: listOf("RunStep"),
    },
    async ({ params: { id } }) => listDocument({ items: await workflows.steps(id), next: null }),
  );

  operation(
    app,
    {
      id: "showWorkflowGraph",
      method: "get",
      path: `${base}/{id}/graph`,
      group,
      summary: "Shows how the steps of a run depend on each other, laid out for a drawing.",
      params: idParams,
      answer: one("RunGraph"),
    },
    ({ params: { id } }) => workflows.graph(id),
  );

  operation(
    app,
    {
      id: "listWorkflowJobs",
      method: "get",
      path: `${base}/{id}/jobs`,
      group,
      summary: "Lists the jobs of a run, newest first. Their logs are read as those of other jobs.",
      params: idParams,
      query: stepQuerySchema,
      answer: listOf("Job"),
    },
    async ({ params: { id }, query: { step = null } }) =>
      listDocument({ items: (await workflows.jobs(id, step)).map(jobDocument), next: null }),
  );
}

function addLogRoute(app: ApiApp, ports: Pick<ApiPorts, "jobs" | "workflows">): void {
  operation(
    app,
    {
      id: "readWorkflowLog",
      method: "get",
      path: `${base}/{id}/logs`,
      group,
      summary:
        "Reads the logs of a run as one: job by job, in the order in which the jobs were submitted, so that a job that runs holds back those after it. Repeat it with `after` until `ended`.",
      params: idParams,
      query: workflowLogQuerySchema,
      answer: one("WorkflowLog"),
    },
    ({ params: { id: run }, query: { step = null, after = null, limit = logBytesDefault } }) =>
      readWorkflowLog({ run, step, after, limit }, ports),
  );
}

function addEndRoutes(app: ApiApp, workflows: WorkflowsPort): void {
  operation(
    app,
    {
      id: "cancelWorkflowRun",
      method: "post",
      path: `${base}/{id}/cancel`,
      group,
      summary: "Cancels a run, whichever process works on it.",
      params: idParams,
      body: reasonSchema,
      answer: one("Cancel"),
    },
    async ({ params: { id }, body: { reason = "cancelled by request" } }) => ({
      type: "cancel",
      id,
      outcome: await workflows.cancel(id, reason),
    }),
  );

  for (const [verb, decision] of [
    ["approve", "approved"],
    ["reject", "rejected"],
  ] as const) {
    operation(
      app,
      {
        id: `${verb}WorkflowStep`,
        method: "post",
        path: `${base}/{id}/${verb}`,
        group,
        summary: `Answers the approval that a step waits for: ${decision}.`,
        params: idParams,
        body: answerSchema,
        answer: one("Approval"),
      },
      ({ params: { id }, body: { step = null, by = null, message = "" } }) =>
        workflows.answer(id, { decision, step, by, message }),
    );
  }
}
