/** The price of a model that the list does not know: no known model of its provider costs more. */
import type { ModelPrice } from "@agentcore/contract";
import type * as genaiPrices from "@pydantic/genai-prices";

export type PriceList = typeof genaiPrices;

type ListedPrice = NonNullable<ReturnType<PriceList["calcPrice"]>>["model_price"];

/**
 * An unknown model is a new one. Models with a smaller context window, which are older, are left out if the provider has any
 * with a larger one: some of them cost ten times more than any current model.
 */
const currentContextWindow = 256_000;

/** The largest price of each kind of tokens among the current models of a provider that the list knows. */
export function dearestPrice(list: PriceList, providerId: string, at: number): ModelPrice {
  const timestamp = new Date(at);
  const priced = (list.findProvider({ providerId })?.models ?? []).flatMap((model) => {
    const result = list.calcPrice({}, model.id, { providerId, timestamp });
    if (result === null || result.model_price.output_mtok === undefined) return [];
    return [{ price: topPrice(result.model_price), contextWindow: result.model.context_window ?? 0 }];
  });
  const current = priced.filter(({ contextWindow }) => contextWindow >= currentContextWindow);
  const prices = (current.length > 0 ? current : priced).map(({ price }) => price);
  const most = (kind: keyof typeof noPrice) => Math.max(0, ...prices.map((price) => price[kind]));
  return {
    input: most("input"),
    cached_input: most("cached_input"),
    cache_write: most("cache_write"),
    cache_write_1h: most("cache_write_1h"),
    output: most("output"),
  };
}

const noPrice = { input: 0, cached_input: 0, cache_write: 0, cache_write_1h: 0, output: 0 };

/** In the highest tier. A kind of tokens without a price costs as much as the kind that contains it. */
function topPrice(listed: ListedPrice): typeof noPrice {
  const top = (name: string): number | undefined => {
    const price = listed[name];
    return typeof price === "object" ? Math.max(price.base, ...price.tiers.map((tier) => tier.price)) : price;
  };
  const input = top("input_mtok") ?? 0;
  const write = top("cache_write_mtok") ?? input;
  return {
    input,
    cached_input: top("cache_read_mtok") ?? input,
    cache_write: write,
    cache_write_1h: top("cache_write_1h_mtok") ?? write,
    output: top("output_mtok") ?? 0,
  };
}
