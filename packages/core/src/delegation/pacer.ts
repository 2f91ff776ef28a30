/**
 * Spreads the starts of permitted runs in time; it makes no decisions. Bottleneck queues the starts under a name, one after
 * the other. The injected clock measures the time between them, because bottleneck reads the wall clock (docs/adr/0023).
 */
import Bottleneck from "bottleneck";
import { BoundedMap, settledWithin, sleep, type Clock } from "@agentcore/contract";
import type { PacingConfig } from "../config/watchdog-config.ts";

/** The longest wait of a start beyond its place in the queue: a fault in the pacing library must not block runs. */
const lateMsMax = 5000;
/** Names that have a queue; the oldest queue is dropped first. */
const namesMax = 1000;

interface Pace {
  readonly queue: Bottleneck;
  /** When the next start may happen, on the monotonic clock. */
  dueMs: number;
}

export class Pacer {
  readonly #clock: Clock;
  readonly #paces = new BoundedMap<string, Pace>(namesMax);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves when the next start under this name may happen, `intervalMs` after the last one; null: at once. A start whose signal
   * is aborted does not delay the others.
   */
  turn(name: string, intervalMs: number, signal?: AbortSignal): Promise<unknown> | null {
    if (intervalMs === 0) return null;
    const pace = this.#paces.get(name) ?? { queue: new Bottleneck({ maxConcurrent: 1 }), dueMs: -Infinity };
    if (!this.#paces.has(name)) this.#paces.set(name, pace);
    const waiting = Object.values(pace.queue.counts()).reduce((sum, count) => sum + count, 0);
    if (waiting === 0 && pace.dueMs <= this.#clock.monotonicMs()) {
      pace.dueMs = this.#clock.monotonicMs() + intervalMs;
      return null;
    }
    const turn = pace.queue.schedule(async () => {
      await sleep(this.#clock, Math.max(0, pace.dueMs - this.#clock.monotonicMs()), signal);
      if (signal?.aborted !== true) pace.dueMs = this.#clock.monotonicMs() + intervalMs;
    });
    return settledWithin(this.#clock, turn, (waiting + 1) * intervalMs + lateMsMax);
  }
}

/** The intervals that a run keeps, by name: its provider's, then its worker's. */
export function pacesOf(
  { workers, providers, provider_interval }: PacingConfig,
  run: { readonly worker: string; readonly provider: string | null },
): ReadonlyMap<string, number> {
  const paces = new Map<string, number>();
  if (run.provider !== null) {
    paces.set(`provider:${run.provider}`, providers[run.provider]?.min_interval ?? provider_interval);
  }
  return paces.set(`worker:${run.worker}`, workers[run.worker]?.min_interval ?? 0);
}
