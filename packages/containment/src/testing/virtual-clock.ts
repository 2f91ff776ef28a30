/** A clock that stands still until a test moves it. */
import type { Clock, Timer } from "@agentcore/contract";

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #pending: Pending[] = [];

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    this.#order += 1;
    const pending = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, fire };
    this.#pending.push(pending);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((each) => each !== pending);
      },
    };
  }

  /** Lets time pass, firing what falls due in order, with everything that was waiting for it. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settle();
    for (let next = this.#next(); next !== undefined && next.atMs <= untilMs; next = this.#next()) {
      this.#fire(next);
      await settle();
    }
    this.#nowMs = untilMs;
  }

  /** Lets time pass from timer to timer until the promise has settled. */
  async runUntilSettled(promise: Promise<unknown>): Promise<void> {
    const state = { settled: false };
    const mark = (): void => {
      state.settled = true;
    };
    promise.then(mark, mark);
    for (await settle(); !state.settled; await settle()) {
      const next = this.#next();
      if (next === undefined) throw new Error("nothing is due, and the promise has not settled");
      this.#fire(next);
    }
  }

  #next(): Pending | undefined {
    return this.#pending.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
  }

  #fire(next: Pending): void {
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    this.#pending = this.#pending.filter((each) => each !== next);
    next.fire();
  }
}

/** Lets promise chains and stream callbacks run out. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
