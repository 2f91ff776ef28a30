/**
 * One capped counter of the budget tree, such as "dollars of tenant acme per day", as far as this process knows. It decides
 * fast and in memory; the ledger has the final decision. Its value can only be too low (other processes spend too), so it
 * never refuses what the ledger would have granted, and the ledger refuses what this counter should not have allowed.
 *
 * Invariant: held ≥ 0, and spent + held ≤ cap after every hold. Amounts are micro-dollars or tokens.
 */
import { type BudgetWindow, type CounterLevel, windowEndOf, windowStartOf } from "../ledger/ledger.ts";

export type BudgetKind = "cost_usd" | "tokens";

/** Amounts of one window. A permit keeps the window it held in, so that it can be settled even after the window ended. */
export class WindowLevel {
  readonly startsAt: number;
  readonly endsAt: number;
  readonly cap: number;
  spent = 0;
  held = 0;

  constructor(startsAt: number, endsAt: number, cap: number) {
    this.startsAt = startsAt;
    this.endsAt = endsAt;
    this.cap = cap;
  }

  /** The amount that is neither spent nor held; below 0 if more than the cap was spent. */
  get free(): number {
    return this.cap - this.spent - this.held;
  }
}

export class BudgetCounter {
  readonly kind: BudgetKind;
  /** Name of the scope: `tenant:acme`. */
  readonly scope: string;
  /** Key of the cap in the configuration: `limits.tenants.acme.cost_usd.day`. */
  readonly setting: string;
  readonly window: BudgetWindow;
  readonly cap: number;
  #level: WindowLevel;

  constructor(
    kind: BudgetKind,
    window: BudgetWindow,
    cap: number,
    place: { scope: string; setting: string },
  ) {
    this.kind = kind;
    this.window = window;
    this.cap = cap;
    this.#level = new WindowLevel(Number.NaN, Number.NaN, cap);
    this.scope = place.scope;
    this.setting = `${place.setting}.${kind}.${window}`;
  }

  /** The window that contains a moment of the wall clock; a new one if the clock has left the last. */
  levelAt(now: number): WindowLevel {
    const level = this.#level;
    // Written so that the NaN of a counter never used counts as "outside".
    if (now >= level.startsAt && now < level.endsAt) return level;
    this.#level = new WindowLevel(windowStartOf(this.window, now), windowEndOf(this.window, now), this.cap);
    return this.#level;
  }

  /** Adopts the amount that the ledger knows to be spent, if it is about the current window. */
  learn(known: CounterLevel, now: number): void {
    const level = this.levelAt(now);
    if (known.windowStart !== level.startsAt) return;
    level.spent = this.kind === "cost_usd" ? known.costSpentMicroUsd : known.tokensSpent;
  }
}
