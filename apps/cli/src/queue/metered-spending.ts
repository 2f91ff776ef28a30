/** Finds what a lost attempt spent in the journal of its metered calls; without any, its transcript says it. */
import { type CallJournal, spentByCalls, usdOf } from "@agentcore/core";
import type { SpendingOfLost } from "@agentcore/scheduler";

export function createMeteredSpending(
  journal: Pick<CallJournal, "calls">,
  otherwise: SpendingOfLost,
): SpendingOfLost {
  return async (lost) => {
    const spent = spentByCalls(await journal.calls(lost.permitId));
    if (spent === null) return otherwise(lost);
    const { costMicroUsd, usage, basis: costBasis } = spent;
    return { costUsd: usdOf(costMicroUsd), usage, costBasis };
  };
}
