/**
 * Prices a run while it runs, if the worker reports tokens but no cost, so that a cost ceiling is enforced on the estimate.
 * Totals only grow: a worker that reports less than before has not got money back. The price list is loaded in parallel
 * with the worker, and only for a worker with a provider.
 */
import type { CostBasis, Usage, WorkerEvent, WorkerReport } from "@agentcore/contract";
import { ignore } from "@agentcore/contract";
import {
  freeIfUnpriced,
  hasPrice,
  loadPriceList,
  needsPrice,
  type PriceList,
  withOwnPrices,
} from "../prices.ts";
import type { Run } from "./prepare.ts";

export interface CostMeter {
  /** The warning before the start of a run whose model has no price; null if it has one, or is not known yet. */
  warning(): Promise<string | null>;
  /** The same warning for the model that the worker named itself; null if it was given before. */
  lateWarning(event: WorkerEvent): string | null;
  /** The event, with an estimate for a missing cost if possible, and never with a lower cost than before. */
  price(event: WorkerEvent): WorkerEvent;
  /** Cost of the whole run: the highest report of the worker if it reached its end, else the price of its tokens. */
  total(report: WorkerReport | null, usage: Usage): Promise<Cost>;
}

export interface Cost {
  readonly costUsd: number | null;
  readonly costBasis: CostBasis;
  /** See `WorkerResult`. */
  readonly costNote?: string;
}

/** `modelInFiles`: the model that the worker's usage files name; null if they name none. */
export function createCostMeter(run: Run, modelInFiles: () => string | null): CostMeter {
  const provider = run.request.permit.provider ?? run.request.adapter.provider;
  let model = run.model;
  /** With the user's own prices. */
  let known: PriceList | null = null;
  /** What estimates are made with. */
  let prices: PriceList | null = null;
  /** The maximum so far. */
  let reportedUsd: number | null = null;
  let estimatedUsd: number | null = null;
  const { prices: own = {}, unpriced = "charge_ceiling" } = run.parts;
  const { maxCostUsd } = run.request.permit.grants;
  const isFree = unpriced === "zero";
  const loading =
    provider === null
      ? null
      : loadPrices((list) => {
          known = withOwnPrices(list, own);
          prices = isFree ? freeIfUnpriced(known) : known;
        });
  let warned = false;

  const lacksPrice = (name: string | null): name is string =>
    known !== null && name !== null && !hasPrice(known, provider, name);
  const warningFor = (name: string | null): string | null => {
    // The spend gate has a price for every model.
    if (warned || run.isMetered || maxCostUsd === null) return null;
    if (!needsPrice(run.request.adapter) || !lacksPrice(name)) return null;
    warned = true;
    const then = isFree
      ? "it counts as $0, and no limit on cost stops it (`unpriced: zero`)"
      : `its ceiling of $${maxCostUsd} does not limit it and is charged in full (\`unpriced: charge_ceiling\`)`;
    return `no price is known for model ${name}: if the worker reports no cost, ${then}; set prices.${name} in the configuration`;
  };

  return {
    async warning() {
      if (maxCostUsd === null || model === null) return null;
      await loading;
      return warningFor(model);
    },
    lateWarning: (event) => (event.type === "started" ? warningFor(event.model) : null),
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
      const costBasis = costUsd === null ? "none" : "estimated";
      if (!isFree || costUsd !== 0 || !lacksPrice(name)) return { costUsd, costBasis };
      return {
        costUsd,
        costBasis,
        costNote: `no price for model ${name}; counted as $0 by \`unpriced: zero\``,
      };
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
