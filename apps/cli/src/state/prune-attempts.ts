/**
 * Removes the files of attempts whose job is no longer in the store. Files of a job that the store never knew, such as
 * another scheduler's, are removed when nothing was added to them for the retention time of ended jobs. `agentcore work`
 * and `createAgentCore` do this at their start and then once an hour.
 */
import type { Clock, Log } from "@agentcore/contract";
import type { JobStore } from "@agentcore/scheduler";
import { listJobDirectories, removeTree } from "@agentcore/worker-kit";
import { everyHour } from "./every-hour.ts";

export interface PruneOptions {
  readonly attemptsDir: string;
  readonly store: Pick<JobStore, "get">;
  readonly keepMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Returns a function that stops it. A failed pass is logged, and the next one tries again. */
export function pruneAttemptsRegularly(options: PruneOptions): () => void {
  const { clock, log } = options;
  return everyHour({
    clock,
    log,
    what: "remove the files of old attempts",
    pass: async () => {
      const pruned = await pruneAttempts(options);
      if (pruned > 0) log.info({ pruned }, "removed the files of deleted jobs");
    },
  });
}

/** Returns the number of jobs. */
export async function pruneAttempts({
  attemptsDir,
  store,
  keepMs,
  clock,
  log,
}: PruneOptions): Promise<number> {
  let pruned = 0;
  for (const { jobId, path, changedAt } of await listJobDirectories(attemptsDir)) {
    const isRecent = clock.now() - changedAt < keepMs;
    if (isRecent || (await store.get(jobId)) !== undefined) continue;
    try {
      await removeTree(path);
      pruned += 1;
    } catch (error) {
      log.warn({ error, path }, "the files of a job that is not kept any more cannot be removed");
    }
  }
  return pruned;
}
