/**
 * Chooses which of the ready steps start, and with what ceiling. A step with its own budget gets all of it, or waits as
 * long as running jobs may release money. The others get equal shares of the rest, divided among jobs that could run at the
 * same time; jobs that can only run later leave their share to earlier ones. Pure.
 */
import type { Budget } from "../definition.ts";
import type { PlanStep } from "../plan/plan-step.ts";
import { budgetLeft, budgetShare, covers, isUsedUp, lower, nothingSpent } from "./budget-share.ts";

export interface Start {
  readonly step: string;
  /** Whether its worker can spend money or tokens. If not, nothing is reserved for it. */
  readonly spends: boolean;
  /** What is left of the step's own budget. */
  readonly own: Budget;
}

export interface BudgetQuestion {
  readonly starts: readonly Start[];
  /** What the run has neither spent nor reserved. */
  readonly left: Budget;
  /** How many steps besides `starts` can spend and may run at the same time as the step. */
  readonly rivals: (step: string) => number;
  /** Whether running jobs may give back part of what they reserved. */
  readonly reservationsRunning: boolean;
  /** Starts that the concurrency limit allows; null: no limit. */
  readonly slots: number | null;
}

export interface BudgetAnswer {
  /** What each step may spend. Missing steps wait until a reservation is given back. */
  readonly ceilings: ReadonlyMap<string, Budget>;
  /** Nothing is left and nothing will be given back. */
  readonly isExhausted: boolean;
}

export function chooseStarts(question: BudgetQuestion): BudgetAnswer {
  const { starts, reservationsRunning } = question;
  const ceilings = new Map(starts.filter(({ spends }) => !spends).map(({ step, own }) => [step, own]));
  const spending = starts.filter(({ spends }) => spends);
  const withOwn = spending.filter(({ own }) => hasCeiling(own));
  const open = spending.filter(({ own }) => !hasCeiling(own));
  let rest = question.left;
  let granted = 0;
  const grant = (step: string, ceiling: Budget): void => {
    ceilings.set(step, ceiling);
    granted += 1;
    rest = budgetLeft(rest, nothingSpent, [ceiling]);
  };
  for (const { step, own } of withOwn) {
    const wanted = filled(own, budgetShare(rest, partsFor(step, question, spending.length)));
    const waits = !covers(rest, wanted) && (reservationsRunning || granted > 0);
    const ceiling = lower(rest, wanted);
    if (!waits && (isUsedUp(own) || !isUsedUp(ceiling))) grant(step, ceiling);
  }
  const sharing = spending.length - granted;
  const shared = rest;
  for (const { step } of open) {
    const share = budgetShare(shared, partsFor(step, question, sharing));
    if (!isUsedUp(share)) grant(step, share);
  }
  return { ceilings, isExhausted: spending.length > 0 && granted === 0 && !reservationsRunning };
}

/** The number of parts of what is left: one for each of `starting`, and for others that may run beside the step. */
function partsFor(step: string, { rivals, slots }: BudgetQuestion, starting: number): number {
  return Math.max(starting, Math.min(slots ?? Infinity, starting + rivals(step)));
}

function hasCeiling({ costUsd, tokens }: Budget): boolean {
  return costUsd !== null || tokens !== null;
}

/** The step's own ceiling. For a kind that it does not name, the step's share. */
function filled(own: Budget, share: Budget): Budget {
  return { costUsd: own.costUsd ?? share.costUsd, tokens: own.tokens ?? share.tokens };
}

/** With more steps than this, all count as unordered: the answer is then more careful than necessary. */
const orderedStepsMax = 1000;

/** Returns whether one of two steps of a run waits for the other, directly or through others; null: all count as unordered. */
export function orderOf(steps: readonly PlanStep[]): ((a: string, b: string) => boolean) | null {
  if (steps.length > orderedStepsMax) return null;
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
