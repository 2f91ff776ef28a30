/**
 * The account of one attempt: it divides the ceiling of the permit among the calls of the attempt. Pure: no clock, no I/O.
 *
 * Each open call holds the most that it can cost, so that for responses which report what they used, ended charges and holds
 * together stay within the ceiling. One exception is by nature: reasoning that the response does not show and that exceeds
 * the hold of a call whose output was not limited, because more money was left when it began. It is charged in full.
 *
 * A call whose request does not fit while others are open, or only with a short answer, waits for them: their holds are larger
 * than what they will cost.
 * After a refusal for a ceiling, a limit or a loop, and after a cut, every later request gets the same refusal.
 */
import { type CallUsage, type MeteredSpending, noCallUsage } from "@agentcore/contract";
import type { MeterLimits } from "@agentcore/core";
import { type CallPrice, dearestOf } from "../prices/call-price.ts";
import type { CallRequest, MissingUsage, RefusalReason } from "../protocols/protocol.ts";
import { InputDensity } from "./input-density.ts";
import { LoopDetector } from "./loop-detector.ts";
import { isWholeUsage, OpenCall } from "./open-call.ts";
import { addCallUsage, totalTokens } from "./usage-total.ts";
import { callLimitReached, ceilingReached, loopFound } from "./reasons.ts";
import { type Amounts, fitRequest, type Room, type TooLarge } from "./reservation.ts";

export interface AccountOptions {
  /** Null: no ceiling. Calls are metered all the same. */
  readonly ceilingMicroUsd: number | null;
  readonly maxTokens: number | null;
  readonly limits: MeterLimits;
  /** Price at this moment. */
  readonly priceOf: (model: string | null) => CallPrice;
  /**
   * Output tokens that are held for a call that asks for more, or for no limit. A longer response takes more from what is
   * left as it grows. Default: 32,000.
   */
  readonly outputBound?: number | undefined;
  /** False for an upstream that refuses requests with a limit of output. Default: true. */
  readonly limitsOutput?: boolean | undefined;
  /** Called when a call that waits may fit: try {@link Account.begin} again. Must not call the account. */
  readonly onRoom?: (() => void) | undefined;
}

export type AccountRequest = Omit<CallRequest, "isStream">;

export type BeginDecision =
  | GrantedCall
  /** Open calls hold what this one needs, or too many are open. Nothing was recorded. */
  | { readonly kind: "wait" }
  /** For good. */
  | { readonly kind: "refused"; readonly reason: RefusalReason };

export interface GrantedCall {
  readonly kind: "granted";
  /** Counts from 1. */
  readonly callId: number;
  /** What the journal says of the open call: the most that it can cost. Given without a ceiling, too. */
  readonly holdMicroUsd: number;
  readonly holdTokens: number;
  /** The request must be changed to ask for no more output tokens than that; null: it stays as it is. */
  readonly maxOutputTokens: number | null;
  readonly priceSource: string | null;
}

/** What was received of a response so far. */
export interface CallProgress {
  readonly usage: CallUsage | null;
  /** What the usage does not have yet, or has as 0 because the response reported no amount. Default: nothing. */
  readonly missing?: MissingUsage | undefined;
  readonly visibleOutputBytes: number;
}

export interface CallEnd extends CallProgress {
  /** The response has ended: its meter is complete. */
  readonly isFinal: boolean;
  /** `failed` for a response with an error status, too. */
  readonly outcome: "completed" | "cut" | "cancelled" | "failed";
  /** Of the response; null if there was none. */
  readonly status: number | null;
  /** False if the request cannot have reached the provider: no connection was made. */
  readonly wasSent: boolean;
  /** The response says that the provider failed, or is no response. Default: false. */
  readonly hasFault?: boolean | undefined;
}

/** What is charged for a call. */
export interface CallCharge {
  readonly costMicroUsd: number;
  readonly tokens: number;
  readonly estimated: boolean;
}

