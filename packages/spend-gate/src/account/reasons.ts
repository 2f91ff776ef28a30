/** Why the account refuses requests, in words for the user. */
import { usdOf } from "@agentcore/core";
import type { CallPrice } from "../prices/call-price.ts";
import type { RefusalReason } from "../protocols/protocol.ts";
import type { Amounts, Ceiling } from "./reservation.ts";

export interface CeilingFacts {
  readonly ceiling: Ceiling;
  readonly limits: { readonly ceilingMicroUsd: number | null; readonly maxTokens: number | null };
  readonly spent: Amounts;
  readonly model: string | null;
  /** What the call needs at least. */
  readonly least: Amounts;
  readonly price: CallPrice;
}

export function ceilingReached({ ceiling, limits, spent, model, least, price }: CeilingFacts): RefusalReason {
  const of = model === null ? "" : ` of ${model}`;
  if (ceiling === "token_ceiling") {
    const needs = `${spent.tokens} are used, and the call${of} can use ${least.tokens}`;
    return {
      kind: ceiling,
      message: `The run has reached its ceiling of ${limits.maxTokens} tokens: ${needs}.`,
    };
  }
  const needs = `${dollars(spent.costMicroUsd)} is spent, and the call${of} can cost ${dollars(least.costMicroUsd)}`;
  const bound = price.isBound
    ? ` That is a bound, because the model has no price (${price.source}): set \`prices\` or \`unknown_price\`.`
    : "";
  const most = dollars(limits.ceilingMicroUsd ?? 0);
  return { kind: ceiling, message: `The run has reached its cost ceiling of ${most}: ${needs}.${bound}` };
}

export function callLimitReached(calls: number): RefusalReason {
  return {
    kind: "calls",
    message: `The run has made ${calls} requests to its provider, which is its limit (limits.attempt.calls).`,
  };
}

export function loopFound(calls: number): RefusalReason {
  return {
    kind: "loop",
    message: `The worker has sent the same request ${calls} times in a row (limits.attempt.identical_calls).`,
  };
}

/** Small amounts matter in a message about what is left. */
function dollars(microUsd: number): string {
  const usd = usdOf(microUsd);
  return `$${usd.toFixed(Number.isInteger(usd * 100) ? 2 : 4)}`;
}
