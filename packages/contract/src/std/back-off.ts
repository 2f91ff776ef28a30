/** Exponential back-off as a pure function of the number of failures, so that callers keep no state for it. */

export interface BackOff {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * The wait in ms after that many failures in a row (from 1): `minMs`, doubled with each further failure, at most `maxMs`.
 * No jitter.
 */
export function backOffMs(failures: number, { minMs, maxMs }: BackOff): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(Math.max(0, failures - 1), 52));
}
