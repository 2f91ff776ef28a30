/**
 * Finds the price of a model: the user's own, the list's, or a bound for a model without a price. The list is the data of the
 * installed `@pydantic/genai-prices`: it is never updated over the network, and is loaded on first use, because it has two
 * megabytes that most commands do not need. Prices that change on a date are those of the moment asked for.
 */
import {
  listedNames,
  type ModelPrice,
  type OwnPrices,
  ownPriceName,
  type ProviderModel,
  type ProviderProtocol,
  type Upstream,
} from "@agentcore/contract";
import { callPrice, type CallPrice } from "./call-price.ts";
import { dearestPrice } from "./dearest.ts";
import { type OwnFactors, priceFactors } from "./factors.ts";
import type { PriceList } from "./listed.ts";
import { outputCeilingOf } from "./output-ceilings.ts";
import { flatRates, freeRates, listedRates } from "./rates.ts";

export interface PriceBookOptions {
  /** The user's own prices. */
  readonly prices?: OwnPrices | undefined;
  /** `zero`: a model without a price costs nothing. Default: it costs its bound. */
  readonly unpriced?: "charge_ceiling" | "refuse" | "zero" | undefined;
  readonly providers?: Readonly<Record<string, ProviderPrices>> | undefined;
}

/** Settings of one provider. */
export interface ProviderPrices {
  /** Of models without a price. Default: the dearest known model of the same line, or else of the provider. */
  readonly unknown_price?: ModelPrice | undefined;
  readonly price_factors?: OwnFactors | undefined;
}

export interface PriceQuery {
  readonly provider: string;
  readonly protocol: ProviderProtocol;
  /** Null if the request names none. */
  readonly model: string | null;
  /** Moment of the price, in ms since the epoch. */
  readonly at: number;
  /** Price that the worker's settings state for all models of its upstream. It comes before every other. */
  readonly stated?: Upstream["price"];
}

export interface PriceBook {
  priceOf(query: PriceQuery): CallPrice;
}

/** The installed list and the day on which it was published. */
const priceListName = "genai-prices 0.1.8, 2026-09-23";

/** The provider whose prices count for a provider that the list does not know, by the protocol that it speaks. */
const home: Readonly<Record<ProviderProtocol, string>> = {
  "anthropic-messages": "anthropic",
  "openai-responses": "openai",
  "openai-chat": "openai",
};

export async function loadPriceBook(options: PriceBookOptions): Promise<PriceBook> {
  const list = await import("@pydantic/genai-prices");
  return { priceOf: (query) => priceOf(list, options, query) };
}

function priceOf(list: PriceList, options: PriceBookOptions, query: PriceQuery): CallPrice {
  const { prices = {}, unpriced, providers = {} } = options;
  const { provider, model, at } = query;
  const settings = Object.hasOwn(providers, provider) ? providers[provider] : undefined;
  const homeProvider = home[query.protocol];
  const isListedProvider = list.findProvider({ providerId: provider }) !== undefined;
  const found = model === null ? null : findListed(list, listedNames(provider, model), at);
  const atHome =
    model === null || isListedProvider ? null : findListed(list, listedNames(homeProvider, model), at);
  const listed = found ?? atHome;
  const factorsOf = listed?.providerId ?? (isListedProvider ? provider : homeProvider);
  const factors = priceFactors(factorsOf, model, settings?.price_factors);
  const facts = {
    outputCeiling: model === null ? null : outputCeilingOf(model),
    contextWindow: listed?.contextWindow ?? null,
  };
  const flat = (price: ModelPrice, source: string, isBound: boolean) =>
    callPrice(flatRates(price), factors, { ...facts, source, isBound });

  if (query.stated !== undefined) {
    const { input, cachedInput, output } = query.stated;
    return flat({ input, cached_input: cachedInput, output }, "price in the settings of the worker", false);
  }
  const own = ownPriceName(prices, provider, model);
  const ownPrice = own === null ? undefined : prices[own];
  if (ownPrice !== undefined) return flat(ownPrice, `prices.${own} of the configuration`, false);
  if (found !== null)
    return callPrice(found.rates, factors, { ...facts, source: priceListName, isBound: false });
  if (settings?.unknown_price !== undefined)
    return flat(settings.unknown_price, `providers.${provider}.unknown_price of the configuration`, true);
  if (unpriced === "zero") return callPrice(freeRates, factors, { ...facts, source: null, isBound: false });
  if (atHome !== null) {
    const source = `price of ${atHome.providerId}, ${priceListName}`;
    return callPrice(atHome.rates, factors, { ...facts, source, isBound: true });
  }
  const dearestOf = isListedProvider ? provider : homeProvider;
  const dearest = dearestPrice(list, dearestOf, model, at);
  return flat(dearest.price, `${dearest.name}, ${priceListName}`, true);
}

/** The first of the names that the list has a price of tokens for. */
function findListed(list: PriceList, names: readonly ProviderModel[], at: number) {
  for (const { provider, model } of names) {
    if (provider === null || list.findProvider({ providerId: provider }) === undefined) continue;
    const price = list.calcPrice({}, model, { providerId: provider, timestamp: new Date(at) });
    if (price === null || price.model_price.output_mtok === undefined) continue;
    const contextWindow = price.model.context_window ?? null;
    return { providerId: price.provider.id, rates: listedRates(price.model_price), contextWindow };
  }
  return null;
}
