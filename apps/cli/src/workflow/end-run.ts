/** Ends a run whose workflow file is gone or has changed, with the jobs that it left in the queue. */
import { systemClock } from "@agentcore/contract";
import { endRun, interruptedMessage } from "@agentcore/workflow";
import type { Io } from "../io.ts";
import { withQueue, type StateOptions } from "../queue/open-queue.ts";
import { jobsOfRun } from "./jobs-of-run.ts";
import { withJournal } from "./open-journal.ts";

export async function endWithoutFile(
  id: string,
  message: string,
  options: StateOptions,
  io: Io,
): Promise<void> {
  await withJournal(options, io, (journal) => endRun(journal, id, { at: systemClock.now(), message }));
  await withQueue(options, io, async ({ store, client }) => {
    const unfinished = await jobsOfRun(store, id, { states: ["queued", "running"] });
    for (const { job } of unfinished) await client.cancel(job.id, { reason: interruptedMessage });
  });
}
