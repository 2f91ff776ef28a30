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
  const tokens = sum((call) => call.tokens);
  const used = calls.map(({ usage }) => usage ?? noCallUsage);
  const isEstimate = calls.some(({ estimated, outcome }) => estimated || outcome === "open");
  return {
    costMicroUsd: sum(({ costMicroUsd }) => costMicroUsd),
    tokens,
    basis: isEstimate ? "estimated" : "metered",
    usage: usageInTotal(used, tokens),
  };
}

/**
 * In the form of a worker's reports: all input that was not read from a cache is one number. Tokens that are charged and that no
 * response reported count as output, so that a limit on tokens sees all of them.
 */
export function usageInTotal(used: readonly CallUsage[], tokens: number): Usage {
  const sum = (count: (usage: CallUsage) => number): number =>
    used.reduce((total, usage) => total + count(usage), 0);
  const inputTokens = sum((usage) => usage.inputTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens);
  const cachedInputTokens = sum(({ cacheReadTokens }) => cacheReadTokens);
  const reported = sum(({ outputTokens }) => outputTokens);
  return {
    inputTokens,
    cachedInputTokens,
    outputTokens: Math.max(reported, tokens - inputTokens - cachedInputTokens),
  };
}
