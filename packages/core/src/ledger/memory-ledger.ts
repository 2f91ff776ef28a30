/**
 * A {@link Ledger} in memory, for embedding without durable budgets, and as the reference in tests. Every call is
 * synchronous, so calls take effect in order. Settled holds are kept up to a bound, for corrections and repeated
 * settlements; counters of past windows and finished jobs are bounded too.
 */
import { AgentCoreError, BoundedMap } from "@agentcore/contract";
import {
  type CounterKey,
  type CounterLevel,
  type HoldEntry,
  type HoldOutcome,
  type Ledger,
  levelsBelowMax,
  type SettleOutcome,
  type Spent,
  windowEndOf,
} from "./ledger.ts";

/** Settled holds kept for a later correction; the oldest is forgotten first. */
const settledHoldsMax = 10_000;

/** Counters kept before those of past windows and of ended jobs are forgotten. */
const countersMax = 20_000;

interface Amounts {
  costSpentMicroUsd: number;
  costHeldMicroUsd: number;
  tokensSpent: number;
  tokensHeld: number;
}

interface MutableLevel extends Amounts {
  readonly key: CounterKey;
}

const nothing: Readonly<Amounts> = {
  costSpentMicroUsd: 0,
  costHeldMicroUsd: 0,
  tokensSpent: 0,
  tokensHeld: 0,
};

interface SettledHold {
  readonly entry: HoldEntry;
  readonly spent: Spent;
}

export function createMemoryLedger(): Ledger {
  const counters = createCounters();
  const open = new Map<string, HoldEntry>();
  const settled = new BoundedMap<string, SettledHold>(settledHoldsMax);

  const refuseKnown = (holdId: string): void => {
    if (!open.has(holdId) && !settled.has(holdId)) return;
    throw new AgentCoreError("AC_INTERNAL", `hold ${holdId} exists already; hold ids are never reused`);
  };

  const settleNow = (holdId: string, spent: Spent): SettleOutcome => {
    const entry = open.get(holdId);
    if (entry !== undefined) {
      open.delete(holdId);
      counters.addHeld(entry, -1);
      counters.addSpent(entry, spent.costMicroUsd, spent.tokens);
      settled.set(entry.holdId, { entry, spent });
      return "settled";
    }
    const before = settled.get(holdId);
    if (before === undefined) return "unknown";
    if (!replacesEstimate(before.spent, spent)) return "already_settled";
    const costDifference = spent.costMicroUsd - before.spent.costMicroUsd;
    counters.addSpent(before.entry, costDifference, spent.tokens - before.spent.tokens);
    settled.set(holdId, { entry: before.entry, spent });
    return "corrected";
  };

  return {
    async hold(entry) {
      refuseKnown(entry.holdId);
      const refusal = firstRefusal(entry, counters.read);
      if (refusal !== null) return refusal;
      open.set(entry.holdId, entry);
      counters.addHeld(entry, 1);
      return { ok: true };
    },
    async settle(holdId, spent) {
      return settleNow(holdId, spent);
    },
    async charge(entry, spent) {
      refuseKnown(entry.holdId);
      counters.addSpent(entry, spent.costMicroUsd, spent.tokens);
      settled.set(entry.holdId, { entry, spent });
    },
    async levels(keys) {
      return keys.map((key) => snapshot(key, counters.read(key)));
    },
    async levelsBelow(prefix, windows) {
      return counters.below(prefix, windows).slice(0, levelsBelowMax);
    },
    async openHolds() {
      return [...open.values()].toSorted((a, b) => a.heldAt - b.heldAt);
    },
  };
}

interface Counters {
  read(this: void, key: CounterKey): Readonly<Amounts>;
  below(prefix: string, windows: readonly Pick<CounterKey, "window" | "windowStart">[]): CounterLevel[];
  addHeld(entry: HoldEntry, sign: 1 | -1): void;
  addSpent(entry: HoldEntry, costMicroUsd: number, tokens: number): void;
}

function createCounters(): Counters {
  const levels = new Map<string, MutableLevel>();
  const levelOf = (key: CounterKey, at: number): MutableLevel => {
    let level = levels.get(nameOf(key));
    if (level === undefined) {
      if (levels.size >= countersMax) forgetOldCounters(levels, at);
      level = { key, ...nothing };
      levels.set(nameOf(key), level);
    }
    return level;
  };
  return {
    read: (key) => levels.get(nameOf(key)) ?? nothing,
    below: (prefix, windows) =>
      [...levels.values()]
        .filter(({ key }) => key.scope.startsWith(prefix))
        .filter(({ key }) =>
          windows.some(({ window, windowStart }) => key.window === window && key.windowStart === windowStart),
        )
        .map((level) => snapshot(level.key, level))
        .toSorted((a, b) => (a.scope < b.scope ? -1 : 1)),
    addHeld(entry, sign) {
      for (const counter of entry.counters) {
        const level = levelOf(counter, entry.heldAt);
        level.costHeldMicroUsd += sign * entry.costMicroUsd;
        level.tokensHeld += sign * entry.tokens;
      }
    },
    addSpent(entry, costMicroUsd, tokens) {
      for (const counter of entry.counters) {
        const level = levelOf(counter, entry.heldAt);
        level.costSpentMicroUsd += costMicroUsd;
        level.tokensSpent += tokens;
      }
    },
  };
}

function nameOf(key: CounterKey): string {
  return `${key.window} ${key.windowStart} ${key.scope}`;
}

/** Drops counters without holds: first those of windows that have ended, then the older half of the jobs' counters. */
function forgetOldCounters(levels: Map<string, MutableLevel>, at: number): void {
  let jobsToDrop = Math.floor(countersMax / 2);
  for (const [name, level] of levels) {
    if (level.costHeldMicroUsd > 0 || level.tokensHeld > 0) continue;
    const hasEnded = windowEndOf(level.key.window, level.key.windowStart) <= at;
    const isOldJob = level.key.scope.startsWith("job:") && jobsToDrop > 0;
    if (isOldJob) jobsToDrop -= 1;
    if (hasEnded || isOldJob) levels.delete(name);
  }
}

/** Whether a later settlement replaces an earlier one: only a known amount replaces an estimate. */
export function replacesEstimate(before: Pick<Spent, "basis">, after: Pick<Spent, "basis">): boolean {
  return before.basis === "estimated" && (after.basis === "reported" || after.basis === "metered");
}

function firstRefusal(
  entry: HoldEntry,
  levelOf: (key: CounterKey) => Readonly<Amounts>,
): Extract<HoldOutcome, { ok: false }> | null {
  for (const counter of entry.counters) {
    const level = levelOf(counter);
    const { costCapMicroUsd, tokensCap } = counter;
    const costAfter = level.costSpentMicroUsd + level.costHeldMicroUsd + entry.costMicroUsd;
    if (costCapMicroUsd !== null && costAfter > costCapMicroUsd) {
      return { ok: false, kind: "cost_usd", cap: costCapMicroUsd, level: snapshot(counter, level) };
    }
    if (tokensCap !== null && level.tokensSpent + level.tokensHeld + entry.tokens > tokensCap) {
      return { ok: false, kind: "tokens", cap: tokensCap, level: snapshot(counter, level) };
    }
  }
  return null;
}

function snapshot(key: CounterKey, level: Readonly<Amounts>): CounterLevel {
  const { costSpentMicroUsd, costHeldMicroUsd, tokensSpent, tokensHeld } = level;
  const { scope, window, windowStart } = key;
  return { scope, window, windowStart, costSpentMicroUsd, costHeldMicroUsd, tokensSpent, tokensHeld };
}
