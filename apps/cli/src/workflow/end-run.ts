/** Ends a run whose workflow file is gone or has changed, with the jobs that it left in the queue. */
import { systemClock } from "@agentcore/contract";
import type { JobStore, Journal } from "@agentcore/scheduler";
import { endRun, interruptedMessage } from "@agentcore/workflow";
import { jobsOfRun } from "./jobs-of-run.ts";

export interface EndOptions {
  readonly journal: Journal;
  readonly store: JobStore;
  readonly cancelJob: (id: string, request: { readonly reason: string }) => Promise<unknown>;
}

export async function endWithoutFile(
  id: string,
  message: string,
  { journal, store, cancelJob }: EndOptions,
): Promise<void> {
  await endRun(journal, id, { at: systemClock.now(), message });
  const unfinished = await jobsOfRun((query) => store.list(query), id, { states: ["queued", "running"] });
  for (const { job } of unfinished) await cancelJob(job.id, { reason: interruptedMessage });
}
