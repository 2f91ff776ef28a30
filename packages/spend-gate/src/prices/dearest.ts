/** The price of a model that the list does not know: no known model that may be like it costs more. */
import type { ModelPrice } from "@agentcore/contract";
import type * as genaiPrices from "@pydantic/genai-prices";

export type PriceList = typeof genaiPrices;

type ListedPrice = NonNullable<ReturnType<PriceList["calcPrice"]>>["model_price"];

/**
 * An unknown model is a new one. Models with a smaller context window, which are older, are left out if the provider has any
 * with a larger one: some of them cost ten times more than any current model.
 */
const currentContextWindow = 256_000;

export interface DearestPrice {
  readonly price: ModelPrice;
  /** Whose price it is, in words. */
  readonly name: string;
}

/**
 * The largest price of each kind of tokens among the known models of the same line, such as `gpt-6-sol` and `gpt-5.6-sol` for
 * `gpt-7-sol`; without any, among the current models of the provider.
 */
export function dearestPrice(
  list: PriceList,
  providerId: string,
  model: string | null,
  at: number,
): DearestPrice {
  const timestamp = new Date(at);
  const priced = (list.findProvider({ providerId })?.models ?? []).flatMap(({ id }) => {
    const result = list.calcPrice({}, id, { providerId, timestamp });
    if (result === null || result.model_price.output_mtok === undefined) return [];
    return [{ id, price: topPrice(result.model_price), contextWindow: result.model.context_window ?? 0 }];
  });
  const line = model === null ? null : lineOf(model);
  const relatives = line === null ? [] : priced.filter(({ id }) => lineOf(id) === line);
  const current = priced.filter(({ contextWindow }) => contextWindow >= currentContextWindow);
  const models = [relatives, current, priced].find((some) => some.length > 0) ?? [];
  const most = (kind: keyof typeof noPrice) => Math.max(0, ...models.map(({ price }) => price[kind]));
  const price = {
    input: most("input"),
    cached_input: most("cached_input"),
    cache_write: most("cache_write"),
    cache_write_1h: most("cache_write_1h"),
    output: most("output"),
  };
  const which = relatives.length > 0 ? `${line} model` : "model";
  return { price, name: `dearest ${which} of ${providerId}` };
}

/** Words that name a stage of a model and not its line. */
const stages = /^(?:latest|preview|exp|experimental|beta)$/;

/** The words of a name without its versions and dates, such as `gpt-sol`; null if that is one word, which says too little. */
function lineOf(model: string): string | null {
  const words = model
    .slice(model.lastIndexOf("/") + 1)
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word.length > 1 && !stages.test(word));
  return words.length < 2 ? null : words.join("-");
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
