/** Waits for something that other processes bring about; a deadline ends a wait in vain. */
import { setImmediate as soon, setTimeout as pause } from "node:timers/promises";

export interface UntilOptions {
  /** For the error. */
  readonly what?: string;
  /** Default: 30 s. */
  readonly deadlineMs?: number;
  /** Looks without a pause, for moments that are over at once. */
  readonly isBrief?: boolean;
}

/** Throws where it does not hold within the deadline. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  { what = "what was waited for", deadlineMs = 30_000, isBrief = false }: UntilOptions = {},
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new RangeError(`${what} did not happen within ${deadlineMs} ms`);
    await (isBrief ? soon() : pause(2));
  }
}
