/** How much of what is left a request may use: its hold, and the limit of its output. */
import type { CallPrice } from "../prices/call-price.ts";
import type { AccountRequest } from "./account.ts";

/** Micro-dollars and tokens. */
export interface Amounts {
  readonly costMicroUsd: number;
  readonly tokens: number;
}

/** What is left of each ceiling; `Infinity` without one. Negative if more was used than held. */
export type Room = Amounts;

export type Ceiling = "cost_ceiling" | "token_ceiling";

export interface Fit {
  readonly kind: "fits";
  readonly hold: Amounts;
  /** Output tokens that the hold covers. */
  readonly outputTokens: number;
  /** Most output tokens that the response can have; null if nothing limits it. */
  readonly mostOutputTokens: number | null;
  /** Asked for in place of what the request asks for; null: the request stays as it is. */
  readonly maxOutputTokens: number | null;
  readonly hostedToolCalls: number;
}

export interface TooLarge {
  readonly kind: "too_large";
  readonly ceiling: Ceiling;
  /** The least that would have to be left. */
  readonly least: Amounts;
}

export interface FitQuery {
  readonly request: AccountRequest;
  readonly price: CallPrice;
  readonly factor: number;
  readonly inputTokens: number;
  readonly room: Room;
  readonly outputBound: number;
  readonly limitsOutput: boolean;
  /** Other calls of the attempt are open. */
  readonly isAmongOthers: boolean;
}

/** A shorter answer is of no use to an agent: where not even that fits, the request is refused. */
const outputFloor = 1024;

/**
 * With other calls open, a request for which not even that fits waits for them. Their holds are more than they will cost, so
 * that a limit now could shorten an answer which the ceiling has room for. Few answers of agents are longer.
 */
const outputFloorAmongOthers = 8192;

/** Calls of hosted tools that are held for a request that offers them. */
const hostedToolCallsBound = 10;

/**
 * Holds the input and as much output as the request asks for, within the bound of output. Where less is left than the whole
 * answer could use, the output is limited to what fits.
 */
export function fitRequest(query: FitQuery): Fit | TooLarge {
  const { request, price, factor, inputTokens, room, outputBound, limitsOutput, isAmongOthers } = query;
  const hostedToolCalls = request.hostedTools.length > 0 ? hostedToolCallsBound : 0;
  const input = { inputTokens, hostedToolCalls, cacheWrites: request.cacheWrites, factor };
  const known = Math.min(request.maxOutputTokens ?? Infinity, price.outputCeiling ?? Infinity);
  const most = Number.isFinite(known) ? known : outputBound;
  const wanted = Math.min(most, outputBound);
  const useful = isAmongOthers ? outputFloorAmongOthers : outputFloor;
  const floor = Math.max(Math.min(wanted, useful), request.minOutputTokens);
  const affordable = price.outputThatFits(room.costMicroUsd, input);
  const fitting = Math.min(affordable, room.tokens - inputTokens);
  const amountsFor = (outputTokens: number): Amounts => ({
    costMicroUsd: price.boundOf({ ...input, outputTokens }),
    tokens: inputTokens + outputTokens,
  });
  const least = amountsFor(floor);
  if (least.costMicroUsd > room.costMicroUsd) return { kind: "too_large", ceiling: "cost_ceiling", least };
  if (least.tokens > room.tokens) return { kind: "too_large", ceiling: "token_ceiling", least };
  const outputTokens = Math.max(floor, Math.min(wanted, fitting));
  const maxOutputTokens = limitsOutput && fitting < most ? fitting : null;
  const mostOutputTokens = maxOutputTokens ?? request.maxOutputTokens;
  return {
    kind: "fits",
    hold: amountsFor(outputTokens),
    outputTokens,
    mostOutputTokens,
    maxOutputTokens,
    hostedToolCalls,
  };
}

export function isWithin(need: Amounts, room: Room): boolean {
  return need.costMicroUsd <= room.costMicroUsd && need.tokens <= room.tokens;
}
