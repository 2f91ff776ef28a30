/**
 * What an ended run is charged. Pure: from its result and what was seen of it. What is known is charged as it is; what is
 * not known is charged at the bound that was held and flagged `estimated`, unless it is plain that nothing was spent. A
 * charge that is too low would let a budget be passed unseen; one that is too high is corrected when the truth is learnt.
 */
import type { CostBasis, ErrorClass, Usage, WorkerResult } from "@agentcore/contract";
import { microUsdOf, usdOf } from "../ledger.ts";

/** What the gateway saw of a run, beside its result. */
export interface RunSightings {
  /** The worker was let go: before that, nothing can have been spent. */
  readonly released: boolean;
  /** It said something that only a model's answer makes it say: text, a tool call, usage. */
  readonly answered: boolean;
  /** The last totals that it reported while running. */
  readonly costUsd: number | null;
  readonly tokens: number;
}

/** What was held for it; null where there was no ceiling. */
export interface RunBounds {
  readonly costMicroUsd: number | null;
  readonly tokens: number | null;
}

export interface Charge {
  readonly costMicroUsd: number;
  readonly tokens: number;
  readonly basis: CostBasis;
}

/** Failures in which the provider refused the first request, so that an unanswered run has cost nothing. */
const refusals: ReadonlySet<ErrorClass> = new Set([
  "auth",
  "quota_exhausted",
  "rate_limited",
  "invalid_request",
  "provider_unavailable",
  "network",
  "worker_missing",
]);

export function chargeOf(
  result: WorkerResult,
  seen: RunSightings,
  bounds: RunBounds,
  hasProvider: boolean,
): Charge {
  const cost = costOf(result, seen, bounds, hasProvider);
  const tokens = tokensOf(result.usage) ?? (seen.tokens > 0 ? seen.tokens : null);
  if (tokens !== null) return { ...cost, tokens };
  const isUnknown = bounds.tokens !== null && mayHaveSpent(result, seen, hasProvider);
  return isUnknown ? { ...cost, tokens: bounds.tokens ?? 0, basis: "estimated" } : { ...cost, tokens: 0 };
}

function costOf(
  result: WorkerResult,
  seen: RunSightings,
  bounds: RunBounds,
  hasProvider: boolean,
): { costMicroUsd: number; basis: CostBasis } {
  if (result.costUsd !== null) return { costMicroUsd: microUsdOf(result.costUsd), basis: result.costBasis };
  if (seen.costUsd !== null) return { costMicroUsd: microUsdOf(seen.costUsd), basis: "reported" };
  return bounds.costMicroUsd !== null && mayHaveSpent(result, seen, hasProvider)
    ? { costMicroUsd: bounds.costMicroUsd, basis: "estimated" }
    : { costMicroUsd: 0, basis: "none" };
}

function mayHaveSpent(result: WorkerResult, seen: RunSightings, hasProvider: boolean): boolean {
  if (!hasProvider || !seen.released) return false;
  const wasRefused = !seen.answered && result.errorClass !== null && refusals.has(result.errorClass);
  return !wasRefused;
}

/** All tokens that a worker says it used; null where it says nothing. */
function tokensOf(usage: Usage): number | null {
  const { inputTokens, cachedInputTokens, outputTokens } = usage;
  if (inputTokens === null && cachedInputTokens === null && outputTokens === null) return null;
  return (inputTokens ?? 0) + (cachedInputTokens ?? 0) + (outputTokens ?? 0);
}

/** The result with what it was charged, where the worker itself did not say: the caller counts what the ledger counts. */
export function withCharge(result: WorkerResult, charge: Charge): WorkerResult {
  if (result.costUsd !== null || charge.basis === "none") return result;
  return { ...result, costUsd: usdOf(charge.costMicroUsd), costBasis: charge.basis };
}
