/**
 * How much of the cost or token budgets an attempt holds. Arithmetic on what is asked for, what is left, and whether it
 * may be less; amounts are micro-dollars or tokens. There is one planner for each of the two kinds.
 */
import type { Degradation } from "@agentcore/contract";
import type { BudgetKind } from "../budget/budget-counter.ts";
import type { CounterSet } from "../budget/counter-set.ts";
import { usdOf } from "../ledger.ts";
import { budgetDenied, type Denied, nothingLeftOfJob } from "./denials.ts";
import { JobSpending } from "./job-spending.ts";
import type { AmountHold } from "./permit.ts";

/** No ceiling applies: nothing is held, and nothing is watched. */
export const noCeiling = -1;

export interface CeilingPolicy {
  readonly kind: BudgetKind;
  /** Held by an attempt that names no ceiling, where a counter caps this kind (`limits.attempt`). */
  readonly standard: number;
  /** For all attempts of a job (`limits.job`); `Infinity` for none. */
  readonly jobCap: number;
  /** Applied to ceilings at backpressure `degrade`. */
  readonly pressedFactor: number;
  /** Whether a ceiling that a job asked for may be cut to what is left. */
  readonly shrinksAsked: boolean;
  /** Smallest part of a ceiling worth granting. */
  readonly minShare: number;
}

export class CeilingPlanner {
  readonly job: JobSpending;
  private readonly policy: CeilingPolicy;

  constructor(policy: CeilingPolicy) {
    this.policy = policy;
    this.job = new JobSpending(policy.jobCap);
  }

  /**
   * What an attempt asks for, or {@link noCeiling}. `spends`: whether its worker has a provider that bills it; one that
   * has none holds only what its job names.
   */
  ask(jobId: string, asked: number | undefined, spends: boolean, counters: CounterSet): number {
    const { policy, job } = this;
    if (policy.jobCap !== Infinity && (spends || asked !== undefined)) {
      return Math.min(asked ?? Infinity, job.leftFor(jobId));
    }
    if (asked !== undefined) return asked;
    return spends && !counters.isEmpty ? policy.standard : noCeiling;
  }

  /** What is granted of an ask: all of it, what is left where less will do, or 0 for a refusal. */
  grant(ask: number, isNamed: boolean, isPressed: boolean, counters: CounterSet, now: number): number {
    const { pressedFactor, shrinksAsked, minShare } = this.policy;
    const wanted = isPressed ? Math.max(1, Math.floor(ask * pressedFactor)) : ask;
    const free = counters.leastFreeAt(now);
    if (wanted <= free) return ask === 0 ? 0 : wanted;
    const worthwhile = Math.max(1, Math.ceil(ask * minShare));
    return (!isNamed || shrinksAsked) && free >= worthwhile ? free : 0;
  }

  /** Why `grant` said 0. */
  denial(jobId: string, ask: number, counters: CounterSet, now: number): Denied {
    const counter = counters.firstBelow(ask, now);
    if (ask === 0 || counter === null) return nothingLeftOfJob(jobId, this.policy.kind);
    const { kind, scope, window, setting, cap } = counter;
    const { spent, held, endsAt: windowEndsAt } = counter.levelAt(now);
    return budgetDenied({ kind, scope, window, setting, cap, spent, held, ask, windowEndsAt }, now);
  }

  /** Says what was reduced, for a grant below its ask. */
  reduction(ask: number, granted: number, isPressed: boolean): Degradation {
    const { kind, pressedFactor } = this.policy;
    const isCost = kind === "cost_usd";
    const shown = (amount: number) => (isCost ? usdOf(amount) : amount);
    const byPressure = isPressed && granted === Math.max(1, Math.floor(ask * pressedFactor));
    const why = byPressure
      ? { code: "AC_BACKPRESSURE", reason: "the machine is under pressure" }
      : { code: isCost ? "AC_BUDGET_COST" : "AC_BUDGET_TOKENS", reason: "a budget has no more left" };
    return { field: isCost ? "maxCostUsd" : "maxTokens", from: shown(ask), to: shown(granted), ...why };
  }
}

/** Holds an amount in the current window of every counter. */
export function holdAmount(amount: number, counters: CounterSet, now: number): AmountHold | null {
  if (amount === noCeiling) return null;
  const windows = counters.windowsAt(now);
  for (const window of windows) window.held += amount;
  return { amount, windows };
}

/** Gives a hold back and books what was used of it, in the windows where it was held. */
export function settleAmount(hold: AmountHold, spent: number): void {
  for (const window of hold.windows) {
    window.held -= hold.amount;
    window.spent += spent;
  }
}
