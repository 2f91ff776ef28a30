/**
 * Prices a run while it goes on, where the worker itself reports tokens but no cost: a cost ceiling is then enforced on
 * the estimate. The price list is loaded beside the running worker, and only for a worker that has a provider.
 */
import type { CostBasis, Usage, WorkerEvent, WorkerReport } from "@agentcore/contract";
import { ignore } from "@agentcore/contract";
import { hasPrice, loadPriceList, type PriceList, withOwnPrices } from "../prices.ts";
import type { Run } from "./prepare.ts";

export interface CostMeter {
  /** What there is to say before the start of a run whose cost cannot be known; null where it can. */
  warning(): Promise<string | null>;
  /** The event, with an estimate in place of a missing cost where one can be made. */
  price(event: WorkerEvent): WorkerEvent;
  /** Cost of the whole run: what the worker reported at its end, else the price of what it used. */
  total(
    report: WorkerReport | null,
    usage: Usage,
  ): Promise<{ readonly costUsd: number | null; readonly costBasis: CostBasis }>;
}

/** `modelInFiles`: named by the files that the worker writes; null where they name none. */
export function createCostMeter(run: Run, modelInFiles: () => string | null): CostMeter {
  const provider = run.request.permit.provider ?? run.request.adapter.provider;
  let model = run.model;
  let prices: PriceList | null = null;
  const { prices: own = {} } = run.parts;
  const loading = provider === null ? null : loadPrices((list) => (prices = withOwnPrices(list, own)));

  return {
    async warning() {
      const { maxCostUsd } = run.request.permit.grants;
      if (maxCostUsd === null || model === null || run.request.adapter.reportsCost === true) return null;
      await loading;
      if (prices === null || hasPrice(prices, provider, model)) return null;
      return `no price is known for model ${model}: if the worker reports no cost, its ceiling of $${maxCostUsd} does not limit it and is charged in full; set prices.${model} in the configuration`;
    },
    price(event) {
      if (event.type === "started") model = event.model ?? model;
      if (event.type !== "usage" || event.costUsd !== null || prices === null) return event;
      model ??= modelInFiles();
      const costUsd = prices.estimateCostUsd(provider, model, event.usage);
      return costUsd === null ? event : { ...event, costUsd };
    },
    async total(report, usage) {
      if (report !== null && report.costUsd !== null) {
        return { costUsd: report.costUsd, costBasis: report.costBasis };
      }
      await loading;
      const name = report?.model ?? model ?? modelInFiles();
      const costUsd = prices?.estimateCostUsd(provider, name, usage) ?? null;
      return { costUsd, costBasis: costUsd === null ? "none" : "estimated" };
    },
  };
}

async function loadPrices(onLoaded: (list: PriceList) => void): Promise<void> {
  try {
    onLoaded(await loadPriceList());
  } catch (error) {
    ignore(error, "without a price list the cost is unknown, which the result says");
  }
}
