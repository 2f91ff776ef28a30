/**
 * The price of one model at one moment: what a response cost, and the most that a request can cost. Amounts are whole
 * micro-dollars, rounded up.
 */
import type { CallUsage } from "@agentcore/contract";
import { microUsdOf } from "@agentcore/core";
import type { PriceFactors, PricedAs } from "./factors.ts";
import type { Rates } from "./rates.ts";

export interface CallPrice {
  /** Charge for a response. Throws if its numbers are none that can be priced. */
  costOf(usage: CallUsage): number;
  /** The most that a request can cost which uses no more than that. */
  boundOf(most: CallBound): number;
  /** The most output tokens for which {@link boundOf} stays within the amount; `Infinity` if output is free. */
  outputThatFits(leftMicroUsd: number, most: Omit<CallBound, "outputTokens">): number;
  /** By what the service tier, the speed and the region multiply the price of tokens. */
  factorOf(as: PricedAs): number;
  /** Most output tokens of one response; null if that is not known. */
  readonly outputCeiling: number | null;
  /** Most tokens of input; null if that is not known. */
  readonly contextWindow: number | null;
  /** Where the price comes from, with its date; null if the model is free because it has no price. */
  readonly source: string | null;
  /** The model has no price of its own: every charge is an estimate. */
  readonly isBound: boolean;
}

/** The most that a request can use. */
export interface CallBound {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly hostedToolCalls: number;
  /** The longest-lived cache that the request writes to. Null: the provider may write to a cache that lives 5 minutes. */
  readonly cacheWrites: "5m" | "1h" | null;
  /** Multiplies the price of tokens: the largest factor that may apply, at least 1. */
  readonly factor: number;
}

/**
 * The price of a request that several models may answer together, which the response does not divide among them: each amount
 * is that of the dearest.
 */
export function dearestOf(prices: readonly CallPrice[]): CallPrice {
  const [first, ...others] = prices;
  if (first === undefined) throw new RangeError("a request has the price of one model at least");
  if (others.length === 0) return first;
  const most = (amount: (price: CallPrice) => number) => Math.max(...prices.map(amount));
  const known = (bounds: readonly (number | null)[]) =>
    bounds.reduce<number | null>((a, b) => (a === null || b === null ? null : Math.max(a, b)), 0);
  return {
    costOf: (usage) => most((price) => price.costOf(usage)),
    boundOf: (bound) => most((price) => price.boundOf(bound)),
    outputThatFits: (left, bound) => Math.min(...prices.map((price) => price.outputThatFits(left, bound))),
    factorOf: (as) => most((price) => price.factorOf(as)),
    outputCeiling: known(prices.map((price) => price.outputCeiling)),
    contextWindow: known(prices.map((price) => price.contextWindow)),
    source: `dearest of ${prices.length} models, ${first.source ?? "without a price"}`,
    isBound: true,
  };
}

export type CallPriceFacts = Pick<CallPrice, "outputCeiling" | "contextWindow" | "source" | "isBound">;

export function callPrice(rates: Rates, factors: PriceFactors, facts: CallPriceFacts): CallPrice {
  const boundUsd = (most: CallBound) => {
    const plain = { inputTokens: 0, cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 };
    const kinds = [
      { ...plain, inputTokens: most.inputTokens },
      { ...plain, cacheWrite5mTokens: most.inputTokens },
      ...(most.cacheWrites === "1h" ? [{ ...plain, cacheWrite1hTokens: most.inputTokens }] : []),
    ];
    const { outputTokens, hostedToolCalls } = most;
    const costs = kinds.map((kind) => {
      const usd = rates.usdOf({ ...kind, outputTokens, hostedToolCalls });
      return usd.tokens * most.factor + usd.tools;
    });
    return Math.max(...costs);
  };
  const boundOf = (most: CallBound) => microUsdOf(boundUsd(most));
  return {
    ...facts,
    costOf(usage) {
      const usd = rates.usdOf(usage);
      const total = usd.tokens * factors.of(usage) + usd.tools;
      if (!(total >= 0 && total < Infinity))
        throw new RangeError("the price of the usage is not a finite number");
      return microUsdOf(total);
    },
    boundOf,
    outputThatFits(leftMicroUsd, most) {
      const inputUsd = boundUsd({ ...most, outputTokens: 0 });
      const left = leftMicroUsd / 1e6 - inputUsd;
      if (left < 0) return 0;
      if (left === Infinity) return Infinity;
      // The price of output depends on the input only, so the bound is linear in the output.
      const millionUsd = boundUsd({ ...most, outputTokens: 1e6 }) - inputUsd;
      if (millionUsd <= 0) return Infinity;
      let tokens = Math.floor((left / millionUsd) * 1e6);
      while (tokens > 0 && boundOf({ ...most, outputTokens: tokens }) > leftMicroUsd) tokens -= 1;
      return tokens;
    },
    factorOf: (as) => factors.of(as),
  };
}
