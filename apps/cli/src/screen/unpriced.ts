/** What the setting `unpriced` means for a run whose model has no price, in words. */
import type { Unpriced } from "@agentcore/worker-kit";

export const unpricedWords: Readonly<Record<Unpriced, string>> = {
  charge_ceiling:
    "a run that does not use the spend gate and whose worker reports no cost is charged its whole ceiling (unpriced: charge_ceiling)",
  zero: "a run whose worker reports no cost counts as $0, and no cost limit stops it (unpriced: zero)",
  refuse: "a run is refused before it starts (unpriced: refuse)",
};
