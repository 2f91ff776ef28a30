/** Merges worktrees while their run is being stopped: a merge in progress gets a limited time to finish. */
import type { Clock, Timer } from "@agentcore/contract";
import { mergeWorktree, type MergeRequest } from "../worktree/merge-worktree.ts";
import type { WorktreeOptions } from "../worktree/worktree-place.ts";
import { wasStopped } from "./step-prepare.ts";
import { isInterrupted, type StepCancellation } from "./submit-job.ts";

/** How long git may still work on one worktree once its run is to end. */
const graceMs = 60_000;

/** Returns false if the run was stopped and the merge did not end in time: the workspace is then as it was. */
export async function mergeUnlessStopped(
  ports: WorktreeOptions,
  request: MergeRequest,
  cancellation: StepCancellation,
): Promise<boolean> {
  const stop = new AbortController();
  let timer: Timer | undefined;
  const unfollow = cancellation.onChange(({ force }) => {
    timer?.cancel();
    timer = ports.clock.setTimer(force ? 0 : graceMs, () => stop.abort());
  });
  try {
    await mergeWorktree({ ...ports, signal: stop.signal }, request);
    return true;
  } catch (error) {
    if (wasStopped(error, cancellation) && !isInterrupted(cancellation)) return false;
    throw error;
  } finally {
    unfollow();
    timer?.cancel();
  }
}

/** Aborts work on a worktree once the run has no time left and the grace period has passed. */
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
