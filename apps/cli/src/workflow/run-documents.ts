/** Stored runs as documents: for `--json` and for the API of the daemon. */
import type { ApprovalDocument, RunDetailsDocument, RunDocument } from "@agentcore/contract";
import type { Journal } from "@agentcore/scheduler";
import { readRun, storedSteps, waitingApprovals, type RunListing, type StoredRun } from "@agentcore/workflow";
import { approvalJson, runJson, stepJson } from "../json/workflow-documents.ts";
import type { Answer, GivenAnswer } from "./answer-approval.ts";
import { runStateOf } from "./run-owner.ts";
import { approveCommand } from "../screen/approve-command.ts";
import { sameWorkflow, type FoundRun } from "./stored-run.ts";

export async function runDocument(journal: Journal, { id, header }: RunListing): Promise<RunDocument> {
  const waitsFor = await approvalsOf(journal, { id, header });
  return { type: "run", ...runJson(id, header, runStateOf(header)), waitsFor: [...waitsFor] };
}

/** The steps of the run that wait for an approval. */
async function approvalsOf(journal: Journal, { id, header }: RunListing): Promise<readonly string[]> {
  if (typeof header["outcome"] === "string") return [];
  const stored = await readRun(journal, id);
  if (stored === undefined) return [];
  return (await waitingApprovals(journal, stored)).map(({ step }) => step);
}

export async function runDetailsDocument(
  journal: Journal,
  { id, stored }: FoundRun,
  place: Parameters<typeof sameWorkflow>[1],
): Promise<RunDetailsDocument> {
  const { created, header } = stored;
  const workflow = await sameWorkflow(stored, place);
  const waiting = typeof header["outcome"] === "string" ? [] : await waitingApprovals(journal, stored);
  return {
    type: "run_details",
    ...runJson(id, header, runStateOf(header)),
    waitsFor: waiting.map(({ step }) => step),
    inputs: { ...created.inputs },
    approvals: waiting.map((wait) => approvalJson(wait, approveCommand(id, wait.step))),
    steps: workflow === null ? null : storedSteps(stored, workflow).map(stepJson),
    failedNotifications: failedNotifications(stored.entries),
  };
}

function failedNotifications(entries: StoredRun["entries"]): RunDetailsDocument["failedNotifications"] {
  const events = new Map<string, string>();
  return entries.flatMap((entry) => {
    if (entry.type !== "notification") return [];
    if (entry.begins !== undefined) events.set(entry.key, entry.begins.event);
    const problem = entry.ended?.problem ?? null;
    const event = events.get(entry.key);
    return problem === null || event === undefined ? [] : [{ event, problem }];
  });
}

export const approvalDocument = (
  { id, step, by, isApplied }: GivenAnswer,
  { decision, message }: Pick<Answer, "decision" | "message">,
): ApprovalDocument => ({ type: "approval", run: id, step, decision, by, message, isApplied });
