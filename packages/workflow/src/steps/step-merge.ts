/** Merges of worktrees under the stop of their run: what is under way gets a while to come to its end, and no longer. */
import type { Clock, Timer } from "@agentcore/contract";
import { mergeWorktree, type MergeRequest } from "../worktree/merge-worktree.ts";
import type { WorktreeOptions } from "../worktree/worktree-place.ts";
import { wasStopped } from "./step-prepare.ts";
import type { LateCanceller } from "./submit-job.ts";

/** What git may still take for one worktree once its run is to end. */
const graceMs = 60_000;

/** False where the run was stopped and the merge had not come to its end in time: the workspace is as it was. */
export async function mergeUnlessStopped(
  ports: WorktreeOptions,
  request: MergeRequest,
  canceller: LateCanceller,
): Promise<boolean> {
  const stop = new AbortController();
  let timer: Timer | undefined;
  canceller.bind(({ immediate }) => {
    timer?.cancel();
    timer = ports.clock.setTimer(immediate ? 0 : graceMs, () => stop.abort());
  });
  try {
    await mergeWorktree({ ...ports, signal: stop.signal }, request);
    return true;
  } catch (error) {
    if (wasStopped(error, canceller) && !canceller.isInterrupted) return false;
    throw error;
  } finally {
    canceller.bind(() => {});
    timer?.cancel();
  }
}

/** Ends what is left to do for a worktree once the run has no time left, and a while has passed. */
export async function withinRun<T>(
  clock: Clock,
  leftMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const timer = clock.setTimer(leftMs + graceMs, () => stop.abort());
  try {
    return await work(stop.signal);
  } finally {
    timer.cancel();
  }
}
