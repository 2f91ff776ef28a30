/**
 * Prices a run while it goes on, where the worker itself reports tokens but no cost: a cost ceiling is then enforced on
 * the estimate. Totals only grow: a worker that reports less than before has not got money back. The price list is loaded beside the running worker, and only for a worker that has a provider.
 */
import type { CostBasis, Usage, WorkerEvent, WorkerReport } from "@agentcore/contract";
import { ignore } from "@agentcore/contract";
import { hasPrice, loadPriceList, type PriceList, withOwnPrices } from "../prices.ts";
import type { Run } from "./prepare.ts";

export interface CostMeter {
  /** What there is to say before the start of a run whose cost cannot be known; null where it can. */
  warning(): Promise<string | null>;
  /** The event, with an estimate in place of a missing cost where one can be made, and no cost below an earlier one. */
  price(event: WorkerEvent): WorkerEvent;
  /** Cost of the whole run: the most that the worker reported where it came to its end, else the price of what it used. */
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
  /** The most so far. */
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
      // What was reported by a run that broke off does not hold its last answer.
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
