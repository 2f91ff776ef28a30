/** What tokens cost before the factors of service tier, speed and region, in US dollars. */
import type { CallUsage, ModelPrice } from "@agentcore/contract";
import type { PriceList } from "./dearest.ts";

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

/** Of a model in the list. Its tiers depend on the input of the request. */
export function listedRates(
  { calcPrice }: Pick<PriceList, "calcPrice">,
  providerId: string,
  model: string,
  at: number,
): Rates {
  const options = { providerId, timestamp: new Date(at) };
  return {
    usdOf(usage) {
      const cacheWrites = usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;
      const price = calcPrice(
        {
          input_tokens: usage.inputTokens + usage.cacheReadTokens + cacheWrites,
          cache_read_tokens: usage.cacheReadTokens,
          cache_write_tokens: cacheWrites,
          cache_write_1h_tokens: usage.cacheWrite1hTokens,
          output_tokens: usage.outputTokens,
          web_searches: usage.hostedToolCalls,
        },
        model,
        options,
      );
      if (price === null) throw new Error(`model ${model} of ${providerId} has left the list of prices`);
      const isToolListed = price.model_price.web_searches_kcount !== undefined;
      return {
        tokens: price.input_price + price.output_price,
        tools: isToolListed
          ? price.total_price - price.input_price - price.output_price
          : usage.hostedToolCalls * hostedToolUsd,
      };
    },
  };
}
