/** What a {@link Ledger} decides, the same for every implementation. Pure. */
import { AgentCoreError, jsonOr } from "@agentcore/contract";
import type { CounterKey, CounterLevel, HoldEntry, HoldOutcome, SettleOutcome, Spent } from "./ledger.ts";

/** The amounts of a counter, or what is added to them. */
export type CounterAmounts = Omit<CounterLevel, keyof CounterKey>;

export const noAmounts: CounterAmounts = {
  costSpentMicroUsd: 0,
  costHeldMicroUsd: 0,
  tokensSpent: 0,
  tokensHeld: 0,
};

export function levelOf({ scope, window, windowStart }: CounterKey, amounts: CounterAmounts): CounterLevel {
  const { costSpentMicroUsd, costHeldMicroUsd, tokensSpent, tokensHeld } = amounts;
  return { scope, window, windowStart, costSpentMicroUsd, costHeldMicroUsd, tokensSpent, tokensHeld };
}

export function plus(a: CounterAmounts, b: CounterAmounts): CounterAmounts {
  return {
    costSpentMicroUsd: a.costSpentMicroUsd + b.costSpentMicroUsd,
    costHeldMicroUsd: a.costHeldMicroUsd + b.costHeldMicroUsd,
    tokensSpent: a.tokensSpent + b.tokensSpent,
    tokensHeld: a.tokensHeld + b.tokensHeld,
  };
}

/** Why the entry cannot be held: the first of its counters that the amounts would exceed. Null: it can. */
export function firstRefusal(
  entry: HoldEntry,
  amountsOf: (key: CounterKey) => CounterAmounts,
): Extract<HoldOutcome, { ok: false }> | null {
  for (const counter of entry.counters) {
    const { costCapMicroUsd, tokensCap } = counter;
    if (costCapMicroUsd === null && tokensCap === null) continue;
    const level = levelOf(counter, amountsOf(counter));
    const cost = level.costSpentMicroUsd + level.costHeldMicroUsd + entry.costMicroUsd;
    const tokens = level.tokensSpent + level.tokensHeld + entry.tokens;
    if (costCapMicroUsd !== null && cost > costCapMicroUsd) {
      return { ok: false, kind: "cost_usd", cap: costCapMicroUsd, level };
    }
    if (tokensCap !== null && tokens > tokensCap) return { ok: false, kind: "tokens", cap: tokensCap, level };
  }
  return null;
}

/** What a hold adds to each of its counters. */
export function amountsHeld({ costMicroUsd, tokens }: HoldEntry): CounterAmounts {
  return { ...noAmounts, costHeldMicroUsd: costMicroUsd, tokensHeld: tokens };
}

/** What an attempt that was not held adds to each of its counters. */
export function amountsSpent({ costMicroUsd, tokens }: Spent): CounterAmounts {
  return { ...noAmounts, costSpentMicroUsd: costMicroUsd, tokensSpent: tokens };
}

export interface Settlement {
  readonly outcome: SettleOutcome;
  /** What it adds to each counter of the hold. Null: nothing changes. */
  readonly add: CounterAmounts | null;
}

/** `before`: how the hold was settled; null if it is open. Only a known amount replaces an estimate. */
export function decideSettlement(
  entry: HoldEntry,
  before: Pick<Spent, "costMicroUsd" | "tokens" | "basis"> | null,
  spent: Spent,
): Settlement {
  if (before === null) {
    const { costHeldMicroUsd, tokensHeld } = amountsHeld(entry);
    const add = { ...amountsSpent(spent), costHeldMicroUsd: -costHeldMicroUsd, tokensHeld: -tokensHeld };
    return { outcome: "settled", add };
  }
  const replaces = before.basis === "estimated" && (spent.basis === "reported" || spent.basis === "metered");
  if (!replaces) return { outcome: "already_settled", add: null };
  const add = {
    ...noAmounts,
    costSpentMicroUsd: spent.costMicroUsd - before.costMicroUsd,
    tokensSpent: spent.tokens - before.tokens,
  };
  return { outcome: "corrected", add };
}

export function knownHold(holdId: string): AgentCoreError {
  return new AgentCoreError("AC_INTERNAL", `hold ${holdId} exists already; hold ids are never reused`);
}

/** The entry of a stored hold. Undefined if it cannot be read; its amounts stay held in the counters, which is the safe choice. */
export function readHoldEntry(json: unknown): HoldEntry | undefined {
  const entry = jsonOr(json, null) as Partial<HoldEntry> | null;
  const isWhole =
    typeof entry?.holdId === "string" &&
    typeof entry.owner?.pid === "number" &&
    Number.isSafeInteger(entry.costMicroUsd) &&
    Number.isSafeInteger(entry.tokens) &&
    Array.isArray(entry.counters);
  return isWhole ? (entry as HoldEntry) : undefined;
}
