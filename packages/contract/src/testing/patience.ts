/**
 * Deadlines of tests, by the speed of the machine at the time. A deadline is written for an idle machine; where others use the
 * processors, it is as many times longer as a measured piece of work takes longer. Waits of the product are never changed.
 */
import { spawnSync } from "node:child_process";
import { setImmediate as soon, setTimeout as sleep } from "node:timers/promises";

/** What the work below takes on two idle cores of 2024. */
const idleMs = 140;
const factorMax = 40;

/** How many times longer than on an idle machine things take now; at least 1. Takes about 0.15 s where it is. */
export function measuredSlowness(): number {
  const startMs = performance.now();
  for (let started = 0; started < 3; started++) spawnSync(process.execPath, ["-e", "0"]);
  let sum = 0;
  for (let round = 0; round < 3e7; round++) sum = (sum * 31 + round) | 0;
  const factor = (performance.now() - startMs) / (sum === 0 ? 1 : idleMs);
  return Math.round(Math.min(factorMax, Math.max(1, factor)) * 10) / 10;
}

/** A deadline for this machine. `TEST_PATIENCE` says how many times longer; vitest.config.ts sets it. */
export function patienceMs(idleMachineMs: number): number {
  return Math.round(idleMachineMs * Number(process.env["TEST_PATIENCE"] ?? 1));
}

export interface UntilOptions {
  /** For the error. */
  readonly what?: string;
  /** On an idle machine. Default: 30 s. */
  readonly deadlineMs?: number;
  /** Looks without a pause, for moments that are over at once. */
  readonly isBrief?: boolean;
}

/** Waits for what other processes or tasks bring about. Throws if it does not hold within the deadline. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  { what = "what was waited for", deadlineMs = 30_000, isBrief = false }: UntilOptions = {},
): Promise<void> {
  const withinMs = patienceMs(deadlineMs);
  const endMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new RangeError(`${what} did not happen within ${withinMs} ms`);
    await (isBrief ? soon() : sleep(5));
  }
}
