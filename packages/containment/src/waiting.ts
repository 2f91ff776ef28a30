/** Waits on a clock that is passed in. */
import type { Clock } from "@agentcore/contract";

/** Waits for `promise`, at most `delayMs`. Returns which of them came first. */
export async function settledWithin(
  clock: Clock,
  promise: Promise<unknown>,
  delayMs: number,
): Promise<boolean> {
  const { promise: timedOut, resolve } = Promise.withResolvers<false>();
  const timer = clock.setTimer(delayMs, () => resolve(false));
  try {
    return await Promise.race([promise.then(() => true as const), timedOut]);
  } finally {
    timer.cancel();
  }
}

export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve);
  });
}

/** Resolves when what was ready has been read: after a hold-up of the event loop, timers fire before that. */
export async function loopWentRound(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
}
