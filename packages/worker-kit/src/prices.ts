/**
 * Estimates costs from reported tokens, for workers that report no cost. The price list is the data of the installed
 * `@pydantic/genai-prices`: it is never updated over the network, and is loaded on first use, because it has two megabytes
 * that most commands do not need.
 */
import {
  AgentCoreError,
  listedNames,
  ownPriceName,
  type OwnPrices,
  type Usage,
  type WorkerAdapter,
} from "@agentcore/contract";
import { addUsd } from "./usage-sum.ts";

/** Estimates synchronously once the list is loaded. */
export interface PriceList {
  /** US dollars, or null if the model has no price or no usage is known. */
  estimateCostUsd(provider: string | null, model: string | null, usage: Usage): number | null;
}

let loaded: Promise<PriceList> | undefined;

/** The list with the user's own prices first. */
export function withOwnPrices(list: PriceList, own: OwnPrices): PriceList {
  return {
    estimateCostUsd(provider, model, usage) {
      const name = ownPriceName(own, provider, model);
      const price = name === null ? undefined : own[name];
      const tokens = listedTokens(usage);
      if (price === undefined || tokens === null) return list.estimateCostUsd(provider, model, usage);
      const { input, cached_input: cachedInput = input, output } = price;
      const { input_tokens: all, cache_read_tokens: cached, output_tokens: answered } = tokens;
      return addUsd(((all - cached) * input + cached * cachedInput + answered * output) / 1e6, 0);
    },
  };
}

/** What is charged for a run whose model has no price: its ceiling, or nothing; or the run is refused. */
export type Unpriced = "charge_ceiling" | "refuse" | "zero";

/** The list in which a model without a price costs nothing, whatever its usage. */
export function freeIfUnpriced(list: PriceList): PriceList {
  return {
    estimateCostUsd: (provider, model, usage) =>
      list.estimateCostUsd(provider, model, usage) ??
      (model === null || hasPrice(list, provider, model) ? null : 0),
  };
}

export interface Pricing {
  readonly prices?: OwnPrices | undefined;
  /** Default: `charge_ceiling`. */
  readonly unpriced?: Unpriced | undefined;
}

/** Whether a run of this worker costs something that only a price list can tell. */
export function needsPrice({
  provider,
  reportsCost,
}: Pick<WorkerAdapter, "provider" | "reportsCost">): boolean {
  return provider !== null && reportsCost !== true;
}

/**
 * Throws `AC_MODEL_UNPRICED` if `unpriced` is `refuse` and the cost of a run could not be known: its model has no price, or
 * is not named. `provider`: default is the adapter's.
 */
export async function requirePrice(
  adapter: Pick<WorkerAdapter, "name" | "provider" | "reportsCost">,
  model: string | null,
  { prices = {}, unpriced }: Pricing,
  provider = adapter.provider,
): Promise<void> {
  if (unpriced !== "refuse" || !needsPrice(adapter)) return;
  if (model !== null && hasPrice(withOwnPrices(await loadPriceList(), prices), provider, model)) return;
  const why =
    model === null
      ? `no model is named for worker ${adapter.name}, so its price is not known`
      : `no price is known for model ${model} of worker ${adapter.name}`;
  throw new AgentCoreError("AC_MODEL_UNPRICED", `${why}; \`unpriced: refuse\` refuses the run`, {
    evidence: { worker: adapter.name, model, setting: "unpriced" },
  });
}

/** Whether a model has a price: the user's own, or the list's. */
export function hasPrice(list: PriceList, provider: string | null, model: string): boolean {
  const some = { inputTokens: 1_000_000, cachedInputTokens: null, outputTokens: 1_000_000 };
  return list.estimateCostUsd(provider, model, some) !== null;
}

/** Loads the list once per process. */
export function loadPriceList(): Promise<PriceList> {
  loaded ??= import("@pydantic/genai-prices").then(({ calcPrice }) => ({
    estimateCostUsd(provider, model, usage) {
      const tokens = listedTokens(usage);
      if (model === null || tokens === null) return null;
      // Price tiers depend on the size of one request, and a run's usage is the sum of many. Priced at a thousandth, the
      // sum stays in the first tier, which is the tier of ordinary requests.
      const scaled = scale(tokens, 1 / requestScale);
      for (const name of listedNames(provider, model)) {
        const price = calcPrice(
          scaled,
          name.model,
          name.provider === null ? {} : { providerId: name.provider },
        );
        if (price !== null) return addUsd(price.total_price * requestScale, 0);
      }
      return null;
    },
  }));
  return loaded;
}

/**
 * US dollars for a run's tokens at list price, or null if the model has no price or no usage is known. An estimate, not a
 * bill: the sum does not show requests in a higher price tier, temporary discounts or contract prices.
 */
export async function estimateCostUsd(
  provider: string | null,
  model: string | null,
  usage: Usage,
): Promise<number | null> {
  return (await loadPriceList()).estimateCostUsd(provider, model, usage);
}

const requestScale = 1000;

type Tokens = { input_tokens: number; cache_read_tokens: number; output_tokens: number };

/** The list counts cached input as part of the input; our usage keeps them separate. */
function listedTokens(usage: Usage): Tokens | null {
  if (usage.inputTokens === null && usage.outputTokens === null) return null;
  const cached = usage.cachedInputTokens ?? 0;
  return {
    input_tokens: (usage.inputTokens ?? 0) + cached,
    cache_read_tokens: cached,
    output_tokens: usage.outputTokens ?? 0,
  };
}

function scale(tokens: Tokens, factor: number): Tokens {
  return {
    input_tokens: tokens.input_tokens * factor,
    cache_read_tokens: tokens.cache_read_tokens * factor,
    output_tokens: tokens.output_tokens * factor,
  };
}
