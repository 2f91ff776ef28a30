/**
 * Bounds the tokens of a request by the length of its body. That a token has at least one byte is certain but of little use:
 * text has three or four bytes per token, so that bound alone refuses healthy agents. Instead, text counts as at most one
 * token per two bytes, and a request that is no longer than one that was measured in this attempt counts by what was
 * measured. Text that is denser, such as long random strings in a first request, can exceed the bound.
 */
import type { CallUsage } from "@agentcore/contract";
import type { AccountRequest } from "./account.ts";
import { bytesPerTokenMin } from "./text-tokens.ts";
import { inputTokensOf } from "./usage-total.ts";

/** Requests of one attempt differ in their density by less than this. */
const margin = 1.25;

/** Shorter requests say little about longer ones: what the provider adds to each of them is a large part of their tokens. */
const measuredBytesMin = 16_384;

interface Measured {
  /** Largest of all measured requests. */
  readonly tokensPerByte: number;
  /** Length of the longest. */
  readonly bytes: number;
  /** Largest input, for requests that refer to input elsewhere. */
  readonly tokens: number;
}

type Sized = Pick<AccountRequest, "model" | "inputBytes" | "isInputInBody">;

export class InputDensity {
  readonly #measured = new Map<string | null, Measured>();

  /** The most input tokens that the request is expected to have. `contextWindow`: no request has more; null: not known. */
  tokensOf({ model, inputBytes, isInputInBody }: Sized, contextWindow: number | null): number {
    const measured = this.#measured.get(model);
    const fresh = (bytes: number) => bytes / bytesPerTokenMin;
    const bytesKnown = Math.min(inputBytes, measured?.bytes ?? 0);
    const inBody = bytesKnown * (measured?.tokensPerByte ?? 0) * margin + fresh(inputBytes - bytesKnown);
    const most = contextWindow ?? Infinity;
    if (isInputInBody) return Math.min(most, Math.ceil(inBody));
    // A stored conversation that this attempt has not seen can fill the context window.
    if (measured === undefined) return Number.isFinite(most) ? most : Math.ceil(inBody);
    return Math.min(most, Math.ceil(inBody) + measured.tokens);
  }

  measured({ model, inputBytes, isInputInBody }: Sized, usage: CallUsage): void {
    const tokens = inputTokensOf(usage);
    const before = this.#measured.get(model) ?? { tokensPerByte: 0, bytes: 0, tokens: 0 };
    const isDensity = isInputInBody && inputBytes >= measuredBytesMin;
    this.#measured.set(model, {
      tokensPerByte: isDensity ? Math.max(before.tokensPerByte, tokens / inputBytes) : before.tokensPerByte,
      bytes: isDensity ? Math.max(before.bytes, inputBytes) : before.bytes,
      tokens: Math.max(before.tokens, tokens),
    });
  }
}
