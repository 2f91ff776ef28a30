/** The price of a model that the list does not know: no known model that may be like it costs more. */
import type { ModelPrice } from "@agentcore/contract";
import { type ListedKinds, listedKinds, type ListedPrice, type PriceList } from "./listed.ts";

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
  const most = (kind: keyof ListedKinds<number>) => Math.max(0, ...models.map(({ price }) => price[kind]));
  const price = {
    input: most("input"),
    cached_input: most("cachedInput"),
    cache_write: most("write"),
    cache_write_1h: most("write1h"),
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

/** In the highest tier. */
function topPrice(listed: ListedPrice) {
  return listedKinds(listed, (price) =>
    typeof price === "number" ? price : Math.max(price.base, ...price.tiers.map((tier) => tier.price)),
  );
}