export class Account {
  readonly #options: AccountOptions;
  readonly #open = new Map<number, OpenCall>();
  readonly #density = new InputDensity();
  readonly #loops: LoopDetector;
  /** The largest factor of a price that a response of the model named. */
  readonly #factors = new Map<string | null, number>();
  #ended: MeteredSpending = {
    costMicroUsd: 0,
    tokens: 0,
    usage: noCallUsage,
    calls: 0,
    estimated: false,
  };
  #begun = 0;
  #stopped: RefusalReason | null = null;

  constructor(options: AccountOptions) {
    this.#options = options;
    this.#loops = new LoopDetector(options.limits.identicalCalls);
  }

  /** Why every request is refused; null if none is. */
  get stopped(): RefusalReason | null {
    return this.#stopped;
  }

  /** Requests in a row that ask for the same, up to the last one. */
  get identicalCalls(): number {
    return this.#loops.repeats;
  }

  /** `limitsOutput`: false for a request that takes no limit of its output. Default: true. */
  begin(
    request: AccountRequest,
    { limitsOutput = true }: { limitsOutput?: boolean | undefined } = {},
  ): BeginDecision {
    if (this.#stopped !== null) return { kind: "refused", reason: this.#stopped };
    const { limits } = this.#options;
    if (limits.calls !== null && this.#begun >= limits.calls)
      return this.#stop(callLimitReached(limits.calls));
    if (this.#loops.isLoop(request.fingerprint)) return this.#stop(loopFound(limits.identicalCalls ?? 0));
    if (limits.callsInFlight !== null && this.#open.size >= limits.callsInFlight) return { kind: "wait" };

    const price = dearestOf([request.model, ...request.otherModels].map(this.#options.priceOf));
    const factor = Math.max(
      1,
      this.#factors.get(request.model) ?? 1,
      // The request has the same words for its tier as the response.
      price.factorOf({ serviceTier: request.serviceTier, speed: request.speed, region: request.region }),
    );
    const inputTokens = this.#density.tokensOf(request, price.contextWindow);
    const room = this.#room();
    const { outputBound = outputBoundDefault } = this.#options;
    const isLimited = limitsOutput && this.#options.limitsOutput !== false;
    const fit = fitRequest({
      request,
      price,
      factor,
      inputTokens,
      room,
      outputBound,
      limitsOutput: isLimited,
      isAmongOthers: this.#open.size > 0,
    });
    if (fit.kind === "too_large") {
      if (this.#open.size > 0) return { kind: "wait" };
      return this.#stopAtCeiling(fit, request.model, price);
    }
    return this.#grant(new OpenCall({ request, price, factor, inputTokens, fit }));
  }

  /**
   * `cut`: the response has used its hold and what is left. The account then refuses every later request; end the call with
   * the outcome `cut`. Call it before the terminal event only: a complete response is paid for.
   */
  progress(callId: number, progress: CallProgress): "go on" | "cut" {
    const call = this.#open.get(callId);
    if (call === undefined) return "go on";
    const before = call.hold;
    const growth = call.grow(progress, this.#room());
    if (growth.kind === "too_large") {
      this.#stopAtCeiling(growth, call.request.model, call.price);
      return "cut";
    }
    if (call.hold.costMicroUsd < before.costMicroUsd || call.hold.tokens < before.tokens)
      this.#options.onRoom?.();
    return "go on";
  }

  /**
   * Ends a call once; a call that is not open is charged nothing. Throws if the reported usage cannot be priced; the call
   * then stays open.
   */
  end(callId: number, end: CallEnd): CallCharge {
    const call = this.#open.get(callId);
    if (call === undefined) return { costMicroUsd: 0, tokens: 0, estimated: false };
    // A usage that has no price throws: the call then goes on holding what it can cost.
    const charge = call.chargeOf(end);
    this.#open.delete(callId);
    this.#ended = {
      costMicroUsd: this.#ended.costMicroUsd + charge.costMicroUsd,
      tokens: this.#ended.tokens + charge.tokens,
      usage: end.usage === null ? this.#ended.usage : addCallUsage(this.#ended.usage, end.usage),
      calls: this.#ended.calls + 1,
      estimated: this.#ended.estimated || charge.estimated,
    };
    this.#learn(call, end);
    this.#options.onRoom?.();
    return charge;
  }

  /** What an open call holds now: more than at its beginning if its response is longer than was held. Null if it is not open. */
  holdOf(callId: number): Amounts | null {
    return this.#open.get(callId)?.hold ?? null;
  }

  /** The charges of ended calls, and what open ones have reported. */
  spending(): MeteredSpending {
    const seen = [...this.#open.values()].flatMap((call) =>
      call.usage === null ? [] : [{ call, usage: call.usage }],
    );
    return {
      costMicroUsd: seen.reduce(
        (sum, { call, usage }) => sum + call.price.costOf(usage),
        this.#ended.costMicroUsd,
      ),
      tokens: seen.reduce((sum, { usage }) => sum + totalTokens(usage), this.#ended.tokens),
      usage: seen.reduce((sum, { usage }) => addCallUsage(sum, usage), this.#ended.usage),
      calls: this.#begun,
      estimated: this.#ended.estimated,
    };
  }

  /** What neither ended calls nor holds use. */
  #room(): Room {
    const left = (ceiling: number | null, spent: number, held: (hold: Amounts) => number) =>
      ceiling === null
        ? Infinity
        : [...this.#open.values()].reduce((sum, call) => sum - held(call.hold), ceiling - spent);
    return {
      costMicroUsd: left(
        this.#options.ceilingMicroUsd,
        this.#ended.costMicroUsd,
        (hold) => hold.costMicroUsd,
      ),
      tokens: left(this.#options.maxTokens, this.#ended.tokens, (hold) => hold.tokens),
    };
  }

  #grant(call: OpenCall): GrantedCall {
    this.#begun += 1;
    this.#open.set(this.#begun, call);
    this.#loops.begun(call.request.fingerprint);
    return {
      kind: "granted",
      callId: this.#begun,
      holdMicroUsd: call.hold.costMicroUsd,
      holdTokens: call.hold.tokens,
      maxOutputTokens: call.maxOutputTokens,
      priceSource: call.price.source,
    };
  }

  #stop(reason: RefusalReason): BeginDecision {
    this.#stopped ??= reason;
    return { kind: "refused", reason: this.#stopped };
  }

  #stopAtCeiling({ ceiling, least }: TooLarge, model: string | null, price: CallPrice): BeginDecision {
    const limits = this.#options;
    return this.#stop(ceilingReached({ ceiling, limits, spent: this.#ended, model, least, price }));
  }

  #learn(call: OpenCall, end: CallEnd): void {
    const isAccepted = end.status !== null && end.status >= 200 && end.status < 300;
    if (!isAccepted) this.#loops.failed(call.request.fingerprint);
    if (end.usage === null) return;
    const { model } = call.request;
    this.#factors.set(model, Math.max(this.#factors.get(model) ?? 1, call.price.factorOf(end.usage)));
    if (isWholeUsage(end)) this.#density.measured(call.request, end.usage);
  }
}

const outputBoundDefault = 32_000;
