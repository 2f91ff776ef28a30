/**
 * Divides a run's ceiling. A job's share is reserved before it starts, and the unspent part is released when it ends. So
 * spent and reserved money together never exceed the ceiling, regardless of how many steps run at once. Pure.
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

/** A ceiling that another one lowers; null: there is none. */
export function lowered(ceiling: Budget | null, by: Budget): Budget | null {
  const both = lower(ceiling ?? noCeiling, by);
  return both.costUsd === null && both.tokens === null ? null : both;
}

function lowerField(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}

/** Whether the whole ceiling is available to be reserved. */
export function covers(left: Budget, wanted: Budget): boolean {
  return coversField(left.costUsd, wanted.costUsd) && coversField(left.tokens, wanted.tokens);
}

/** Less than a micro-dollar missing is the rounding error of sums of fractions. */
function coversField(left: number | null, wanted: number | null): boolean {
  return left === null || wanted === null || wanted <= left + 1e-6;
}

/** The amount that is neither spent nor reserved; never below zero. */
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

/** `$2`, `2000 tokens`, or both. */
export function budgetText({ costUsd, tokens }: Budget): string {
  const parts = [
    ...(costUsd === null ? [] : [`$${costUsd}`]),
    ...(tokens === null ? [] : [`${tokens} tokens`]),
  ];
  return parts.join(" and ");
}

/** Code for a ceiling with this left: that of tokens if only tokens can be used up. */
export function ceilingCode(left: Budget): "AC_COST_CEILING" | "AC_TOKEN_CEILING" {
  const isMoney = left.costUsd !== null && (isUsedUp({ ...left, tokens: null }) || left.tokens === null);
  return isMoney ? "AC_COST_CEILING" : "AC_TOKEN_CEILING";
}

/** Whether nothing may be started with it. */
export function isUsedUp({ costUsd, tokens }: Budget): boolean {
  return (costUsd !== null && costUsd < 1e-6) || (tokens !== null && tokens < 1);
}
