/** A clock that stands still until it is told to move; for tests of everything that takes its time from a `Clock`. */
import type { Clock, Timer } from "@agentcore/contract";

interface Pending {
  readonly dueMs: number;
  readonly fire: () => void;
}

export interface ManualClock extends Clock {
  /** Moves both clocks forward and fires the timers that become due, in order, each at its due time. */
  advance(ms: number): void;
  /** Moves only the wall clock, in either direction, like a correction of the system's time. */
  jump(ms: number): void;
  /** Moves the monotonic clock and fires all due timers late, like a process that was suspended and wakes up. */
  sleep(ms: number): void;
  /** Timers that have not fired. */
  readonly pendingTimers: number;
}

export function createManualClock(startAt = Date.UTC(2026, 10, 24, 12)): ManualClock {
  let wallMs = startAt;
  let monotonicMs = 1000;
  const pending = new Set<Pending>();

  const firstDue = (untilMs: number): Pending | undefined => {
    let first: Pending | undefined;
    for (const timer of pending) {
      if (timer.dueMs <= untilMs && (first === undefined || timer.dueMs < first.dueMs)) first = timer;
    }
    return first;
  };
  const move = (ms: number): void => {
    wallMs += ms;
    monotonicMs += ms;
  };
  const fireDue = (untilMs: number, moveTo: (dueMs: number) => void): void => {
    for (let timer = firstDue(untilMs); timer !== undefined; timer = firstDue(untilMs)) {
      pending.delete(timer);
      moveTo(timer.dueMs);
      timer.fire();
    }
  };
  return {
    now: () => wallMs,
    monotonicMs: () => monotonicMs,
    setTimer(delayMs, fire): Timer {
      const timer = { dueMs: monotonicMs + Math.max(0, delayMs), fire };
      pending.add(timer);
      return { cancel: () => void pending.delete(timer) };
    },
    advance(ms) {
      const untilMs = monotonicMs + ms;
      fireDue(untilMs, (dueMs) => move(Math.max(0, dueMs - monotonicMs)));
      move(untilMs - monotonicMs);
    },
    jump(ms) {
      wallMs += ms;
    },
    sleep(ms) {
      move(ms);
      fireDue(monotonicMs, () => {});
    },
    get pendingTimers() {
      return pending.size;
    },
  };
}
