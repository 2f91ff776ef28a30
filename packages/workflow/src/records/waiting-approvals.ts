/** Finds the approvals that a stored run and its sub-workflows wait for. Needs the journal alone, not the workflow's files. */
import type { Journal } from "@agentcore/scheduler";
import { readStream, type StoredRun } from "./read-runs.ts";
import type { ApprovalQuestion, RunEntry } from "./entry-types.ts";
import { childStream } from "./streams.ts";

export interface WaitingApproval extends ApprovalQuestion {
  /** Ids of the steps from the outermost run to the one that waits, joined with `/`. */
  readonly step: string;
  /** What an answer refers to. */
  readonly waitId: string;
  readonly askedAt: number;
}

/** In the order in which they were asked. */
export async function waitingApprovals(
  journal: Journal,
  stored: Pick<StoredRun, "entries">,
): Promise<readonly WaitingApproval[]> {
  const found: WaitingApproval[] = [];
  const visit = async (entries: readonly RunEntry[], above: string): Promise<void> => {
    const { waits, jobs } = openSteps(entries);
    for (const [step, wait] of waits) found.push({ step: `${above}${step}`, ...wait });
    for (const [step, jobId] of jobs) {
      const child = await readStream(journal, childStream(jobId));
      if (child !== undefined) await visit(child.entries, `${above}${step}/`);
    }
  };
  await visit(stored.entries, "");
  return found.toSorted((a, b) => a.askedAt - b.askedAt);
}

/** By step: the approvals without an answer, and the jobs without an end. */
function openSteps(entries: readonly RunEntry[]) {
  const waits = new Map<string, Omit<WaitingApproval, "step">>();
  const jobs = new Map<string, string>();
  for (const entry of entries) {
    if (entry.type !== "event" || entry.event.type !== "step") continue;
    const { step, event } = entry.event;
    waits.delete(step);
    jobs.delete(step);
    if (event.type === "approval_asked" && entry.approval !== undefined)
      waits.set(step, { waitId: event.waitId, askedAt: entry.at, ...entry.approval });
    if (event.type === "work_started") jobs.set(step, event.jobId);
  }
  return { waits, jobs };
}
