/** A call whose response has not ended: what it holds, and what it is charged when it ends. */
import type { CallUsage } from "@agentcore/contract";
import type { CallPrice } from "../prices/call-price.ts";
import type { AccountRequest, CallCharge, CallEnd, CallProgress } from "./account.ts";
import { type Amounts, type Fit, isWithin, type Room, type TooLarge } from "./reservation.ts";
import { isTooFewTokens, visibleTokensOf } from "./text-tokens.ts";
import { isSameUsage, totalTokens } from "./usage-total.ts";

export interface OpenCallOptions {
  readonly request: AccountRequest;
  readonly price: CallPrice;
  readonly factor: number;
  readonly inputTokens: number;
  readonly fit: Fit;
}

/** By how many tokens the hold of a response grows beyond what was seen. */
const growthTokens = 4096;

/** Whether the response has ended and reported all that it used. */
export function isWholeUsage({ usage, missing = null, isFinal }: CallEnd): boolean {
  return usage !== null && isFinal && missing === null;
}

export class OpenCall {
  readonly request: AccountRequest;
  readonly price: CallPrice;
  readonly maxOutputTokens: number | null;
  readonly #options: OpenCallOptions;
  #hold: Amounts;
  #outputTokens: number;
  #usage: CallUsage | null = null;
  #isInputKnown = false;

  constructor(options: OpenCallOptions) {
    this.#options = options;
    this.request = options.request;
    this.price = options.price;
    this.maxOutputTokens = options.fit.maxOutputTokens;
    this.#hold = options.fit.hold;
    this.#outputTokens = options.fit.outputTokens;
  }

  get hold(): Amounts {
    return this.#hold;
  }

  /** What the response has reported. */
  get usage(): CallUsage | null {
    return this.#usage;
  }

  /** Adapts the hold to what was received: the input once it is reported, and output beyond the hold. */
  grow(progress: CallProgress, room: Room): { readonly kind: "fits" } | TooLarge {
    const usage = progress.usage ?? this.#usage;
    const isNews = usage !== null && (this.#usage === null || !isSameUsage(usage, this.#usage));
    this.#take(progress);
    const seen = this.#seenTokens(progress);
    if (!isNews && seen <= this.#outputTokens) return { kind: "fits" };
    const withOwn = {
      costMicroUsd: room.costMicroUsd + this.#hold.costMicroUsd,
      tokens: room.tokens + this.#hold.tokens,
    };
    const ample = seen > this.#outputTokens ? seen + growthTokens : this.#outputTokens;
    const most = this.#options.fit.mostOutputTokens ?? Infinity;
    const target = Math.max(seen, Math.min(ample, most));
    for (const outputTokens of [target, seen]) {
      const need = this.#amountsFor(outputTokens);
      if (!isWithin(need, withOwn)) continue;
      this.#hold = need;
      this.#outputTokens = outputTokens;
      return { kind: "fits" };
    }
    const least = this.#amountsFor(seen);
    const ceiling = least.costMicroUsd > withOwn.costMicroUsd ? "cost_ceiling" : "token_ceiling";
    return { kind: "too_large", ceiling, least };
  }

  /**
   * A response that reported its whole usage is charged that, but no less than its text has, and a request that was answered
   * with an error costs nothing. Everything else is charged what it held, or what was seen if that is more.
   */
  chargeOf(end: CallEnd): CallCharge {
    if (end.usage !== null && isWholeUsage(end)) {
      const isTooLow = isTooFewTokens(end.usage.outputTokens, end.visibleOutputBytes);
      const usage = isTooLow ? { ...end.usage, outputTokens: this.#seenTokens(end) } : end.usage;
      return {
        costMicroUsd: this.price.costOf(usage),
        tokens: totalTokens(usage),
        estimated: isTooLow || this.price.isBound,
      };
    }
    const isError = end.status !== null && end.status >= 400;
    if (!end.wasSent || isError) return { costMicroUsd: 0, tokens: 0, estimated: false };
    this.#take(end);
    const seen = this.#seenTokens(end);
    // The provider failed before it had answered anything.
    const isUnanswered = end.outcome === "failed" && end.hasFault === true && seen === 0;
    if (isUnanswered) return { costMicroUsd: 0, tokens: 0, estimated: true };
    return { ...this.#amountsFor(Math.max(seen, this.#outputTokens)), estimated: true };
  }

  #take({ usage, missing = null }: CallProgress): void {
    if (usage === null) return;
    this.#usage = usage;
    this.#isInputKnown = missing !== "input";
  }

  #seenTokens({ visibleOutputBytes }: CallProgress): number {
    const visible = visibleTokensOf(visibleOutputBytes, this.#options.fit.mostOutputTokens);
    return Math.max(this.#usage?.outputTokens ?? 0, visible);
  }

  /** The most that the call uses if it has that much output. */
  #amountsFor(outputTokens: number): Amounts {
    const { inputTokens, factor, fit, request } = this.#options;
    const { hostedToolCalls } = fit;
    const usage = this.#usage;
    const bound = { inputTokens, outputTokens, hostedToolCalls, cacheWrites: request.cacheWrites, factor };
    const most = { costMicroUsd: this.price.boundOf(bound), tokens: inputTokens + outputTokens };
    if (usage === null) return most;
    const reported = { ...usage, outputTokens };
    const known = { costMicroUsd: this.price.costOf(reported), tokens: totalTokens(reported) };
    // What hosted tools find becomes input, so that the input grows during the response.
    if (hostedToolCalls === 0 && this.#isInputKnown) return known;
    return {
      costMicroUsd: Math.max(known.costMicroUsd, most.costMicroUsd),
      tokens: Math.max(known.tokens, most.tokens),
    };
  }
}
