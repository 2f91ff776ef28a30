/**
 * The durable ledger of charges and holds. The gate decides in memory first. If a cost or token budget applies, the
 * permit's hold is written here before the worker starts. This port keeps the sum correct across crashes and across
 * processes that share a state directory.
 *
 * Invariants that every implementation keeps (see `ledgerConformanceCases` in `@agentcore/core/testing`):
 * 1. `hold` succeeds only if for every counter with a cap: spent + held + amount ≤ cap, checked and written in one
 *    transaction that no other process can interleave with.
 * 2. An acknowledged call is durable before its promise resolves. Calls made in one tick may be committed together; they
 *    take effect in the order they were made.
 * 3. A hold is settled once. Settling moves its amounts from held to spent in the counters it was held in, whatever the
 *    calendar says by then, so that a run across midnight is booked to the day that reserved for it.
 * 4. Nothing is forgotten: a hold whose owner died stays held until somebody settles it.
 *
 * Amounts are integers: micro-dollars (10⁻⁶ USD, so that sums do not drift) and tokens.
 */
import type { CostBasis } from "@agentcore/contract";

/** Fixed windows aligned in UTC; `total` never ends. */
export type BudgetWindow = "hour" | "day" | "month" | "total";

/** The counter in which an amount is booked: a scope of the budget tree in one window. */
export interface CounterKey {
  /** `global`, `tenant:NAME`, `worker:NAME`, `provider:NAME` or `job:ID`. */
  readonly scope: string;
  readonly window: BudgetWindow;
  /** Start of the window in ms since the epoch; 0 for `total`. */
  readonly windowStart: number;
}

/** A counter in which a hold is booked, with the caps that must not be exceeded; null: counted, not capped. */
export interface CappedCounter extends CounterKey {
  readonly costCapMicroUsd: number | null;
  readonly tokensCap: number | null;
}

export interface CounterLevel extends CounterKey {
  readonly costSpentMicroUsd: number;
  readonly costHeldMicroUsd: number;
  readonly tokensSpent: number;
  readonly tokensHeld: number;
}

/** The process that holds. After a crash it tells a dead owner from a live one, even if another process got the same pid. */
export interface LedgerOwner {
  readonly pid: number;
  /** Start time of the process in clock ticks, as in `/proc/<pid>/stat`; null if the system has none. */
  readonly startTicks: number | null;
  readonly bootId: string | null;
  /**
   * Set where machines share the ledger: the machine and the state directory of the process, such as `host:/path`, as in the
   * registration of its scheduler. Only a process of the same place can judge it by its pid.
   */
  readonly place?: string | undefined;
}

export interface HoldEntry {
  /** Id of the permit; never used again. */
  readonly holdId: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly worker: string;
  readonly owner: LedgerOwner;
  /** Moment of the hold, in ms since the epoch. */
  readonly heldAt: number;
  /** Amounts held in every counter below; 0 if no such ceiling applies. */
  readonly costMicroUsd: number;
  readonly tokens: number;
  /** No two with the same key. */
  readonly counters: readonly CappedCounter[];
}

/** What an attempt used. */
export interface Spent {
  readonly costMicroUsd: number;
  readonly tokens: number;
  readonly basis: CostBasis;
  readonly settledAt: number;
}

export type HoldOutcome =
  | { readonly ok: true }
  /** Nothing was written. `level` is the current level of the counter, `cap` the limit that it may not exceed. */
  | {
      readonly ok: false;
      readonly kind: "cost_usd" | "tokens";
      readonly cap: number;
      readonly level: CounterLevel;
    };

export type SettleOutcome =
  /** Booked. */
  | "settled"
  /** The hold had been charged an estimate (after a crash). The known amount has replaced it. */
  | "corrected"
  /** It was settled before; nothing was changed. */
  | "already_settled"
  /** No such hold; nothing was changed. */
  | "unknown";

export interface Ledger {
  /**
   * Holds the entry's amounts in all its counters, or in none. Rejects with `AC_INTERNAL` for a `holdId` seen before: ids are
   * never reused. Rejects with `AC_STORE_UNAVAILABLE` if the storage fails; the amounts may be held all the same, because a
   * commit can fail after it took effect. The caller then calls `settle`, which returns `unknown` if nothing is held.
   */
  hold(entry: HoldEntry): Promise<HoldOutcome>;
  /**
   * Ends a hold. Books all that was spent, even if it is more than was held. A hold that was settled with the basis `estimated`
   * can be settled once more with `reported` or `metered`: the difference is booked.
   */
  settle(holdId: string, spent: Spent): Promise<SettleOutcome>;
  /** Books an attempt that needed no hold, so that levels stay true when a cap is configured later. Checks no cap. */
  charge(entry: HoldEntry, spent: Spent): Promise<void>;
  /** Levels of the given counters, in the same order; zeros if nothing was booked. */
  levels(keys: readonly CounterKey[]): Promise<readonly CounterLevel[]>;
  /**
   * Levels of all counters whose scope begins with `prefix`, in the given windows, ordered by scope; at most
   * {@link levelsBelowMax}. Scopes in which nothing was booked are not included.
   */
  levelsBelow(
    prefix: string,
    windows: readonly Pick<CounterKey, "window" | "windowStart">[],
  ): Promise<readonly CounterLevel[]>;
  /** Holds that are not settled yet, of all processes, oldest first. */
  openHolds(): Promise<readonly HoldEntry[]>;
}

/** Most levels that `levelsBelow` returns. */
export const levelsBelowMax = 10_000;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const startOfMonth = (at: number, monthsLater: number): number => {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + monthsLater, 1);
};

const windowBounds: Readonly<Record<BudgetWindow, (at: number) => readonly [start: number, end: number]>> = {
  hour: (at) => [floorTo(hourMs, at), floorTo(hourMs, at) + hourMs],
  day: (at) => [floorTo(dayMs, at), floorTo(dayMs, at) + dayMs],
  month: (at) => [startOfMonth(at, 0), startOfMonth(at, 1)],
  total: () => [0, Infinity],
};

function floorTo(unitMs: number, at: number): number {
  return Math.floor(at / unitMs) * unitMs;
}

/** Start of the UTC window that contains a moment. */
export function windowStartOf(window: BudgetWindow, at: number): number {
  return windowBounds[window](at)[0];
}

/** End of the UTC window that contains a moment; `Infinity` for `total`. */
export function windowEndOf(window: BudgetWindow, at: number): number {
  return windowBounds[window](at)[1];
}

/** Largest amount accepted, in dollars: keeps every sum an exact integer of micro-dollars. */
export const costUsdMax = 1_000_000_000;

/** Dollars to whole micro-dollars, rounded up, so that rounding never loses a charge. Returns 0 for a value that is no amount. */
export function microUsdOf(costUsd: number): number {
  // 0.1 + 0.2 dollars must be 300,000 and not 300,001: ignore the noise of the binary fraction before rounding up.
  return costUsd > 0 ? Math.max(0, Math.ceil(Math.min(costUsd, costUsdMax) * 1e6 - 1e-4)) : 0;
}

export function usdOf(microUsd: number): number {
  return microUsd / 1e6;
}
