/** What the journal of calls says an attempt spent, for an attempt whose process died before its meter was closed. */
import {
  type CallUsage,
  type CostBasis,
  noCallUsage,
  type ProviderCall,
  type Usage,
} from "@agentcore/contract";

export interface SpentByCalls {
  readonly costMicroUsd: number;
  readonly tokens: number;
  readonly basis: CostBasis;
  readonly usage: Usage;
}

/** The ended calls, and the most that the open ones can cost. Null without calls: the attempt was not metered. */
export function spentByCalls(calls: readonly ProviderCall[]): SpentByCalls | null {
  if (calls.length === 0) return null;
  const sum = (amount: (call: ProviderCall) => number): number =>
    calls.reduce((total, call) => total + amount(call), 0);
  const used = (count: (usage: CallUsage) => number): number =>
    sum((call) => count(call.usage ?? noCallUsage));
  const tokens = sum((call) => call.tokens);
  const inputTokens = used(inputOf);
  const cachedInputTokens = used(({ cacheReadTokens }) => cacheReadTokens);
  const isEstimate = calls.some(({ estimated, outcome }) => estimated || outcome === "open");
  return {
    costMicroUsd: sum(({ costMicroUsd }) => costMicroUsd),
    tokens,
    basis: isEstimate ? "estimated" : "metered",
    // Tokens that are charged and that no response reported count as output.
    usage: { inputTokens, cachedInputTokens, outputTokens: tokens - inputTokens - cachedInputTokens },
  };
}

/** In the form of a worker's reports: all input that was not read from a cache is one number. */
export function usageInTotal(usage: CallUsage): Usage {
  const { cacheReadTokens: cachedInputTokens, outputTokens } = usage;
  return { inputTokens: inputOf(usage), cachedInputTokens, outputTokens };
}

function inputOf({ inputTokens, cacheWrite5mTokens, cacheWrite1hTokens }: CallUsage): number {
  return inputTokens + cacheWrite5mTokens + cacheWrite1hTokens;
}
