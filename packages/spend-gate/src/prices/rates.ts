/** What tokens cost before the factors of service tier, speed and region, in US dollars. */
import type { CallUsage, ModelPrice } from "@agentcore/contract";
import { type ListedPrice, listedKinds, type Price } from "./listed.ts";

export type PricedUsage = Pick<
  CallUsage,
  | "inputTokens"
  | "cacheReadTokens"
  | "cacheWrite5mTokens"
  | "cacheWrite1hTokens"
  | "outputTokens"
  | "hostedToolCalls"
>;

export interface Rates {
  usdOf(usage: PricedUsage): { readonly tokens: number; readonly tools: number };
}

/**
 * Of one call of a hosted tool whose price is not listed. A web search costs this much at both large providers, and no other
 * tool that is charged per call costs more.
 */
const hostedToolUsd = 0.01;

/** Of a price that is the same for every size of request. */
export function flatRates(price: ModelPrice): Rates {
  const { input, cached_input: cachedInput = input, cache_write: write = input, output } = price;
  const { cache_write_1h: write1h = write } = price;
  return {
    usdOf: (usage) => ({
      tokens:
        (usage.inputTokens * input +
          usage.cacheReadTokens * cachedInput +
          usage.cacheWrite5mTokens * write +
          usage.cacheWrite1hTokens * write1h +
          usage.outputTokens * output) /
        1e6,
      tools: usage.hostedToolCalls * hostedToolUsd,
    }),
  };
}

/** Of a model that costs nothing, whatever it does. */
export const freeRates: Rates = { usdOf: () => ({ tokens: 0, tools: 0 }) };

/**
 * Of a model in the list. Its tiers depend on the input of the request. The list's own `calcPrice` takes a tenth of a
 * millisecond, and the amounts of a call are computed many times.
 */
export function listedRates(listed: ListedPrice): Rates {
  const { input, cachedInput, write, write1h, output } = listedKinds(listed, (price) => price);
  const search = listed["web_searches_kcount"];
  return {
    usdOf(usage) {
      const cacheWrites = usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;
      const all = usage.inputTokens + usage.cacheReadTokens + cacheWrites;
      return {
        tokens:
          (usage.inputTokens * inTier(input, all) +
            usage.cacheReadTokens * inTier(cachedInput, all) +
            usage.cacheWrite5mTokens * inTier(write, all) +
            usage.cacheWrite1hTokens * inTier(write1h, all) +
            usage.outputTokens * inTier(output, all)) /
          1e6,
        tools: usage.hostedToolCalls * (search === undefined ? hostedToolUsd : inTier(search, all) / 1000),
      };
    },
  };
}

function inTier(price: Price, inputTokens: number): number {
  if (typeof price === "number") return price;
  return price.tiers.findLast(({ start }) => inputTokens > start)?.price ?? price.base;
}
