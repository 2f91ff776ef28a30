/**
 * Prices a run while it goes on, where the worker itself reports tokens but no cost: a cost ceiling is then enforced on
 * the estimate. The price list is loaded beside the running worker, and only for a worker that has a provider.
 */
import type { CostBasis, WorkerEvent, WorkerReport } from "@agentcore/contract";
import { ignore } from "@agentcore/contract";
import { loadPriceList, type PriceList } from "../prices.ts";
import type { Run } from "./prepare.ts";

export interface CostMeter {
  /** The event, with an estimate in place of a missing cost where one can be made. */
  price(event: WorkerEvent): WorkerEvent;
  /** Cost of the whole run, from what the worker reported at the end. */
  total(report: WorkerReport): Promise<{ readonly costUsd: number | null; readonly costBasis: CostBasis }>;
}

export function createCostMeter(run: Run): CostMeter {
  const provider = run.request.permit.provider ?? run.request.adapter.provider;
  let model = run.model;
  let prices: PriceList | null = null;
  const loading = provider === null ? null : loadPrices((list) => (prices = list));

  return {
    price(event) {
      if (event.type === "started") model = event.model ?? model;
      if (event.type !== "usage" || event.costUsd !== null || prices === null) return event;
      const costUsd = prices.estimateCostUsd(provider, model, event.usage);
      return costUsd === null ? event : { ...event, costUsd };
    },
    async total(report) {
      if (report.costUsd !== null) return { costUsd: report.costUsd, costBasis: report.costBasis };
      await loading;
      const costUsd = prices?.estimateCostUsd(provider, report.model ?? model, report.usage) ?? null;
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
