/** Refuses a run whose cost could not be known, if the configuration says so, before anything is opened or started. */
import type { WorkerAdapter } from "@agentcore/contract";
import { hasPrice, loadPriceList, needsPrice, requirePrice, withOwnPrices } from "@agentcore/worker-kit";
import type { Config } from "../config/schema.ts";
import { unpricedWords } from "../screen/unpriced.ts";

type PricedConfig = Pick<Config, "workers" | "prices" | "unpriced">;

/** The model that a run of the worker will use, as far as it is known before the start: the task's, or the settings'. */
export function modelBeforeStart(
  worker: string,
  model: string | null | undefined,
  { workers }: Pick<Config, "workers">,
): string | null {
  if (typeof model === "string") return model;
  const set = Object.hasOwn(workers, worker) ? workers[worker]?.settings["model"] : undefined;
  return typeof set === "string" ? set : null;
}

/** Throws `AC_MODEL_UNPRICED` if `unpriced` is `refuse` and the model has no price, or is not known. */
export async function requireKnownCost(
  adapter: Pick<WorkerAdapter, "name" | "provider" | "reportsCost">,
  model: string | null | undefined,
  config: PricedConfig,
): Promise<void> {
  await requirePrice(adapter, modelBeforeStart(adapter.name, model, config), config);
}

/** What to say before a run about a model without a price; null if it has one, is not known yet, or needs none. */
export async function priceWarning(
  adapter: Pick<WorkerAdapter, "name" | "provider" | "reportsCost">,
  asked: string | null | undefined,
  config: PricedConfig,
): Promise<string | null> {
  const model = modelBeforeStart(adapter.name, asked, config);
  if (model === null || !needsPrice(adapter)) return null;
  if (hasPrice(withOwnPrices(await loadPriceList(), config.prices), adapter.provider, model)) return null;
  return `no price for model ${model}: ${unpricedWords[config.unpriced]}`;
}
