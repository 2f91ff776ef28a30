/**
 * Interfaces for time, randomness, ids and the log, which all code takes as parameters. Only `apps/*` and a package's
 * composition file bind them to the real ones, so that the same code runs in simulation with a virtual clock and a seed.
 */

/** A pending timer. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall clock, in ms since the epoch. For stored and displayed times; may jump forward or back. */
  now(): number;
  /** Monotonic clock, in ms from an arbitrary origin. For every duration, timeout and lease inside one process. */
  monotonicMs(): number;
  /** Calls `fire` once, `delayMs` later on the monotonic clock. Implementations split delays above 2^31-1 ms. */
  setTimer(delayMs: number, fire: () => void): Timer;
}

/** Uniform in [0, 1). Seeded in tests, benchmarks and simulation. */
export interface Random {
  next(): number;
}

/** Unique, time-ordered ids (UUIDv7). */
export interface Ids {
  next(): string;
}

/** Structured log; implementations write to stderr or a file, never to stdout. */
export interface Log {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}
