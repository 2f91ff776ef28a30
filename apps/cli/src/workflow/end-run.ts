/** Ends a run whose workflow file is gone or has changed, with the jobs that it left in the queue. */
import { systemClock } from "@agentcore/contract";
import { runLabel } from "@agentcore/scheduler";
import { endRun, interruptedMessage } from "@agentcore/workflow";
import type { Io } from "../io.ts";
import { withQueue, type StateOptions } from "../open-queue.ts";
import { withJournal } from "./open-journal.ts";

export async function endWithoutFile(
  id: string,
  message: string,
  options: StateOptions,
  io: Io,
): Promise<void> {
  await withJournal(options, io, (journal) => endRun(journal, id, { at: systemClock.now(), message }));
  await withQueue(options, io, async ({ store, client }) => {
    const query = { states: ["queued", "running"], labels: { [runLabel]: id }, limit: 1000 } as const;
    for (let page = await store.list(query); ; page = await store.list({ ...query, before: page.next })) {
      for (const { job } of page.jobs) await client.cancel(job.id, { message: interruptedMessage });
      if (page.next === null) return;
    }
  });
}
