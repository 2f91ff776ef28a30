/**
 * Computes the charge of an ended run from its result and events. Pure. The worker's report of the whole run is charged as
 * it is, but never less than was counted during the run. For a run that was cut short, the charge is the reported total
 * plus the cost of its most expensive response, for the response in progress. Before the first response it is the
 * configured bound of one response. Only if responses came and no cost is known, the whole ceiling is charged. These
 * charges are flagged `estimated`, and corrected when the true cost is known.
 */
import {
  type MeteredSpending,
  tokensOf,
  type CostBasis,
  type ErrorClass,
  type WorkerEvent,
  type WorkerResult,
} from "@agentcore/contract";
import { microUsdOf, usdOf } from "../ledger/ledger.ts";

/** What the gateway saw of a run, besides its result. */
export interface RunSightings {
  /** The worker was released. Before that, nothing can have been spent. */
  readonly released: boolean;
  /** The worker reported something that only a model's answer causes: text, a tool call, usage. */
  readonly answered: boolean;
  /** The last totals that the worker reported while running. */
  readonly costUsd: number | null;
  readonly tokens: number;
  /** The largest increase of the totals from one report to the next. */
  readonly costliestUsd: number;
  readonly costliestTokens: number;
}

/** The most that a run can be charged without a report; null if nothing was held. */
export interface RunBounds {
  readonly costMicroUsd: number | null;
  readonly tokens: number | null;
  /** Of one response. */
  readonly response: { readonly costMicroUsd: number; readonly tokens: number };
}

export interface Charge {
  readonly costMicroUsd: number;
  readonly tokens: number;
  readonly basis: CostBasis;
}

/** Events that only a model's answer causes: after one of them, something has been spent. */
const answers: ReadonlySet<WorkerEvent["type"]> = new Set(["text", "tool_call", "tool_result", "usage"]);

export function isAnswer({ type }: WorkerEvent): boolean {
  return answers.has(type);
}

/** Failures in which the provider refused the last request, so that no answer was in progress. */
const refusals: ReadonlySet<ErrorClass> = new Set([
  "auth",
  "quota_exhausted",
  "rate_limited",
  "invalid_request",
  "provider_unavailable",
  "network",
  "worker_missing",
]);

/** Failures that may have cut off an answer, if there had been any. */
const breaks: ReadonlySet<ErrorClass> = new Set(["network", "worker_crashed", "worker_protocol"]);

export function chargeOf(
  result: WorkerResult,
  seen: RunSightings,
  bounds: RunBounds,
  hasProvider: boolean,
): Charge {
  const { costUsd, costBasis } = result;
  const usedTokens = most(tokensOf(result.usage), seen.tokens > 0 ? seen.tokens : null);
  if (costUsd !== null && costBasis !== "estimated") {
    // Totals reported during the run have stopped runs and were shown: a lower final report does not undo them.
    const counted = countedAbove(result, seen);
    const basis = counted === null ? costBasis : "estimated";
    return { costMicroUsd: microUsdOf(counted ?? costUsd), tokens: usedTokens ?? 0, basis };
  }
  const isOpen = hasProvider && seen.answered && endedInAnswer(result);
  const knownUsd = most(costUsd, seen.costUsd);
  const unknown = unknownOf(result, seen, bounds, hasProvider);
  const tokens = usedTokens === null ? unknown.tokens : usedTokens + (isOpen ? seen.costliestTokens : 0);
  if (knownUsd === null) {
    const isGuess = unknown.costMicroUsd > 0 || (usedTokens === null && tokens > 0);
    return { costMicroUsd: unknown.costMicroUsd, tokens, basis: isGuess ? "estimated" : "none" };
  }
  const openUsd = isOpen ? seen.costliestUsd : 0;
  const basis = costUsd !== null || openUsd > 0 ? "estimated" : "reported";
  return { costMicroUsd: microUsdOf(knownUsd + openUsd), tokens, basis };
}

/** The total reported during the run, in US dollars, if the worker's final report is lower; otherwise null. */
export function countedAbove({ costUsd }: WorkerResult, seen: Pick<RunSightings, "costUsd">): number | null {
  const counted = seen.costUsd ?? 0;
  return costUsd !== null && microUsdOf(counted) > microUsdOf(costUsd) ? counted : null;
}

/** What is charged if the worker reported nothing: all that was held, one response, or nothing. */
function unknownOf(
  result: WorkerResult,
  seen: RunSightings,
  bounds: RunBounds,
  hasProvider: boolean,
): { readonly costMicroUsd: number; readonly tokens: number } {
  const held = { costMicroUsd: bounds.costMicroUsd ?? 0, tokens: bounds.tokens ?? 0 };
  if (!hasProvider || !seen.released) return nothing;
  if (seen.answered) return held;
  if (result.errorClass !== null && refusals.has(result.errorClass)) return nothing;
  return {
    costMicroUsd: Math.min(held.costMicroUsd, bounds.response.costMicroUsd),
    tokens: Math.min(held.tokens, bounds.response.tokens),
  };
}

const nothing = { costMicroUsd: 0, tokens: 0 };

/** Whether the run was stopped from outside, or broke off, so that an answer may have been in progress. */
function endedInAnswer({ outcome, errorClass }: WorkerResult): boolean {
  if (outcome === "failed") return errorClass !== null && breaks.has(errorClass);
  return outcome !== "succeeded";
}

function most(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/** The charge of a run whose requests went through the spend gate: what the gate counted, whatever the worker says. */
export function meteredCharge({ costMicroUsd, tokens, estimated }: MeteredSpending): Charge {
  return { costMicroUsd, tokens, basis: estimated ? "estimated" : "metered" };
}

/** The result with its charge, if that is more than the worker reported: the caller counts the same as the ledger. */
export function withCharge(result: WorkerResult, charge: Charge): WorkerResult {
  const isSaid = result.costUsd !== null && charge.costMicroUsd <= microUsdOf(result.costUsd);
  if (isSaid || charge.basis === "none") return result;
  return { ...result, costUsd: usdOf(charge.costMicroUsd), costBasis: charge.basis };
}
