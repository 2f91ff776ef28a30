/** Exponential back-off as a function of what happened, so that its callers need no state for it. Pure. */

export interface BackOff {
  readonly minMs: number;
  readonly maxMs: number;
}

/** The wait after that many failures in a row, from 1: `minMs`, doubled with every further failure, at most `maxMs`. No jitter. */
export function backOffMs(failures: number, { minMs, maxMs }: BackOff): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(Math.max(0, failures - 1), 52));
}
