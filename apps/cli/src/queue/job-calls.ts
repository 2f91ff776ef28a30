/** The calls of a job that the spend gate metered, for its documents. */
import { shownCallsMax, type JobCalls } from "@agentcore/contract";
import type { CallJournal } from "@agentcore/core";

export async function callsOfJob(
  journal: Pick<CallJournal, "callsOfJob" | "attemptsOfJob">,
  jobId: string,
): Promise<JobCalls> {
  // In this order: a call that begins in between is counted and not listed, never the reverse.
  const latest = await journal.callsOfJob(jobId, shownCallsMax);
  return { latest, attempts: await journal.attemptsOfJob(jobId) };
}
