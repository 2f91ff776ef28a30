/** The user's own prices of models, and the names under which a model may have a price. */

/** US dollars per million tokens of each kind. */
export interface ModelPrice {
  readonly input: number;
  /** Default: the price of `input`. */
  readonly cached_input?: number | undefined;
  /** Input that is written to a cache that lives 5 minutes. Default: the price of `input`. */
  readonly cache_write?: number | undefined;
  /** Input that is written to a cache that lives 1 hour. Default: the price of `cache_write`. */
  readonly cache_write_1h?: number | undefined;
  readonly output: number;
}

/** The user's own prices, by model (`my-model`) or by provider and model (`openai/my-model`). They override any list. */
export type OwnPrices = Readonly<Record<string, ModelPrice>>;

/** The name in `own` that gives the price of the model; null if none does. */
export function ownPriceName(own: OwnPrices, provider: string | null, model: string | null): string | null {
  if (model === null) return null;
  const names = provider === null ? [model] : [`${provider}/${model}`, model];
  return names.find((one) => Object.hasOwn(own, one)) ?? null;
}

export interface ProviderModel {
  readonly provider: string | null;
  readonly model: string;
}

/**
 * Under which names a list of prices may know the model. First the name as given, because gateways sell models under names
 * such as `anthropic/claude-sonnet-5`; then as a name that includes its provider, which workers with several providers use.
 */
export function listedNames(provider: string | null, model: string): ProviderModel[] {
  const slash = model.indexOf("/");
  const asGiven = { provider, model };
  if (slash <= 0) return [asGiven];
  const named = { provider: model.slice(0, slash), model: model.slice(slash + 1) };
  return provider === null ? [named] : [asGiven, named];
}
