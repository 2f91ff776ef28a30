/**
 * A {@link Ledger} in memory, for embedding without durable budgets, and as the reference in tests. Every call is
 * synchronous, so calls take effect in order. Settled holds are kept up to a bound, for corrections and repeated
 * settlements; counters of past windows and finished jobs are bounded too.
 */
import { BoundedMap } from "@agentcore/contract";
import {
  type CounterAmounts,
  amountsHeld,
  amountsSpent,
  decideSettlement,
  firstRefusal,
  knownHold,
  levelOf,
  noAmounts,
  plus,
} from "./ledger-decisions.ts";
import {
  type CounterKey,
  type CounterLevel,
  type HoldEntry,
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

interface MutableLevel {
  readonly key: CounterKey;
  amounts: CounterAmounts;
}

interface SettledHold {
  readonly entry: HoldEntry;
  readonly spent: Spent;
}

export function createMemoryLedger(): Ledger {
  const counters = createCounters();
  const open = new Map<string, HoldEntry>();
  const settled = new BoundedMap<string, SettledHold>(settledHoldsMax);

  const refuseKnown = (holdId: string): void => {
    if (open.has(holdId) || settled.has(holdId)) throw knownHold(holdId);
  };

  const settleNow = (holdId: string, spent: Spent): SettleOutcome => {
    const before = settled.get(holdId);
    const entry = open.get(holdId) ?? before?.entry;
    if (entry === undefined) return "unknown";
    const { outcome, add } = decideSettlement(entry, before?.spent ?? null, spent);
    if (add === null) return outcome;
    open.delete(holdId);
    counters.add(entry, add);
    settled.set(holdId, { entry, spent });
    return outcome;
  };

  return {
    async hold(entry) {
      refuseKnown(entry.holdId);
      const refusal = firstRefusal(entry, counters.read);
      if (refusal !== null) return refusal;
      open.set(entry.holdId, entry);
      counters.add(entry, amountsHeld(entry));
      return { ok: true };
    },
    async settle(holdId, spent) {
      return settleNow(holdId, spent);
    },
    async charge(entry, spent) {
      refuseKnown(entry.holdId);
      counters.add(entry, amountsSpent(spent));
      settled.set(entry.holdId, { entry, spent });
    },
    async levels(keys) {
      return keys.map((key) => levelOf(key, counters.read(key)));
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
  read(this: void, key: CounterKey): CounterAmounts;
  below(prefix: string, windows: readonly Pick<CounterKey, "window" | "windowStart">[]): CounterLevel[];
  /** To each counter of the entry. */
  add(entry: HoldEntry, amounts: CounterAmounts): void;
}

function createCounters(): Counters {
  const levels = new Map<string, MutableLevel>();
  const counterOf = (key: CounterKey, at: number): MutableLevel => {
    let level = levels.get(nameOf(key));
    if (level === undefined) {
      if (levels.size >= countersMax) forgetOldCounters(levels, at);
      level = { key, amounts: noAmounts };
      levels.set(nameOf(key), level);
    }
    return level;
  };
  return {
    read: (key) => levels.get(nameOf(key))?.amounts ?? noAmounts,
    below: (prefix, windows) =>
      [...levels.values()]
        .filter(({ key }) => key.scope.startsWith(prefix))
        .filter(({ key }) =>
          windows.some(({ window, windowStart }) => key.window === window && key.windowStart === windowStart),
        )
        .map(({ key, amounts }) => levelOf(key, amounts))
        .toSorted((a, b) => (a.scope < b.scope ? -1 : 1)),
    add(entry, amounts) {
      for (const key of entry.counters) {
        const counter = counterOf(key, entry.heldAt);
        counter.amounts = plus(counter.amounts, amounts);
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
  for (const [name, { key, amounts }] of levels) {
    if (amounts.costHeldMicroUsd > 0 || amounts.tokensHeld > 0) continue;
    const hasEnded = windowEndOf(key.window, key.windowStart) <= at;
    const isOldJob = key.scope.startsWith("job:") && jobsToDrop > 0;
    if (isOldJob) jobsToDrop -= 1;
    if (hasEnded || isOldJob) levels.delete(name);
  }
}
