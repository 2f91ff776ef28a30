/** Finds the jobs of a workflow run in the queue. */
import { runLabel, type JobQuery } from "@agentcore/scheduler";

const pageJobs = 1000;

/** Newest first; all states by default. `list`: of a store, or of what a command asks. */
export async function jobsOfRun<Job>(
  list: (query: JobQuery) => Promise<{ readonly jobs: readonly Job[]; readonly next: string | null }>,
  run: string,
  { states, labels }: Pick<JobQuery, "states" | "labels"> = {},
): Promise<readonly Job[]> {
  const query = { labels: { ...labels, [runLabel]: run }, limit: pageJobs, states };
  const found: Job[] = [];
  for (let page = await list(query); ; page = await list({ ...query, before: page.next })) {
    found.push(...page.jobs);
    if (page.next === null) return found;
  }
}
