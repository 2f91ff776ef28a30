/**
 * Spreads the starts of a worker's runs out in time, after their permits: bottleneck queues and paces, and decides nothing.
 * It reads the process's own clock and timers, so paced workers do not run on a simulated one. Off unless configured.
 */
import Bottleneck from "bottleneck";
import type { PacingConfig } from "../config/defence-config.ts";

export interface Pacer {
  /** Resolves when a run of the worker may start; null where nothing is configured for it. */
  turn(worker: string): Promise<void> | null;
}

export function createPacer(config: PacingConfig): Pacer {
  const limiters = new Map<string, Bottleneck>();
  for (const [worker, { min_interval: minTime }] of Object.entries(config.workers)) {
    limiters.set(worker, new Bottleneck({ minTime }));
  }
  return {
    turn: (worker) => limiters.get(worker)?.schedule(async () => {}) ?? null,
  };
}
