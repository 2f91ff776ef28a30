/** Prices as the list has them, by kind of tokens. */
import type * as genaiPrices from "@pydantic/genai-prices";

export type PriceList = typeof genaiPrices;

/** Of one model at one moment, in US dollars for a million tokens or a thousand calls, by names such as `input_mtok`. */
export type ListedPrice = NonNullable<ReturnType<PriceList["calcPrice"]>>["model_price"];

/** The tiers begin at sizes of the input, the smallest first. */
export type Price = NonNullable<ListedPrice[string]>;

export interface ListedKinds<T> {
  readonly input: T;
  readonly cachedInput: T;
  readonly write: T;
  readonly write1h: T;
  readonly output: T;
}

/** A kind of tokens without a price costs as much as the kind that contains it. */
export function listedKinds<T>(listed: ListedPrice, of: (price: Price) => T): ListedKinds<T> {
  const input = listed["input_mtok"] ?? 0;
  const write = listed["cache_write_mtok"] ?? input;
  return {
    input: of(input),
    cachedInput: of(listed["cache_read_mtok"] ?? input),
    write: of(write),
    write1h: of(listed["cache_write_1h_mtok"] ?? write),
    output: of(listed["output_mtok"] ?? 0),
  };
}
