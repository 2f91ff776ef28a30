/**
 * A {@link Ledger} in memory, for embedding where budgets need not survive the process, and as the reference in tests.
 * Everything happens in the call itself, so calls take effect in the order they are made. Settled holds are remembered up
 * to a bound, for corrections and double settles; counters of past hours and days and of finished jobs are bounded too.
 */
import { AgentCoreError } from "@agentcore/contract";
import type {
  CounterKey,
  CounterLevel,
  HoldEntry,
  HoldOutcome,
  Ledger,
  SettleOutcome,
  Spent,
} from "./ledger.ts";

/** Settled holds remembered for a later correction; the oldest is forgotten first. */
const settledHoldsMax = 10_000;

/** Counters kept before those of past windows and of finished jobs are forgotten. */
const countersMax = 20_000;

interface MutableLevel {
  costSpentMicroUsd: number;
  costHeldMicroUsd: number;
  tokensSpent: number;
  tokensHeld: number;
}

const nothing: Readonly<MutableLevel> = {
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
  const settled = new Map<string, SettledHold>();

  const remember = (entry: HoldEntry, spent: Spent): void => {
    settled.set(entry.holdId, { entry, spent });
    if (settled.size > settledHoldsMax) settled.delete(settled.keys().next().value ?? "");
  };

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
      remember(entry, spent);
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
      remember(entry, spent);
    },
    async levels(keys) {
      return keys.map((key) => snapshot(key, counters.read(key)));
    },
    async openHolds() {
      return [...open.values()].toSorted((a, b) => a.heldAt - b.heldAt);
    },
  };
}

interface Counters {
  read(this: void, key: CounterKey): Readonly<MutableLevel>;
  addHeld(entry: HoldEntry, sign: 1 | -1): void;
  addSpent(entry: HoldEntry, costMicroUsd: number, tokens: number): void;
}

function createCounters(): Counters {
  const levels = new Map<string, MutableLevel>();
  const levelOf = (key: CounterKey): MutableLevel => {
    let level = levels.get(nameOf(key));
    if (level === undefined) {
      level = { ...nothing };
      levels.set(nameOf(key), level);
      if (levels.size > countersMax) forgetOldCounters(levels, key.windowStart);
    }
    return level;
  };
  return {
    read: (key) => levels.get(nameOf(key)) ?? nothing,
    addHeld(entry, sign) {
      for (const counter of entry.counters) {
        const level = levelOf(counter);
        level.costHeldMicroUsd += sign * entry.costMicroUsd;
        level.tokensHeld += sign * entry.tokens;
      }
    },
    addSpent(entry, costMicroUsd, tokens) {
      for (const counter of entry.counters) {
        const level = levelOf(counter);
        level.costSpentMicroUsd += costMicroUsd;
        level.tokensSpent += tokens;
      }
    },
  };
}

function nameOf(key: CounterKey): string {
  return `${key.window} ${key.windowStart} ${key.scope}`;
}

/** Drops the older half of the counters that hold nothing, in order of creation; lasting totals of the tree stay. */
function forgetOldCounters(levels: Map<string, MutableLevel>, currentStart: number): void {
  let toDrop = Math.floor(levels.size / 2);
  for (const [name, level] of levels) {
    if (toDrop === 0) return;
    const isCurrent = name.startsWith("month ") || name.includes(` ${currentStart} `);
    const isLastingTotal = name.startsWith("total ") && !name.startsWith("total 0 job:");
    if (isCurrent || isLastingTotal || level.costHeldMicroUsd > 0 || level.tokensHeld > 0) continue;
    levels.delete(name);
    toDrop -= 1;
  }
}

/** Whether a later settlement takes the place of an earlier one: knowledge replaces an estimate, nothing else does. */
export function replacesEstimate(before: Pick<Spent, "basis">, after: Pick<Spent, "basis">): boolean {
  return before.basis === "estimated" && (after.basis === "reported" || after.basis === "metered");
}

function firstRefusal(
  entry: HoldEntry,
  levelOf: (key: CounterKey) => Readonly<MutableLevel>,
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

function snapshot(key: CounterKey, level: Readonly<MutableLevel>): CounterLevel {
  return { scope: key.scope, window: key.window, windowStart: key.windowStart, ...level };
}
