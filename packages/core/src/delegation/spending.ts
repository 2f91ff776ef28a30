/**
 * Computes the charge of an ended run from its result and events. Pure. The worker's report of the whole run is charged as
 * it is, but never less than was counted during the run. For a run that was cut short, the charge is the reported total
 * plus the cost of its most expensive response, for the response in progress. Before the first response it is the
 * configured bound of one response. Only if responses came and no cost is known, the whole ceiling is charged. These
 * charges are flagged `estimated`, and corrected when the true cost is known.
 */
import {
  tokensOf,
  type CostBasis,
  type ErrorClass,
  type WorkerEvent,
  type WorkerResult,
} from "@agentcore/contract";
import { microUsdOf, usdOf } from "../ledger/ledger.ts";

/** What the gateway saw of a run, beside its result. */
export interface RunSightings {
  /** The worker was released: before that, nothing can have been spent. */
  readonly released: boolean;
  /** It said something that only a model's answer makes it say: text, a tool call, usage. */
  readonly answered: boolean;
  /** The last totals that it reported while running. */
  readonly costUsd: number | null;
  readonly tokens: number;
  /** Most by which the totals grew from one report to the next. */
  readonly costliestUsd: number;
  readonly costliestTokens: number;
}

/** Most that a run can be charged without its own word; null where nothing was held. */
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

/** Events that only a model's answer causes: after one of them, something was spent. */
const answers: ReadonlySet<WorkerEvent["type"]> = new Set(["text", "tool_call", "tool_result", "usage"]);

export function isAnswer({ type }: WorkerEvent): boolean {
  return answers.has(type);
}

/** Failures in which the provider refused the last request, so that no answer was under way. */
const refusals: ReadonlySet<ErrorClass> = new Set([
  "auth",
  "quota_exhausted",
  "rate_limited",
  "invalid_request",
  "provider_unavailable",
  "network",
  "worker_missing",
]);

/** Failures in which an answer may have been cut off, once there had been any. */
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
    // What was counted on the way has stopped runs, and was shown: a last word that is lower does not undo it.
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

/** What was counted on the way, in US dollars, where the worker's last word is less; null where it is not. */
export function countedAbove({ costUsd }: WorkerResult, seen: Pick<RunSightings, "costUsd">): number | null {
  const counted = seen.costUsd ?? 0;
  return costUsd !== null && microUsdOf(counted) > microUsdOf(costUsd) ? counted : null;
}

/** What is charged where the worker said nothing: of what was held, all, one response, or nothing. */
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

/** Whether the run was ended from outside, or broke off, so that an answer may have been under way. */
function endedInAnswer({ outcome, errorClass }: WorkerResult): boolean {
  if (outcome === "failed") return errorClass !== null && breaks.has(errorClass);
  return outcome !== "succeeded";
}

function most(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/**
 * The result with what it was charged, where that is more than the worker itself said: the caller counts what the ledger
 * counts.
 */
export function withCharge(result: WorkerResult, charge: Charge): WorkerResult {
  const isSaid = result.costUsd !== null && charge.costMicroUsd <= microUsdOf(result.costUsd);
  if (isSaid || charge.basis === "none") return result;
  return { ...result, costUsd: usdOf(charge.costMicroUsd), costBasis: charge.basis };
}
