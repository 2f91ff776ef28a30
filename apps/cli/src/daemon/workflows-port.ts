/** Workflow runs for the API. */
import type { WorkflowRunPage, WorkflowRunQuery, WorkflowsPort } from "@agentcore/api";
import { omitUndefined } from "@agentcore/contract";
import type { JobStore, Journal } from "@agentcore/scheduler";
import { listRuns, readStepsWithin, type RunListing } from "@agentcore/workflow";
import type { Environment } from "@agentcore/yaml-file";
import { stepJson } from "../json/workflow-documents.ts";
import type { Workflows } from "../library/workflows.ts";
import { answerWait } from "../workflow/answer-approval.ts";
import { findRunId } from "../workflow/find-run.ts";
import { graphDocument } from "../workflow/picture/graph-document.ts";
import { jobsOfRun } from "../workflow/jobs-of-run.ts";
import { runStateOf } from "../workflow/run-owner.ts";
import { findStored, requireSame } from "../workflow/stored-run.ts";
import { approvalDocument, runDetailsDocument, runDocument } from "../workflow/run-documents.ts";

export interface WorkflowsPortOptions {
  readonly workflows: Workflows;
  readonly journal: Journal;
  readonly store: Pick<JobStore, "list">;
  readonly env: Environment;
}

/** Runs of which one page of a list looks at the state and the name. */
const lookedAtMax = 5000;
const searchedAtOnce = 500;

export function workflowsPort({ workflows, journal, store, env }: WorkflowsPortOptions): WorkflowsPort {
  const place = { cwd: "/", env };
  return {
    run: async ({ file, workspace, inputs, agents, maxCostUsd, maxTokens }) => {
      const limits = { maxCostUsd: maxCostUsd ?? undefined, maxTokens: maxTokens ?? undefined };
      const more = omitUndefined({ agents: agents ?? undefined, ...limits });
      const { id } = await workflows.run(file, { workspace, inputs, ...more });
      return { id };
    },
    list: (query) => runPage(journal, query),
    show: async (id) => runDetailsDocument(journal, await findStored(journal, id), place),
    steps: async (id) => {
      const run = await findStored(journal, id);
      const steps = await readStepsWithin(journal, run.stored, await requireSame(run, place));
      return steps.map(({ report, ...within }) => ({ type: "run_step", ...within, ...stepJson(report) }));
    },
    graph: async (id) => {
      const run = await findStored(journal, id);
      return graphDocument(run.id, await requireSame(run, place));
    },
    resume: async (id) => ({ id: (await workflows.resume(id)).id }),
    retry: async (id, from) => ({ id: (await workflows.retry(id, from === null ? {} : { from })).id }),
    cancel: (id, reason) => workflows.cancel(id, reason),
    answer: async (run, { decision, step, by, message }) => {
      const answer = { decision, run, step: step ?? undefined, by: by ?? undefined, message };
      return approvalDocument(await answerWait(journal, answer, place), answer);
    },
    jobs: async (run, step) => {
      const id = await findRunId(journal, run);
      const labels: Record<string, string> = step === null ? {} : { "workflow.step": step };
      return jobsOfRun((query) => store.list(query), id, { labels });
    },
  };
}

/** State and name are in the headers of runs, which no index has: a page looks at a bounded number of them. */
async function runPage(
  journal: Journal,
  { limit, states, name, before }: WorkflowRunQuery,
): Promise<WorkflowRunPage> {
  const fits = ({ header }: RunListing): boolean =>
    (states === undefined || states.includes(runStateOf(header))) &&
    (name === undefined || header["name"] === name);
  const readAtOnce = states === undefined && name === undefined ? limit : searchedAtOnce;
  const found: RunListing[] = [];
  let next = before;
  for (let lookedAt = 0; found.length < limit && lookedAt < lookedAtMax;) {
    const page = await listRuns(journal, omitUndefined({ before: next, limit: readAtOnce }));
    const fitting = page.filter(fits).slice(0, limit - found.length);
    found.push(...fitting);
    lookedAt += page.length;
    next = found.length === limit ? found.at(-1)?.id : page.length < readAtOnce ? undefined : page.at(-1)?.id;
    if (next === undefined) break;
  }
  const runs = await Promise.all(found.map((run) => runDocument(journal, run)));
  return { runs, next: next ?? null };
}
