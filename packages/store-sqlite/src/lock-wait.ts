/**
 * Waiting for a lock that another process holds. SQLite's own busy timeout would hold the event loop meanwhile, so it is
 * off, and the wait is ours: short, jittered pauses up to a bound. The pauses stay short because SQLite's locks are not
 * fair: who looks seldom rarely finds a gap between the commits of a busy neighbour.
 */
import type { Clock, Random } from "@agentcore/contract";
import { failureOf } from "./sqlite-error.ts";

export interface LockWait {
  readonly clock: Clock;
  readonly random: Random;
  /** Longest wait; then the failure is the caller's. */
  readonly lockTimeoutMs: number;
}

const pauseMsMin = 1;
const pauseMsMax = 8;

/** Calls `attempt` until it does not fail for a lock, or the wait is over. Any other failure is thrown at once. */
export async function retryWhileLocked<T>(wait: LockWait, attempt: () => T): Promise<T> {
  const startedAtMs = wait.clock.monotonicMs();
  for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(2 * pauseMs, pauseMsMax)) {
    try {
      return attempt();
    } catch (error) {
      const waitedMs = wait.clock.monotonicMs() - startedAtMs;
      if (failureOf(error) !== "busy" || waitedMs >= wait.lockTimeoutMs) throw error;
    }
    await sleep(wait.clock, pauseMs * (0.5 + wait.random.next() / 2));
  }
}

function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve);
  });
}
