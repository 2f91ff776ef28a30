/**
 * How a run's ceiling is divided. What may be spent is reserved before a job starts, and given back when it ends, less what
 * it spent; so the sum of what was spent and what still may be never exceeds the ceiling, however many steps run at once.
 * Pure.
 */
import type { Spending } from "@agentcore/scheduler";
import type { Budget } from "../definition.ts";

/** Null fields have no ceiling. */
export const noCeiling: Budget = { costUsd: null, tokens: null };

export const nothingSpent: Spending = { costUsd: 0, tokens: 0 };

export function addSpending(a: Spending, b: Spending): Spending {
  return { costUsd: a.costUsd + b.costUsd, tokens: a.tokens + b.tokens };
}

/** The lower of two ceilings, field by field. */
export function lower(a: Budget, b: Budget): Budget {
  return { costUsd: lowerField(a.costUsd, b.costUsd), tokens: lowerField(a.tokens, b.tokens) };
}

function lowerField(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}

/** What is neither spent nor reserved; never below zero. */
export function budgetLeft(ceiling: Budget, spent: Spending, reserved: Iterable<Budget>): Budget {
  let { costUsd, tokens } = ceiling;
  if (costUsd !== null) costUsd -= spent.costUsd;
  if (tokens !== null) tokens -= spent.tokens;
  for (const one of reserved) {
    if (costUsd !== null) costUsd -= one.costUsd ?? 0;
    if (tokens !== null) tokens -= one.tokens ?? 0;
  }
  return {
    costUsd: costUsd === null ? null : Math.max(0, costUsd),
    tokens: tokens === null ? null : Math.max(0, tokens),
  };
}

/** An equal part, rounded down: whole tokens and whole micro-dollars, as the ledger counts. */
export function budgetShare(left: Budget, parts: number): Budget {
  return {
    costUsd: left.costUsd === null ? null : Math.floor((left.costUsd / parts) * 1e6 + 1e-6) / 1e6,
    tokens: left.tokens === null ? null : Math.floor(left.tokens / parts),
  };
}

/** Nothing may be started with it. */
export function isUsedUp({ costUsd, tokens }: Budget): boolean {
  return (costUsd !== null && costUsd < 1e-6) || (tokens !== null && tokens < 1);
}
