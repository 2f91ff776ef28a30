/**
 * Checks the usage that a worker reports before it is charged. A worker can print any number: an invalid amount (negative,
 * infinite, not a number) is unknown, and an amount that no attempt can spend is reduced to the configured maximum
 * (`limits.attempt.plausible_*`) and counts as an estimate. Everything that reaches a budget passes through here.
 */
import {
  tokensOf,
  type CostBasis,
  type Usage,
  type WorkerEvent,
  type WorkerResult,
} from "@agentcore/contract";
import type { AttemptLimits } from "../config/limits-config.ts";
import { microUsdOf, type Spent, usdOf } from "../ledger/ledger.ts";

/** The most that one attempt is believed to have spent. */
export interface PlausibleLimits {
  readonly costUsd: number;
  readonly tokens: number;
}

/** Amounts that were held for an attempt; null or 0 if none were. */
export interface HeldAmounts {
  readonly costMicroUsd: number | null;
  readonly tokens: number | null;
}

/** An attempt may exceed its ceiling by one response. For a high ceiling, that alone must not make a report implausible. */
const ofCeiling = 2;

export function plausibleLimitsOf(
  limits: AttemptLimits,
  { costMicroUsd, tokens }: HeldAmounts,
): PlausibleLimits {
  return {
    costUsd: Math.max(limits.plausible_cost_usd, ofCeiling * usdOf(costMicroUsd ?? 0)),
    tokens: Math.max(limits.plausible_tokens, ofCeiling * (tokens ?? 0)),
  };
}

/** Null if the value is no amount of money. */
function costOf(costUsd: unknown): number | null {
  return typeof costUsd === "number" && Number.isFinite(costUsd) && costUsd >= 0 ? costUsd : null;
}

function countOf(count: unknown, most: number): number | null {
  return typeof count === "number" && count >= 0 ? Math.min(Math.round(count), most) : null;
}

function plausibleUsage(usage: Usage, { tokens }: PlausibleLimits): Usage {
  return {
    inputTokens: countOf(usage.inputTokens, tokens),
    cachedInputTokens: countOf(usage.cachedInputTokens, tokens),
    outputTokens: countOf(usage.outputTokens, tokens),
  };
}

export function plausibleEvent(event: WorkerEvent, limits: PlausibleLimits): WorkerEvent {
  if (event.type !== "usage") return event;
  const costUsd = costOf(event.costUsd);
  return {
    type: "usage",
    usage: plausibleUsage(event.usage, limits),
    costUsd: costUsd === null ? null : Math.min(costUsd, limits.costUsd),
  };
}

/** The result with amounts that a budget accepts; its summary names the amounts that were not believed. */
export function plausibleResult(result: WorkerResult, limits: PlausibleLimits): WorkerResult {
  const usage = plausibleUsage(result.usage, limits);
  const costUsd = costOf(result.costUsd);
  if (costUsd === null) return { ...result, usage, costUsd, costBasis: "none" };
  if (costUsd <= limits.costUsd) return { ...result, usage, costUsd };
  const summary = `${result.summary} (it reported a cost of $${costUsd}, which no attempt is believed; $${limits.costUsd} were charged: limits.attempt.plausible_cost_usd)`;
  return { ...result, usage, costUsd: limits.costUsd, costBasis: "estimated", summary };
}

/** What is booked for a result or a record of one: whole amounts, none above the limits. Null if it names no amounts. */
export function plausibleSpending(
  { costUsd: reported, costBasis, usage }: { costUsd: number | null; costBasis: CostBasis; usage: Usage },
  limits: PlausibleLimits,
): Omit<Spent, "settledAt"> | null {
  const costUsd = costOf(reported);
  if (costUsd === null) return null;
  return {
    costMicroUsd: microUsdOf(Math.min(costUsd, limits.costUsd)),
    tokens: tokensOf(plausibleUsage(usage, limits)) ?? 0,
    basis: costUsd > limits.costUsd ? "estimated" : costBasis,
  };
}
