/**
 * The counters of one kind on a path through the budget tree, checked together. Their current windows are cached until the
 * clock leaves one of them, so that a decision needs only two comparisons.
 */
import type { BudgetCounter, WindowLevel } from "./budget-counter.ts";

export class CounterSet {
  /** From the root down. */
  readonly counters: readonly BudgetCounter[];
  #windows: readonly WindowLevel[] = [];
  #validFrom = Infinity;
  #validUntil = -Infinity;

  constructor(counters: readonly BudgetCounter[]) {
    this.counters = counters;
  }

  get isEmpty(): boolean {
    return this.counters.length === 0;
  }

  /** The window of each counter that contains a moment of the wall clock. */
  windowsAt(now: number): readonly WindowLevel[] {
    if (now >= this.#validFrom && now < this.#validUntil) return this.#windows;
    this.#windows = this.counters.map((counter) => counter.levelAt(now));
    this.#validFrom = Math.max(0, ...this.#windows.map((window) => window.startsAt));
    this.#validUntil = Math.min(Infinity, ...this.#windows.map((window) => window.endsAt));
    return this.#windows;
  }

  /** The least that any counter has left; `Infinity` without counters. */
  leastFreeAt(now: number): number {
    let least = Infinity;
    for (const window of this.windowsAt(now)) {
      const free = window.cap - window.spent - window.held;
      if (free < least) least = free;
    }
    return least;
  }

  /** The counter that has the least left; null if there is none. */
  tightestAt(now: number): BudgetCounter | null {
    const least = this.leastFreeAt(now);
    return this.counters.find((counter) => counter.levelAt(now).free === least) ?? null;
  }

  /** The first counter, from the root, that has less left than an amount; null if none has. */
  firstBelow(amount: number, now: number): BudgetCounter | null {
    return this.counters.find((counter) => counter.levelAt(now).free < amount) ?? null;
  }
}
