/**
 * Random interleavings of the calls of an attempt, against a provider that knows the truth: it bills what a response used, also
 * if nobody was told.
 */
import { noCallUsage, type CallUsage, type Random } from "@agentcore/contract";
import { seededRandom, testSeed } from "@agentcore/contract/testing";
import { beforeAll, describe, expect, it } from "vitest";
import { loadPriceBook, type CallPrice, type PriceBook } from "../prices/index.ts";
import { Account, type AccountRequest, type CallEnd, type GrantedCall } from "./account.ts";
import { totalTokens } from "./usage-total.ts";

let book: PriceBook;
beforeAll(async () => {
  book = await loadPriceBook({
    prices: { plain: { input: 3, cached_input: 0.3, cache_write: 4, output: 15 } },
  });
});

const models = ["plain", "claude-opus-5", "claude-haiku-4-5", "claude-unheard-of"] as const;

function priceOf(model: string | null): CallPrice {
  return book.priceOf({
    provider: "anthropic",
    protocol: "anthropic-messages",
    model,
    at: Date.UTC(2026, 10, 30),
  });
}

interface World {
  readonly random: Random;
  readonly account: Account;
  readonly ceilingMicroUsd: number;
  readonly maxTokens: number;
  /** Share of the output that the response does not show. */
  readonly hidden: number;
  readonly asked: () => number | null;
  /** Output tokens that a model has to say. */
  readonly says: () => number;
}

/** A call as the provider sees it. */
interface TrueCall {
  readonly request: AccountRequest;
  readonly grant: GrantedCall;
  readonly price: CallPrice;
  readonly usage: CallUsage;
  /** Output tokens so far, and the most that the response will have. */
  output: number;
  readonly outputAtEnd: number;
  readonly bytesPerToken: number;
  readonly shown: number;
  hasReportedInput: boolean;
}

function whole(random: Random, from: number, to: number): number {
  return from + Math.floor(random.next() * (to - from + 1));
}

function pick<T>(random: Random, from: readonly T[]): T {
  const one = from[whole(random, 0, from.length - 1)];
  if (one === undefined) throw new RangeError("nothing to pick from");
  return one;
}

/** One attempt: its agents have text of one density. */
class Attempt {
  readonly open: TrueCall[] = [];
  readonly ended: {
    readonly isCut: boolean;
    readonly costMicroUsd: number;
    readonly trueMicroUsd: number;
    readonly trueTokens: number;
  }[] = [];
  /** Requests that wait, as the proxy keeps them. */
  readonly #waiting: AccountRequest[] = [];
  readonly #tokensPerByte: number;
  readonly #world: World;
  #sent = 0;
  /** How many calls were open when a request was refused for the first time; null if none was. */
  openAtRefusal: number | null = null;

  constructor(world: World) {
    this.#world = world;
    this.#tokensPerByte = 0.2 + world.random.next() * 0.2;
  }

  step(): void {
    const { random } = this.#world;
    const roll = random.next();
    if (this.open.length === 0 || (roll < 0.25 && this.open.length < 5)) this.#ask();
    else if (roll < 0.8) this.#receive(pick(random, this.open), whole(random, 1, 900));
    else this.#finish(pick(random, this.open));
  }

