/** Finds the jobs of a workflow run in the queue. */
import { runLabel, type JobQuery, type JobRecord, type JobStore } from "@agentcore/scheduler";

const pageJobs = 1000;

/** Newest first; all states by default. */
export async function jobsOfRun(
  store: Pick<JobStore, "list">,
  run: string,
  { states, labels }: Pick<JobQuery, "states" | "labels"> = {},
): Promise<readonly JobRecord[]> {
  const query = { labels: { ...labels, [runLabel]: run }, limit: pageJobs, states };
  const found: JobRecord[] = [];
  let page = await store.list(query);
  for (;;) {
    found.push(...page.jobs);
    if (page.next === null) return found;
    page = await store.list({ ...query, before: page.next });
  }
}
