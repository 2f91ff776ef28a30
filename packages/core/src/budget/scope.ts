/** One node of the budget tree: concurrency, start rate and capped counters of `global`, a tenant, a worker or a provider. */
import type { BudgetLevel } from "@agentcore/contract";
import type { ScopeLimits } from "../config/limits-config.ts";
import { type BudgetWindow, microUsdOf, usdOf } from "../ledger/ledger.ts";
import { BudgetCounter, type BudgetKind } from "./budget-counter.ts";
import { TokenBucket } from "./token-bucket.ts";

const windows: readonly BudgetWindow[] = ["hour", "day", "month", "total"];

export class Scope {
  /** As in budget levels and the ledger: `global`, `tenant:acme`, `worker:codex`, `provider:openai`. */
  readonly name: string;
  /** Key of its limits in the configuration: `limits.workers.codex`. */
  readonly setting: string;
  /** `Infinity` if there is no limit. Only the defense changes it, and never above the configuration. */
  concurrencyLimit: number;
  /** Live permits in this scope. */
  running = 0;
  readonly startRate: TokenBucket | null;
  readonly costCounters: readonly BudgetCounter[];
  readonly tokenCounters: readonly BudgetCounter[];

  constructor(name: string, setting: string, limits: ScopeLimits) {
    this.name = name;
    this.setting = setting;
    this.concurrencyLimit = limits.concurrency ?? Infinity;
    const rate = limits.start_rate;
    this.startRate = rate === undefined ? null : new TokenBucket(rate.count, rate.per);
    this.costCounters = countersOf(this, "cost_usd", limits);
    this.tokenCounters = countersOf(this, "tokens", limits);
  }

  /** Nothing runs in it and its bucket is full: a new scope would be the same, except for what the ledger knows. */
  isIdle(nowMs: number): boolean {
    return (
      this.running === 0 &&
      (this.startRate === null || this.startRate.levelAt(nowMs) === this.startRate.count)
    );
  }

  /** Levels for people and programs; empty if there is no limit. */
  levels(nowMs: number, now: number): BudgetLevel[] {
    const levels: BudgetLevel[] = [];
    const scope = this.name;
    if (this.concurrencyLimit !== Infinity) {
      levels.push({ scope, kind: "concurrency", limit: this.concurrencyLimit, held: this.running, spent: 0 });
    }
    if (this.startRate !== null) {
      const { count } = this.startRate;
      const spent = Math.round((count - this.startRate.levelAt(nowMs)) * 1000) / 1000;
      levels.push({ scope, kind: "start_rate", limit: count, held: 0, spent });
    }
    for (const counter of this.costCounters) levels.push(counterLevel(counter, now));
    for (const counter of this.tokenCounters) levels.push(counterLevel(counter, now));
    return levels;
  }
}

function counterLevel(counter: BudgetCounter, now: number): BudgetLevel {
  const { scope, kind, cap } = counter;
  const { spent, held } = counter.levelAt(now);
  const window = counter.window === "total" ? {} : { window: counter.window };
  const shown = kind === "cost_usd" ? usdOf : (tokens: number) => tokens;
  return { scope, kind, ...window, limit: shown(cap), held: shown(held), spent: shown(spent) };
}

function countersOf(scope: Scope, kind: BudgetKind, limits: ScopeLimits): BudgetCounter[] {
  const place = { scope: scope.name, setting: scope.setting };
  return windows.flatMap((window) => {
    const limit = limits[kind]?.[window];
    if (limit === undefined) return [];
    return [new BudgetCounter(kind, window, kind === "cost_usd" ? microUsdOf(limit) : limit, place)];
  });
}
