/**
 * Budgets per hour, day or month of the process's time zone. Spent is what ended runs cost: a run that is going may exceed the
 * rest of the window, and its own limits bound it.
 */
import type { BudgetWindow, WindowBudget } from "../definition.ts";
import type { SpentByWindow, SpentInWindow, TriggerState } from "../trigger-state.ts";

const hourMs = 3_600_000;
const windows = ["hour", "day", "month"] as const satisfies readonly BudgetWindow[];
/** At most; for the check of a clock that was set back. */
const lengthMs: Readonly<Record<BudgetWindow, number>> = {
  hour: hourMs,
  day: 25 * hourMs,
  month: 32 * 24 * hourMs,
};

/** Start of the window that holds the moment. */
function windowStart(per: BudgetWindow, at: number): number {
  const date = new Date(at);
  switch (per) {
    case "hour":
      // Not from local fields: the hour that exists twice at the end of daylight saving is two windows.
      return at - (date.getMinutes() * 60_000 + date.getSeconds() * 1000 + date.getMilliseconds());
    case "day":
      return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
    case "month":
      return new Date(date.getFullYear(), date.getMonth()).getTime();
  }
}

/** End of the window that holds the moment: start of the next one. */
function windowEnd(per: BudgetWindow, at: number): number {
  const date = new Date(at);
  switch (per) {
    case "hour":
      return windowStart("hour", at) + hourMs;
    case "day":
      return new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime();
    case "month":
      return new Date(date.getFullYear(), date.getMonth() + 1).getTime();
  }
}

/**
 * Whether the amount belongs to the current window. A window that begins later is the current one too, because the clock was set
 * back, unless it is so far ahead that the clock was wrong before.
 */
const isCurrent = (per: BudgetWindow, { since }: SpentInWindow, now: number): boolean =>
  now < windowEnd(per, since) && since - now <= lengthMs[per];

/** What was spent in the current window. */
export function spentAt(per: BudgetWindow, spent: SpentByWindow | null, now: number): SpentInWindow {
  const last = spent?.[per];
  return last !== undefined && isCurrent(per, last, now)
    ? last
    : { since: windowStart(per, now), costUsd: 0, tokens: 0 };
}

export interface Spending {
  readonly costUsd: number;
  readonly tokens: number;
}

/** With the spending of a run that has just ended. */
export function charged(spent: SpentByWindow | null, run: Spending, now: number): SpentByWindow {
  const add = (per: BudgetWindow): SpentInWindow => {
    const { since, costUsd, tokens } = spentAt(per, spent, now);
    return { since, costUsd: costUsd + run.costUsd, tokens: tokens + run.tokens };
  };
  return { hour: add("hour"), day: add("day"), month: add("month") };
}

/** The amounts without those of windows that a wrong clock put far ahead; the same object if there are none. */
export function withoutFarWindows(spent: SpentByWindow, now: number): SpentByWindow {
  const isFar = windows.some((per) => spent[per].since - now > lengthMs[per]);
  return isFar ? charged(spent, { costUsd: 0, tokens: 0 }, now) : spent;
}

/**
 * When the window ends in which the budget is used up, and 0 if it is not. `states`: of the triggers that share the budget. Of
 * several windows, as after the time zone has changed, the latest counts.
 */
export function usedUpUntil(budget: WindowBudget | null, states: Iterable<TriggerState>): number {
  if (budget === null) return 0;
  const { per } = budget;
  const amounts = [...states].flatMap(({ spent }) => (spent === null ? [] : [spent[per]]));
  const since = Math.max(...amounts.map((amount) => amount.since));
  const inWindow = amounts.filter((amount) => amount.since === since);
  const sum = (pick: (amount: SpentInWindow) => number): number =>
    inWindow.reduce((total, amount) => total + pick(amount), 0);
  const isUsedUp =
    inWindow.length > 0 &&
    (sum(({ costUsd }) => costUsd) >= (budget.costUsd ?? Infinity) ||
      sum(({ tokens }) => tokens) >= (budget.tokens ?? Infinity));
  return isUsedUp ? windowEnd(per, since) : 0;
}
