/**
 * Prices a run while it runs, if the worker reports tokens but no cost, so that a cost ceiling is enforced on the estimate.
 * Totals only grow: a worker that reports less than before has not got money back. The price list is loaded in parallel
 * with the worker, and only for a worker with a provider.
 */
import type { CostBasis, Usage, WorkerEvent, WorkerReport } from "@agentcore/contract";
import { ignore } from "@agentcore/contract";
import { hasPrice, loadPriceList, type PriceList, withOwnPrices } from "../prices.ts";
import type { Run } from "./prepare.ts";

export interface CostMeter {
  /** The warning before the start of a run whose cost cannot be known; null if it can. */
  warning(): Promise<string | null>;
  /** The event, with an estimate for a missing cost if possible, and never with a lower cost than before. */
  price(event: WorkerEvent): WorkerEvent;
  /** Cost of the whole run: the highest report of the worker if it reached its end, else the price of its tokens. */
  total(
    report: WorkerReport | null,
    usage: Usage,
  ): Promise<{ readonly costUsd: number | null; readonly costBasis: CostBasis }>;
}

/** `modelInFiles`: the model that the worker's usage files name; null if they name none. */
export function createCostMeter(run: Run, modelInFiles: () => string | null): CostMeter {
  const provider = run.request.permit.provider ?? run.request.adapter.provider;
  let model = run.model;
  let prices: PriceList | null = null;
  /** The maximum so far. */
  let reportedUsd: number | null = null;
  let estimatedUsd: number | null = null;
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
      if (event.type !== "usage") return event;
      model ??= modelInFiles();
      if (event.costUsd !== null) reportedUsd = most(reportedUsd, event.costUsd);
      else estimatedUsd = most(estimatedUsd, prices?.estimateCostUsd(provider, model, event.usage) ?? null);
      return { ...event, costUsd: most(reportedUsd, estimatedUsd) };
    },
    async total(report, usage) {
      if (report !== null && report.costUsd !== null && report.terminal !== "none") {
        return { costUsd: most(report.costUsd, reportedUsd), costBasis: report.costBasis };
      }
      await loading;
      const name = report?.model ?? model ?? modelInFiles();
      const price = prices?.estimateCostUsd(provider, name, usage) ?? null;
      // The reports of an interrupted run do not include its last response.
      const reported = most(report?.costUsd ?? null, reportedUsd);
      const costUsd = most(reported, most(estimatedUsd, price));
      return { costUsd, costBasis: costUsd === null ? "none" : "estimated" };
    },
  };
}

function most(a: number | null, b: number | null): number | null {
  return a === null ? b : Math.max(a, b ?? 0);
}

async function loadPrices(onLoaded: (list: PriceList) => void): Promise<void> {
  try {
    onLoaded(await loadPriceList());
  } catch (error) {
    ignore(error, "without a price list the cost is unknown, which the result says");
  }
}
