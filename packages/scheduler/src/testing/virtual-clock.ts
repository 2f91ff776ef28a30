/**
 * Time that passes only when a test says so. Wall clock and monotonic clock move together, except where the wall clock is
 * set. Between two timers everything that is ready runs, so that code which awaits sees time as it would.
 */
import type { Clock } from "@agentcore/contract";

export interface VirtualClock extends Clock {
  /** Advances the time and fires timers in order. Resolves when everything that they started is at rest. */
  advance(durationMs: number): Promise<void>;
  /** Fires the next timer, at any distance. Returns false if there is none. */
  next(): Promise<boolean>;
  /** Sets the wall clock; the monotonic clock and the timers do not change. */
  setWall(now: number): void;
  readonly pending: number;
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Lets pending promises and I/O callbacks run. */
async function fourRounds(): Promise<void> {
  for (let round = 0; round < 4; round += 1) await new Promise(setImmediate);
}

/** `settle`: waits until everything is at rest that a timer started. Default: four rounds of the event loop. */
export function createVirtualClock(
  startAt = 1_700_000_000_000,
  settle: () => Promise<void> = fourRounds,
): VirtualClock {
  let monotonicMs = 0;
  let wallAheadMs = startAt;
  let order = 0;
  const timers = new Set<Due>();
  const first = (): Due | undefined => {
    let found: Due | undefined;
    for (const due of timers) {
      if (
        found === undefined ||
        due.atMs < found.atMs ||
        (due.atMs === found.atMs && due.order < found.order)
      ) {
        found = due;
      }
    }
    return found;
  };
  const fire = async (due: Due): Promise<void> => {
    timers.delete(due);
    monotonicMs = Math.max(monotonicMs, due.atMs);
    due.fire();
    await settle();
  };
  return {
    now: () => wallAheadMs + monotonicMs,
    monotonicMs: () => monotonicMs,
    setTimer(delayMs, callback) {
      order += 1;
      const due = { atMs: monotonicMs + Math.max(0, delayMs), order, fire: callback };
      timers.add(due);
      return { cancel: () => timers.delete(due) };
    },
    async advance(durationMs) {
      await settle();
      const endMs = monotonicMs + durationMs;
      for (let due = first(); due !== undefined && due.atMs <= endMs; due = first()) await fire(due);
      monotonicMs = endMs;
    },
    async next() {
      await settle();
      const due = first();
      if (due === undefined) return false;
      await fire(due);
      return true;
    },
    setWall(now) {
      wallAheadMs = now - monotonicMs;
    },
    get pending() {
      return timers.size;
    },
  };
}
