/** Waits on a clock that is passed in. */
import type { Clock } from "../ports.ts";

/** Resolves after `delayMs`, or when the signal aborts. Keeps the process alive if the clock's timers do. */
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

/** Calls `act` once, when the signal is aborted or at once if it is. Returns a function that ends this. */
export function onAbort(signal: AbortSignal | undefined, act: () => void): () => void {
  if (signal?.aborted === true) act();
  else signal?.addEventListener("abort", act, { once: true });
  return () => signal?.removeEventListener("abort", act);
}

/** Waits for `promise`, at most `delayMs`. Returns whether it resolved in time; rejects if it rejects. */
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

/** Resolves when what was ready has been read: after a hold-up of the event loop, timers fire before that. */
export async function loopWentRound(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
}