  #ask(): void {
    const { random, account, asked } = this.#world;
    this.#sent += 1;
    const request = this.#waiting.shift() ?? {
      model: pick(random, models),
      maxOutputTokens: asked(),
      minOutputTokens: 0,
      inputBytes: whole(random, 400, 300_000),
      isInputInBody: true,
      hostedTools: [],
      otherModels: [],
      cacheWrites: null,
      serviceTier: null,
      speed: null,
      region: null,
      fingerprint: `request ${this.#sent}`,
    };
    const decision = account.begin(request);
    if (decision.kind === "refused") this.openAtRefusal ??= this.open.length;
    else if (decision.kind === "wait") this.#waiting.push(request);
    else this.#start(request, decision);
  }

  #start(request: AccountRequest, grant: GrantedCall): void {
    const { random, hidden, says } = this.#world;
    const input = Math.floor(request.inputBytes * this.#tokensPerByte * (0.9 + random.next() * 0.2));
    const written = Math.floor(input * random.next());
    const read = Math.floor((input - written) * random.next());
    const most = grant.maxOutputTokens ?? request.maxOutputTokens ?? Infinity;
    this.open.push({
      request,
      grant,
      price: priceOf(request.model),
      usage: {
        ...noCallUsage,
        inputTokens: input - written - read,
        cacheReadTokens: read,
        cacheWrite5mTokens: written,
      },
      output: 0,
      outputAtEnd: Math.min(most, says()),
      bytesPerToken: 2 + random.next() * 4,
      shown: 1 - hidden * random.next(),
      hasReportedInput: false,
    });
  }

  #progressOf(call: TrueCall) {
    return {
      usage: call.hasReportedInput ? call.usage : null,
      visibleOutputBytes: Math.floor(call.output * call.shown * call.bytesPerToken),
    };
  }

  /** False if the account has cut the response. */
  #receive(call: TrueCall, tokens: number): boolean {
    call.output = Math.min(call.outputAtEnd, call.output + tokens);
    call.hasReportedInput ||= this.#world.random.next() < 0.5;
    if (this.#world.account.progress(call.grant.callId, this.#progressOf(call)) === "go on") return true;
    this.#end(call, { ...this.#progressOf(call), isFinal: false, outcome: "cut", status: 200 });
    return false;
  }

  #finish(call: TrueCall): void {
    const roll = this.#world.random.next();
    if (call.output === 0 && roll < 0.1) {
      this.#end(call, { usage: null, visibleOutputBytes: 0, isFinal: false, outcome: "failed", status: 529 });
    } else if (roll < 0.3) {
      const outcome = roll < 0.2 ? "cancelled" : "failed";
      this.#end(call, { ...this.#progressOf(call), isFinal: false, outcome, status: 200 });
    } else {
      while (call.output < call.outputAtEnd)
        if (!this.#receive(call, whole(this.#world.random, 1, 900))) return;
      const usage = roll < 0.35 ? null : this.#usageOf(call);
      this.#end(call, { ...this.#progressOf(call), usage, isFinal: true, outcome: "completed", status: 200 });
    }
  }

  #usageOf(call: TrueCall): CallUsage {
    return {
      ...call.usage,
      outputTokens: call.output,
      reasoningTokens: Math.floor(call.output * (1 - call.shown)),
    };
  }

  #end(call: TrueCall, end: Omit<CallEnd, "wasSent">): void {
    this.open.splice(this.open.indexOf(call), 1);
    const { costMicroUsd } = this.#world.account.end(call.grant.callId, { ...end, wasSent: true });
    const isBilled = end.status === 200;
    const trueMicroUsd = isBilled ? call.price.costOf(this.#usageOf(call)) : 0;
    const trueTokens = isBilled ? totalTokens(this.#usageOf(call)) : 0;
    this.ended.push({ isCut: end.outcome === "cut", costMicroUsd, trueMicroUsd, trueTokens });
  }

  /** What the provider bills for everything, also for calls that are open. */
  trueMicroUsd(): number {
    const open = this.open.map((call) => call.price.costOf(this.#usageOf(call)));
    return sum([...open, ...this.ended.map((call) => call.trueMicroUsd)]);
  }

  trueTokens(): number {
    const open = this.open.map((call) => totalTokens(this.#usageOf(call)));
    return sum([...open, ...this.ended.map((call) => call.trueTokens)]);
  }
}

interface Kind {
  readonly outputBound: number;
  readonly ceilingUsd: (random: Random) => number;
  readonly hidden: number;
  readonly asked: (random: Random) => number | null;
  readonly says: (random: Random) => number;
}

function eachAttempt(what: string, kind: Kind, check: (attempt: Attempt, world: World) => void): void {
  const random = seededRandom(testSeed(what));
  for (let run = 0; run < 60; run += 1) {
    const ceilingMicroUsd = Math.floor(kind.ceilingUsd(random) * 1e6);
    // In some of the attempts, the ceiling of tokens is reached first.
    const maxTokens = Math.floor(kind.ceilingUsd(random) * 2e5);
    const account = new Account({
      ceilingMicroUsd,
      maxTokens,
      limits: { calls: null, callsInFlight: 4, identicalCalls: 20 },
      priceOf,
      outputBound: kind.outputBound,
    });
    const world: World = {
      random,
      account,
      ceilingMicroUsd,
      maxTokens,
      hidden: kind.hidden,
      asked: () => kind.asked(random),
      says: () => kind.says(random),
    };
    const attempt = new Attempt(world);
    let before = account.spending();
    for (let step = 0; step < 120; step += 1) {
      attempt.step();
      check(attempt, world);
      const spending = account.spending();
      expect(spending.costMicroUsd).toBeGreaterThanOrEqual(before.costMicroUsd);
      expect(spending.tokens).toBeGreaterThanOrEqual(before.tokens);
      before = spending;
    }
  }
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

/** What is charged and what was held when the open calls began: the charge after a crash. */
function afterCrash({ open, ended }: Attempt): number {
  return sum([...ended.map((call) => call.costMicroUsd), ...open.map((call) => call.grant.holdMicroUsd)]);
}

describe("an attempt with any interleaving of calls", () => {
  const tight = (random: Random) => 0.02 + random.next() * 4;
  const someOutput = (random: Random) => whole(random, 1, 12_000);

  it("never costs more than its ceiling, and is charged no less than the provider bills, if every output is held", () => {
    const asked = (random: Random) => pick(random, [300, 4000, 32_000, 128_000]);
    const kind = { outputBound: 128_000, ceilingUsd: tight, hidden: 1, asked, says: someOutput };
    let refused = 0;
    eachAttempt("account with limits", kind, (attempt, { account, ceilingMicroUsd, maxTokens }) => {
      expect(attempt.trueTokens()).toBeLessThanOrEqual(maxTokens);
      expect(attempt.trueMicroUsd()).toBeLessThanOrEqual(ceilingMicroUsd);
      expect(attempt.trueMicroUsd()).toBeLessThanOrEqual(afterCrash(attempt));
      expect(account.spending().costMicroUsd).toBeLessThanOrEqual(ceilingMicroUsd);
      for (const { trueMicroUsd, costMicroUsd } of attempt.ended)
        expect(costMicroUsd).toBeGreaterThanOrEqual(trueMicroUsd);
      // Where others hold what a request needs, it waits.
      expect(attempt.openAtRefusal ?? 0).toBe(0);
      expect(attempt.ended.filter((call) => call.isCut)).toEqual([]);
      refused += attempt.openAtRefusal === null ? 0 : 1;
    });
    // The ceilings are tight: otherwise nothing was tested.
    expect(refused).toBeGreaterThan(0);
  });

  it("is cut in time if its outputs are longer than their holds", () => {
    const asked = (random: Random) => pick(random, [null, 64_000]);
    const says = (random: Random) => whole(random, 1, 40_000);
    const kind = { outputBound: 2000, ceilingUsd: tight, hidden: 0, asked, says };
    let cuts = 0;
    eachAttempt("account with cuts", kind, (attempt, { ceilingMicroUsd }) => {
      const { ended } = attempt;
      // The last part of a response that is cut was generated before it was seen.
      const lastPart = 900 * 50;
      expect(attempt.trueMicroUsd()).toBeLessThanOrEqual(
        ceilingMicroUsd + lastPart * ended.filter((call) => call.isCut).length,
      );
      for (const { trueMicroUsd, costMicroUsd } of ended)
        expect(costMicroUsd).toBeGreaterThanOrEqual(trueMicroUsd);
      cuts += ended.filter((call) => call.isCut).length;
    });
    expect(cuts).toBeGreaterThan(0);
  });

  it("is never refused or cut if it is healthy and its ceiling ample, though it asks for 128,000 tokens each time", () => {
    const kind: Kind = {
      outputBound: 32_000,
      ceilingUsd: () => 60,
      hidden: 0.8,
      asked: () => 128_000,
      says: (random) => (random.next() < 0.05 ? whole(random, 20_000, 60_000) : whole(random, 50, 4000)),
    };
    eachAttempt("healthy attempt", kind, (attempt, { account }) => {
      expect(account.stopped).toBeNull();
      expect(attempt.ended.filter((call) => call.isCut)).toEqual([]);
    });
  });
});
