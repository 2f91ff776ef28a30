/** Waiting, on a clock that comes in as a parameter. */
import type { Clock } from "../ports.ts";

/** Resolves `delayMs` later, or when the signal aborts. Keeps the process alive where the clock's timers do. */
export function sleep(clock: Pick<Clock, "setTimer">, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = clock.setTimer(delayMs, wake);
    signal?.addEventListener("abort", wake);
    if (signal?.aborted === true) wake();
  });
}

/** Waits for `promise`, at most `delayMs`. Says whether it resolved in time; rejects as it does. */
export async function settledWithin(
  clock: Pick<Clock, "setTimer">,
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
