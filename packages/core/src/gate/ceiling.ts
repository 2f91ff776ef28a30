/**
 * Computes how much of the cost or token budgets an attempt holds, from the requested ceiling, what is left, and whether it
 * may be reduced. Amounts are micro-dollars or tokens. There is one planner for each kind.
 */
import { assert, type Degradation } from "@agentcore/contract";
import type { BudgetKind } from "../budget/budget-counter.ts";
import type { CounterSet } from "../budget/counter-set.ts";
import { usdOf } from "../ledger/ledger.ts";
import { budgetDenied, type Denied, nothingLeftOfJob } from "./denials.ts";
import { JobSpending } from "./job-spending.ts";
import type { AmountHold } from "./permit.ts";

/** No ceiling applies: nothing is held, and nothing is watched. */
const noCeiling = -1;

export interface CeilingPolicy {
  readonly kind: BudgetKind;
  /** Held for an attempt that names no ceiling, if a counter caps this kind (`limits.attempt`). */
  readonly standard: number;
  /** For all attempts of a job (`limits.job`); `Infinity` for none. */
  readonly jobCap: number;
  /** Applied to ceilings at backpressure `degrade`. */
  readonly pressedFactor: number;
  /** Whether the ceiling that a job names may be reduced to what is left. */
  readonly shrinksAsked: boolean;
  /** Smallest part of a ceiling worth granting. */
  readonly minShare: number;
}

export interface CeilingRequest {
  readonly jobId: string;
  /** What is left of the ceiling that the job names; undefined if it names none. */
  readonly asked: number | undefined;
  /** Whether a provider bills this worker. Without one, only the ceiling that the job names is held. */
  readonly spends: boolean;
  readonly isPressed: boolean;
  readonly counters: CounterSet;
  readonly now: number;
}

export type CeilingPlan =
  /** `amount` may be {@link noCeiling}. */
  { readonly amount: number; readonly degraded: readonly Degradation[] } | Denied;

export class CeilingPlanner {
  readonly job: JobSpending;
  readonly #policy: CeilingPolicy;

  constructor(policy: CeilingPolicy) {
    this.#policy = policy;
    this.job = new JobSpending(policy.jobCap);
  }

  /**
   * What an attempt holds: the least of its ceiling (its job's, or the standard one), what is left of the configured ceiling of
   * the job, and what is left of every budget above. Each reduction is reported; otherwise the request is refused.
   */
  plan(request: CeilingRequest): CeilingPlan {
    const { jobId, asked, counters, now } = request;
    const ceiling = asked ?? this.#standardFor(request);
    if (ceiling === noCeiling) return { amount: noCeiling, degraded: [] };
    const ask = Math.min(ceiling, this.job.leftFor(jobId));
    if (ask === 0) return nothingLeftOfJob(jobId, this.#policy.kind);
    const amount = this.#grant(ask, request);
    if (amount === 0) return this.#denial(ask, counters, now);
    return { amount, degraded: this.#reductions({ ceiling, ask, amount }, request) };
  }

  /** For an attempt that names no ceiling. It has none if nobody bills its worker or no budget counts it. */
  #standardFor({ spends, counters }: CeilingRequest): number {
    const isCapped = !counters.isEmpty || this.#policy.jobCap !== Infinity;
    return spends && isCapped ? this.#policy.standard : noCeiling;
  }

  /** What is granted of `ask`: all of it, what is left if less is enough, or 0 for a refusal. */
  #grant(ask: number, { asked, isPressed, counters, now }: CeilingRequest): number {
    const { shrinksAsked, minShare } = this.#policy;
    const wanted = isPressed ? this.#pressed(ask) : ask;
    const free = counters.leastFreeAt(now);
    if (wanted <= free) return wanted;
    const worthwhile = Math.max(1, Math.ceil(ask * minShare));
    return (asked === undefined || shrinksAsked) && free >= worthwhile ? free : 0;
  }

  #pressed(ask: number): number {
    return Math.max(1, Math.floor(ask * this.#policy.pressedFactor));
  }

  /** Why `#grant` returned 0. */
  #denial(ask: number, counters: CounterSet, now: number): Denied {
    const counter = counters.firstBelow(ask, now) ?? counters.tightestAt(now);
    assert(counter !== null, "only a counter refuses an amount");
    const { kind, scope, window, setting, cap } = counter;
    const { spent, held, endsAt: windowEndsAt } = counter.levelAt(now);
    return budgetDenied({ kind, scope, window, setting, cap, spent, held, ask, windowEndsAt }, now);
  }

  /** The reductions, in the order in which they were made. */
  #reductions(
    { ceiling, ask, amount }: { readonly ceiling: number; readonly ask: number; readonly amount: number },
    { isPressed, counters, now }: CeilingRequest,
  ): Degradation[] {
    const { kind } = this.#policy;
    const code = kind === "cost_usd" ? "AC_BUDGET_COST" : "AC_BUDGET_TOKENS";
    const left = (setting: string) => ({ code, reason: `all that is left of ${setting}` });
    const wanted = isPressed ? this.#pressed(ask) : ask;
    const steps = [
      { from: ceiling, to: ask, why: () => left(`limits.job.${kind}`) },
      { from: ask, to: wanted, why: () => underPressure },
      { from: wanted, to: amount, why: () => left(counters.tightestAt(now)?.setting ?? "a budget") },
    ];
    return steps
      .filter(({ from, to }) => to < from)
      .map(({ from, to, why }) => ({ ...this.#change(from, to), ...why() }));
  }

  #change(from: number, to: number): Pick<Degradation, "field" | "from" | "to"> {
    return this.#policy.kind === "cost_usd"
      ? { field: "maxCostUsd", from: usdOf(from), to: usdOf(to) }
      : { field: "maxTokens", from, to };
  }
}

const underPressure = { code: "AC_BACKPRESSURE", reason: "the machine is under pressure" };

/** Holds an amount in the current window of every counter. */
export function holdAmount(amount: number, counters: CounterSet, now: number): AmountHold | null {
  if (amount === noCeiling) return null;
  const windows = counters.windowsAt(now);
  for (const window of windows) window.held += amount;
  return { amount, windows };
}

/** Releases a hold and books the amount spent, in the windows in which it was held. */
export function settleAmount(hold: AmountHold, spent: number): void {
  for (const window of hold.windows) {
    window.held -= hold.amount;
    window.spent += spent;
  }
}
