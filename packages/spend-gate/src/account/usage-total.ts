/** Sums of the usage of calls. */
import type { CallUsage } from "@agentcore/contract";

/** A total has no tier, speed or region: its calls may differ in them. */
export function addCallUsage(a: CallUsage, b: CallUsage): CallUsage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWrite5mTokens: a.cacheWrite5mTokens + b.cacheWrite5mTokens,
    cacheWrite1hTokens: a.cacheWrite1hTokens + b.cacheWrite1hTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
    hostedToolCalls: a.hostedToolCalls + b.hostedToolCalls,
    serviceTier: null,
    speed: null,
    region: null,
  };
}

export function totalTokens(usage: CallUsage): number {
  return inputTokensOf(usage) + usage.outputTokens;
}

/** All kinds of input together. */
export function inputTokensOf(usage: CallUsage): number {
  return usage.inputTokens + usage.cacheReadTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;
}

export function isSameUsage(a: CallUsage, b: CallUsage): boolean {
  return Object.entries(a).every(([kind, value]) => b[kind as keyof CallUsage] === value);
}
