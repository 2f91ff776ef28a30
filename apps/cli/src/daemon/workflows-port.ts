/** Workflow runs for the API. */
import type { WorkflowsPort } from "@agentcore/api";
import { omitUndefined } from "@agentcore/contract";
import type { JobStore, Journal } from "@agentcore/scheduler";
import { listRuns } from "@agentcore/workflow";
import type { Environment } from "@agentcore/yaml-file";
import type { Workflows } from "../library/workflows.ts";
import { answerWait } from "../workflow/answer-approval.ts";
import { findRunId } from "../workflow/find-run.ts";
import { runDetailsDocument, runDocument } from "../workflow/run-documents.ts";
import { findStored } from "../workflow/stored-run.ts";

export interface WorkflowsPortOptions {
  readonly workflows: Workflows;
  readonly journal: Journal;
  readonly store: Pick<JobStore, "list">;
  readonly env: Environment;
}

const jobsMax = 1000;

export function workflowsPort({ workflows, journal, store, env }: WorkflowsPortOptions): WorkflowsPort {
  const place = { cwd: "/", env };
  return {
    run: async ({ file, workspace, inputs, agents, maxCostUsd, maxTokens }) => {
      const limits = { maxCostUsd: maxCostUsd ?? undefined, maxTokens: maxTokens ?? undefined };
      const more = omitUndefined({ agents: agents ?? undefined, ...limits });
      const { id } = await workflows.run(file, { workspace, inputs, ...more });
      return { id };
    },
    list: async (page) => {
      const runs = await listRuns(journal, page);
      return Promise.all(runs.map((run) => runDocument(journal, run)));
    },
    show: async (id) => runDetailsDocument(journal, await findStored(journal, id), place),
    resume: async (id) => ({ id: (await workflows.resume(id)).id }),
    retry: async (id, from) => ({ id: (await workflows.retry(id, from === null ? {} : { from })).id }),
    cancel: (id, reason) => workflows.cancel(id, reason),
    answer: async (run, { decision, step, by, message }) => {
      const answer = { decision, run, step: step ?? undefined, by: by ?? undefined, message };
      const given = await answerWait(journal, answer, place);
      const { isApplied } = given;
      return {
        type: "approval",
        run: given.id,
        step: given.step,
        decision,
        by: given.by,
        message,
        isApplied,
      };
    },
    jobs: async (run, step) => {
      const id = await findRunId(journal, run);
      const labels = { "workflow.run": id, ...(step === null ? {} : { "workflow.step": step }) };
      return (await store.list({ labels, limit: jobsMax })).jobs;
    },
  };
}
