/** What calls cost. */
export type { CallBound, CallPrice } from "./call-price.ts";
export { type OwnFactors, priceFactorsSchema } from "./factors.ts";
export {
  loadPriceBook,
  type PriceBook,
  type PriceBookOptions,
  type PriceQuery,
  type ProviderPrices,
} from "./price-book.ts";
