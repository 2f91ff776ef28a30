/**
 * Who of those that may start now starts, and with what ceiling. Work that could run at the same time gets equal parts of
 * what is left; work that can only come later leaves its part to those before it. Pure.
 */
import type { Budget } from "../definition.ts";
import type { PlanStep } from "../plan/plan-step.ts";
import { budgetShare, isUsedUp, lower } from "./budget-share.ts";

export interface Start {
  readonly step: string;
  /** Whether its worker can spend anything; where not, nothing is reserved for it. */
  readonly spends: boolean;
  /** What is left of the step's own budget. */
  readonly own: Budget;
}

export interface BudgetQuestion {
  readonly starts: readonly Start[];
  /** Of the run; neither spent nor reserved. */
  readonly left: Budget;
  /** Steps besides `starts` that are not running, have not ended and can spend. */
  readonly waiting: readonly string[];
  /** Whether jobs run that may give back some of what they reserved. */
  readonly reservationsRunning: boolean;
  /** Starts that the concurrency limit leaves room for; null: no limit. */
  readonly slots: number | null;
  /** Whether two steps wait for one another, directly or through others. */
  readonly areOrdered: (a: string, b: string) => boolean;
}

export interface BudgetAnswer {
  /** What each may spend. Those that are missing wait for a reservation to be given back. */
  readonly ceilings: ReadonlyMap<string, Budget>;
  /** Nothing is left and nothing will be given back. */
  readonly isExhausted: boolean;
}

export function chooseStarts(question: BudgetQuestion): BudgetAnswer {
  const { starts, left, waiting, slots, areOrdered } = question;
  const spending = starts.filter(({ spends }) => spends);
  const ceilings = new Map<string, Budget>();
  let isExhausted = false;
  for (const { step, spends, own } of starts) {
    if (!spends) {
      ceilings.set(step, own);
      continue;
    }
    const rivals = waiting.filter((other) => !areOrdered(step, other)).length;
    const parts = Math.max(spending.length, Math.min(slots ?? Infinity, spending.length + rivals));
    const share = budgetShare(left, parts);
    if (!isUsedUp(share)) ceilings.set(step, lower(share, own));
    else if (!question.reservationsRunning && ceilings.size === 0) isExhausted = true;
  }
  return { ceilings, isExhausted };
}

/** Above so many steps, all count as unordered: the answer is then more careful than it need be. */
const orderedStepsMax = 1000;

/** Answers `areOrdered` for the steps of one run. */
export function orderOf(steps: readonly PlanStep[]): (a: string, b: string) => boolean {
  if (steps.length > orderedStepsMax) return () => false;
  const above = new Map<string, Set<string>>();
  const byId = new Map(steps.map((step) => [step.id, step]));
  const ancestors = (id: string): Set<string> => {
    const known = above.get(id);
    if (known !== undefined) return known;
    const found = new Set<string>();
    above.set(id, found);
    for (const dependency of byId.get(id)?.dependsOn ?? []) {
      found.add(dependency);
      for (const further of ancestors(dependency)) found.add(further);
    }
    return found;
  };
  return (a, b) => ancestors(a).has(b) || ancestors(b).has(a);
}
