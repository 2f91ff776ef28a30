/**
 * Removes the files of attempts whose job is no longer in the store. Files of a job that the store never knew, such as
 * another scheduler's, are removed when nothing was added to them for the retention time of ended jobs. `agentcore work`
 * and `createAgentCore` do this at their start and then once an hour.
 */
import { ignore, type Clock, type Log, type Timer } from "@agentcore/contract";
import type { JobStore } from "@agentcore/scheduler";
import { listJobDirectories, removeTree } from "@agentcore/worker-kit";

export interface PruneOptions {
  readonly attemptsDir: string;
  readonly store: Pick<JobStore, "get">;
  readonly keepMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const everyMs = 3_600_000;

/** Returns a function that stops it. A failed pass is logged, and the next one tries again. */
export function pruneAttemptsRegularly(options: PruneOptions): () => void {
  const { clock, log } = options;
  let timer: Timer | undefined;
  let stopped = false;
  const pass = async (): Promise<void> => {
    try {
      const pruned = await pruneAttempts(options);
      if (pruned > 0) log.info({ pruned }, "removed the files of deleted jobs");
    } catch (error) {
      if (stopped) ignore(error, "the store was closed meanwhile; the next process continues");
      else log.warn({ error }, "could not remove the files of old attempts; trying again in an hour");
    }
    if (!stopped) timer = clock.setTimer(everyMs, () => void pass());
  };
  timer = clock.setTimer(0, () => void pass());
  return () => {
    stopped = true;
    timer?.cancel();
  };
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
