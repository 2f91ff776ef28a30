/** Adds token counts and amounts of money. If a worker does not report one kind, that kind is unknown, never 0. */
import { unknownUsage, type Usage } from "@agentcore/contract";

/** Adds field by field; unknown plus a number is the number, unknown plus unknown is unknown. */
export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: sum(a.inputTokens, b.inputTokens),
    cachedInputTokens: sum(a.cachedInputTokens, b.cachedInputTokens),
    outputTokens: sum(a.outputTokens, b.outputTokens),
  };
}

/** The greater value of each field; unknown and a number give the number. */
export function mostUsage(a: Usage, b: Usage): Usage {
  const most = (one: number | null, other: number | null) =>
    one === null ? other : Math.max(one, other ?? 0);
  return {
    inputTokens: most(a.inputTokens, b.inputTokens),
    cachedInputTokens: most(a.cachedInputTokens, b.cachedInputTokens),
    outputTokens: most(a.outputTokens, b.outputTokens),
  };
}

export function sumUsage(parts: readonly Usage[]): Usage {
  return parts.reduce(addUsage, unknownUsage);
}

/** One kind of tokens. Capped where integers stop being exact: a worker may print any number. */
export function addCounts(a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER);
}

/** Dollars, rounded to billionths, to remove rounding noise of binary fractions. */
export function addUsd(a: number, b: number): number {
  const rounded = Math.round((a + b) * 1e9) / 1e9;
  return Number.isFinite(rounded) ? rounded : Number.MAX_SAFE_INTEGER;
}

function sum(a: number | null, b: number | null): number | null {
  return a === null ? b : addCounts(a, b ?? 0);
}
