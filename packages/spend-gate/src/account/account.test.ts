import { noCallUsage, type CallUsage } from "@agentcore/contract";
import { beforeAll, describe, expect, it } from "vitest";
import { loadPriceBook, type PriceBook } from "../prices/index.ts";
import {
  Account,
  type AccountOptions,
  type AccountRequest,
  type CallEnd,
  type GrantedCall,
} from "./account.ts";

let book: PriceBook;
beforeAll(async () => {
  book = await loadPriceBook({ prices: { plain: { input: 1, output: 10 }, free: { input: 0, output: 0 } } });
});

const dollar = 1_000_000;
const noLimits = { calls: null, callsInFlight: null, identicalCalls: null };

function account(options: Partial<AccountOptions> = {}): Account {
  return new Account({
    ceilingMicroUsd: null,
    maxTokens: null,
    limits: noLimits,
    priceOf: (model) =>
      book.priceOf({
        provider: "anthropic",
        protocol: "anthropic-messages",
        model,
        at: Date.UTC(2026, 10, 30),
      }),
    ...options,
  });
}

let requests = 0;
/** 1000 input tokens of a model whose input costs $1 and output $10 per million tokens. */
function asks(more: Partial<AccountRequest> = {}): AccountRequest {
  requests += 1;
  return {
    model: "plain",
    maxOutputTokens: 10_000,
    minOutputTokens: 0,
    inputBytes: 2000,
    isInputInBody: true,
    hostedTools: [],
    otherModels: [],
    cacheWrites: null,
    serviceTier: null,
    speed: null,
    region: null,
    fingerprint: `request ${requests}`,
    ...more,
  };
}

function granted(of: Account, request: AccountRequest): GrantedCall {
  const decision = of.begin(request);
  if (decision.kind !== "granted") throw new Error(`not granted: ${JSON.stringify(decision)}`);
  return decision;
}

function used(usage: Partial<CallUsage>): CallUsage {
  return { ...noCallUsage, ...usage };
}

const whole = {
  visibleOutputBytes: 0,
  isFinal: true,
  outcome: "completed",
  status: 200,
  wasSent: true,
} as const;
const broken: CallEnd = { ...whole, usage: null, isFinal: false, outcome: "failed" };

describe("the hold of a call", () => {
  it.each([
    [
      "holds input and what it asks for",
      1,
      {},
      { holdMicroUsd: 101_000, holdTokens: 11_000, maxOutputTokens: null },
    ],
    [
      "holds the bound of output if it asks for more",
      5,
      { maxOutputTokens: 128_000 },
      { holdMicroUsd: 321_000, maxOutputTokens: null },
    ],
    [
      "holds the bound of output if it asks for no limit",
      5,
      { maxOutputTokens: null },
      { holdMicroUsd: 321_000, maxOutputTokens: null },
    ],
    [
      "limits the output where less is left than it may use",
      1,
      { maxOutputTokens: 128_000 },
      { holdMicroUsd: 321_000, maxOutputTokens: 99_900 },
    ],
    ["limits it to what fits", 0.05, {}, { holdMicroUsd: 50_000, holdTokens: 5900, maxOutputTokens: 4900 }],
    ["adds a limit where the request has none", 0.05, { maxOutputTokens: null }, { maxOutputTokens: 4900 }],
    [
      "lets a short answer begin with little left",
      0.0111,
      { maxOutputTokens: 1000 },
      { maxOutputTokens: null },
    ],
    [
      "does not go below the least of the request",
      0.05,
      { minOutputTokens: 4900 },
      { maxOutputTokens: 4900 },
    ],
    [
      "costs nothing if the model is free",
      0,
      { model: "free" },
      { holdMicroUsd: 0, holdTokens: 11_000, maxOutputTokens: null },
    ],
    ["holds hosted tools", 5, { hostedTools: ["web_search"] }, { holdMicroUsd: 201_000 }],
  ] as const)("%s", (_name, ceilingUsd, more, expected) => {
    expect(account({ ceilingMicroUsd: ceilingUsd * dollar }).begin(asks(more))).toMatchObject({
      kind: "granted",
      ...expected,
    });
  });

  it.each([
    ["an answer of a useful length", 0.011, {}, "cost_ceiling"],
    ["a short answer", 0.0109, { maxOutputTokens: 1000 }, "cost_ceiling"],
    ["the least that the request allows", 0.05, { minOutputTokens: 4901 }, "cost_ceiling"],
    ["anything", 0, {}, "cost_ceiling"],
  ] as const)("is refused where %s does not fit", (_name, ceilingUsd, more, kind) => {
    expect(account({ ceilingMicroUsd: ceilingUsd * dollar }).begin(asks(more))).toMatchObject({
      kind: "refused",
      reason: { kind },
    });
  });

  it("is there without a ceiling, for the journal, and takes as much as it likes", () => {
    expect(account().begin(asks({ maxOutputTokens: 128_000 }))).toMatchObject({
      holdMicroUsd: 321_000,
      holdTokens: 33_000,
      maxOutputTokens: null,
      priceSource: "prices.plain of the configuration",
    });
  });

  it("respects the ceiling of tokens as it does that of cost", () => {
    expect(account({ maxTokens: 6000 }).begin(asks())).toMatchObject({
      holdTokens: 6000,
      maxOutputTokens: 5000,
    });
    expect(account({ maxTokens: 1999 }).begin(asks())).toMatchObject({ reason: { kind: "token_ceiling" } });
  });

  it("does not limit the output where the upstream or the request takes no limit", () => {
    const options = { ceilingMicroUsd: 0.05 * dollar };
    const all = account({ ...options, limitsOutput: false }).begin(asks(), { limitsOutput: true });
    const one = account(options).begin(asks(), { limitsOutput: false });
    for (const call of [all, one])
      expect(call).toMatchObject({ holdMicroUsd: 50_000, maxOutputTokens: null });
  });

  it("uses the dearest of the models that may answer, and says so", () => {
    const call = account().begin(asks({ otherModels: ["claude-opus-5"] }));
    expect(call).toMatchObject({
      holdMicroUsd: 256_250,
      priceSource: expect.stringContaining("dearest of 2 models"),
    });
  });

  it("multiplies by the tier that is asked for, and by one that an earlier response had", () => {
    const one = account();
    const opus = { model: "claude-opus-5" };
    expect(granted(one, asks({ ...opus, speed: "fast" })).holdMicroUsd).toBe(512_500);
    const first = granted(one, asks(opus));
    expect(first.holdMicroUsd).toBe(256_250);
    one.end(first.callId, { ...whole, usage: used({ region: "us" }) });
    expect(granted(one, asks(opus)).holdMicroUsd).toBe(281_875);
  });

  it("knows the density of input once a request was measured", () => {
    const one = account();
    const body = asks({ inputBytes: 40_000 });
    expect(granted(one, body).holdTokens).toBe(30_000);
    const second = granted(one, body);
    one.end(second.callId, { ...whole, usage: used({ inputTokens: 2000, cacheReadTokens: 8000 }) });
    // A quarter of a token per byte was measured: 12,500 with the margin. What is longer is new.
    expect(granted(one, body).holdTokens).toBe(22_500);
    expect(granted(one, asks({ inputBytes: 42_000 })).holdTokens).toBe(23_500);
    expect(granted(one, asks({ inputBytes: 4000 })).holdTokens).toBe(11_250);
    // A short request says nothing about long ones, and another model has its own tokens.
    expect(granted(one, asks({ inputBytes: 40_000, model: "free" })).holdTokens).toBe(30_000);
  });

  it("is the whole context window for input that is stored elsewhere, until that was measured", () => {
    const one = account();
    const elsewhere = { model: "claude-opus-5", isInputInBody: false };
    const first = granted(one, asks(elsewhere));
    expect(first.holdTokens).toBe(1_010_000);
    one.end(first.callId, { ...whole, usage: used({ inputTokens: 50_000 }) });
    expect(granted(one, asks(elsewhere)).holdTokens).toBe(61_000);
  });
});

describe("calls at the same time", () => {
  it("share one ceiling: who does not fit waits, and is not refused", () => {
    const rooms: string[] = [];
    const one = account({ ceilingMicroUsd: 0.105 * dollar, onRoom: () => rooms.push("room") });
    const first = granted(one, asks());
    const next = asks();
    expect(one.begin(next)).toEqual({ kind: "wait" });
    expect(one.begin(next)).toEqual({ kind: "wait" });
    expect(rooms).toEqual([]);
    one.end(first.callId, { ...whole, usage: used({ inputTokens: 1000, outputTokens: 100 }) });
    expect(rooms).toEqual(["room"]);
    expect(one.begin(next)).toMatchObject({ kind: "granted", maxOutputTokens: null });
  });

  it("wait rather than get a short answer, because the holds of the others are more than they will cost", () => {
    const one = account({ ceilingMicroUsd: 0.15 * dollar });
    const first = granted(one, asks());
    const next = asks();
    expect(one.begin(next)).toEqual({ kind: "wait" });
    // What fits is enough for an answer of usual length.
    const ample = account({ ceilingMicroUsd: 0.3 * dollar });
    granted(ample, asks());
    expect(ample.begin(asks({ maxOutputTokens: 32_000 }))).toMatchObject({ maxOutputTokens: 19_800 });
    one.end(first.callId, { ...whole, usage: used({ inputTokens: 1000, outputTokens: 9000 }) });
    // Nobody else is open: what is left is all that there will be.
    expect(one.begin(next)).toMatchObject({ kind: "granted", maxOutputTokens: 5800 });
  });

  it("wait where too many are in flight", () => {
    const one = account({ limits: { ...noLimits, callsInFlight: 2 } });
    const first = granted(one, asks());
    granted(one, asks());
    expect(one.begin(asks())).toEqual({ kind: "wait" });
    one.end(first.callId, broken);
    expect(one.begin(asks())).toMatchObject({ kind: "granted" });
  });

  it("get room as soon as a response reports a smaller input", () => {
    let rooms = 0;
    const one = account({ ceilingMicroUsd: 0.2 * dollar, onRoom: () => (rooms += 1) });
    const first = granted(one, asks({ inputBytes: 200_000, maxOutputTokens: 8000 }));
    expect(one.begin(asks({ maxOutputTokens: 1900 }))).toMatchObject({ kind: "granted" });
    expect(one.begin(asks({ maxOutputTokens: 5000 }))).toEqual({ kind: "wait" });
    one.progress(first.callId, {
      usage: used({ inputTokens: 20_000, outputTokens: 1 }),
      visibleOutputBytes: 10,
    });
    expect(rooms).toBe(1);
    expect(one.begin(asks({ maxOutputTokens: 5000 }))).toMatchObject({
      kind: "granted",
      maxOutputTokens: null,
    });
  });
});

describe("a response that grows beyond its hold", () => {
  const long = { maxOutputTokens: null, model: "plain" };
  const options = { outputBound: 2000, limitsOutput: false };

  it("takes more of what is left, and is cut when that is used up", () => {
    const one = account({ ...options, ceilingMicroUsd: 0.1 * dollar });
    const call = granted(one, asks(long));
    expect(call.holdMicroUsd).toBe(21_000);
    expect(one.progress(call.callId, { usage: null, visibleOutputBytes: 4000 })).toBe("go on");
    expect(one.progress(call.callId, { usage: null, visibleOutputBytes: 10_000 })).toBe("go on");
    expect(one.progress(call.callId, { usage: null, visibleOutputBytes: 19_800 })).toBe("go on");
    expect(one.stopped).toBeNull();
    expect(one.progress(call.callId, { usage: null, visibleOutputBytes: 19_802 })).toBe("cut");
    const charge = one.end(call.callId, { ...broken, outcome: "cut", visibleOutputBytes: 19_802 });
    expect(charge).toEqual({ costMicroUsd: 100_010, tokens: 10_901, estimated: true });
  });

  it("leaves alone what other calls hold", () => {
    const one = account({ ...options, ceilingMicroUsd: 0.1 * dollar });
    const call = granted(one, asks(long));
    granted(one, asks(long));
    expect(one.progress(call.callId, { usage: null, visibleOutputBytes: 15_600 })).toBe("go on");
    expect(one.progress(call.callId, { usage: null, visibleOutputBytes: 15_700 })).toBe("cut");
  });

  it("is not cut for an estimate above the limit of its output, only if it plainly ignores it", () => {
    const one = account({ ceilingMicroUsd: 0.05 * dollar });
    const { callId, maxOutputTokens } = granted(one, asks());
    expect(maxOutputTokens).toBe(4900);
    expect(one.progress(callId, { usage: null, visibleOutputBytes: 4900 * 5 })).toBe("go on");
    expect(one.progress(callId, { usage: null, visibleOutputBytes: 4900 * 8 + 8 })).toBe("cut");
  });

  it("is cut when its input alone was more than is left", () => {
    const one = account({ ceilingMicroUsd: 0.05 * dollar });
    const { callId } = granted(one, asks());
    expect(one.progress(callId, { usage: used({ inputTokens: 50_001 }), visibleOutputBytes: 0 })).toBe("cut");
  });
});

describe("the charge of a call", () => {
  const hold = { costMicroUsd: 101_000, tokens: 11_000, estimated: true };
  const reported = used({ inputTokens: 500, outputTokens: 50 });

  it.each<[string, Partial<CallEnd>, object]>([
    ["is what it reported", { usage: reported }, { costMicroUsd: 1000, tokens: 550, estimated: false }],
    [
      "is nothing, and no estimate, if it reported zeros",
      { usage: noCallUsage },
      { costMicroUsd: 0, tokens: 0, estimated: false },
    ],
    ["is its hold if it completed without a report", { usage: null }, hold],
    ["is its hold if it broke off", { usage: null, isFinal: false, outcome: "failed" }, hold],
    [
      "is its hold if it was cancelled before the response",
      { usage: null, isFinal: false, outcome: "cancelled", status: null },
      hold,
    ],
    [
      "is what it reported, if it completed and was cancelled then",
      { usage: reported, outcome: "cancelled" },
      { costMicroUsd: 1000, estimated: false },
    ],
    [
      "counts the reported input of a response that broke off",
      { usage: reported, isFinal: false, outcome: "failed" },
      { costMicroUsd: 100_500, tokens: 10_500, estimated: true },
    ],
    [
      "holds the output of a response that ended without it",
      { usage: reported, missing: "output" },
      { costMicroUsd: 100_500, tokens: 10_500, estimated: true },
    ],
    [
      "is its hold if the response ended without its input",
      { usage: used({ outputTokens: 50 }), missing: "input" },
      hold,
    ],
    [
      "is its hold if nothing that it reported can be read, and nothing was seen",
      { usage: null, missing: "input", outcome: "failed" },
      hold,
    ],
    [
      "is at least what was seen",
      { usage: null, isFinal: false, visibleOutputBytes: 100_000, outcome: "failed" },
      { costMicroUsd: 126_000, tokens: 13_500, estimated: true },
    ],
    [
      "is nothing for an error response",
      { usage: null, isFinal: false, outcome: "failed", status: 529 },
      { costMicroUsd: 0, tokens: 0, estimated: false },
    ],
    [
      "is nothing if no connection was made",
      { usage: null, isFinal: false, outcome: "failed", status: null, wasSent: false },
      { costMicroUsd: 0, estimated: false },
    ],
    [
      "is nothing if the response is only an error",
      { usage: null, isFinal: false, outcome: "failed", hasFault: true },
      { costMicroUsd: 0, estimated: true },
    ],
  ])("%s", (_name, end, expected) => {
    const one = account();
    const { callId } = granted(one, asks());
    expect(one.end(callId, { ...whole, usage: null, ...end })).toMatchObject(expected);
  });

  it("is counted once", () => {
    const one = account();
    const { callId } = granted(one, asks());
    one.end(callId, { ...whole, usage: reported });
    expect(one.end(callId, { ...whole, usage: reported })).toEqual({
      costMicroUsd: 0,
      tokens: 0,
      estimated: false,
    });
    expect(one.spending()).toMatchObject({ costMicroUsd: 1000, tokens: 550, calls: 1, estimated: false });
  });

  it("stays its hold if what it reported has no price", () => {
    const one = account({ ceilingMicroUsd: dollar });
    const { callId, holdMicroUsd } = granted(one, asks({ model: "claude-opus-5", maxOutputTokens: 20_000 }));
    const nonsense = used({ inputTokens: Number.NaN });
    expect(() => one.end(callId, { ...whole, usage: nonsense })).toThrow("finite");
    const next = granted(one, asks({ model: "claude-opus-5", maxOutputTokens: null }));
    expect(holdMicroUsd + next.holdMicroUsd).toBe(dollar);
  });

  it("is an estimate if the model has no price", () => {
    const one = account();
    const { callId } = granted(one, asks({ model: "claude-unheard-of" }));
    expect(one.end(callId, { ...whole, usage: reported })).toMatchObject({
      costMicroUsd: 7500,
      estimated: true,
    });
    expect(one.spending().estimated).toBe(true);
  });

  it("appears in the totals while the response is received", () => {
    const one = account();
    const { callId } = granted(one, asks());
    one.progress(callId, { usage: used({ inputTokens: 900, cacheReadTokens: 100 }), visibleOutputBytes: 9 });
    expect(one.spending()).toMatchObject({
      costMicroUsd: 1000,
      tokens: 1000,
      calls: 1,
      usage: { inputTokens: 900 },
    });
    one.end(callId, { ...whole, usage: used({ inputTokens: 900, cacheReadTokens: 100, outputTokens: 10 }) });
    expect(one.spending()).toMatchObject({
      costMicroUsd: 1100,
      tokens: 1010,
      usage: { cacheReadTokens: 100, outputTokens: 10 },
    });
  });
});

describe("an account that has stopped", () => {
  it.each([
    [
      "a ceiling",
      { ceilingMicroUsd: 0.1 * dollar },
      1,
      "cost_ceiling",
      "The run has reached its cost ceiling of $0.10: $0.10 is spent, and the call of plain can cost $0.0112.",
    ],
    [
      "a limit of calls",
      { limits: { ...noLimits, calls: 1 } },
      1,
      "calls",
      "The run has made 1 requests to its provider, which is its limit (limits.attempt.calls).",
    ],
  ] as const)(
    "by %s refuses every later request for the same reason",
    (_name, options, _calls, kind, message) => {
      const one = account(options);
      const { callId } = granted(one, asks());
      one.end(callId, { ...whole, usage: used({ outputTokens: 10_000 }) });
      const refusal = { kind: "refused", reason: { kind, message } };
      expect(one.begin(asks())).toEqual(refusal);
      expect(one.begin(asks({ model: "free" }))).toEqual(refusal);
      expect(one.stopped).toEqual({ kind, message });
    },
  );

  it("by a loop does so, too, and a cut is final", () => {
    const looping = account({ limits: { ...noLimits, identicalCalls: 2 } });
    for (let call = 0; call < 2; call += 1) {
      looping.end(granted(looping, asks({ fingerprint: "same" })).callId, { ...whole, usage: noCallUsage });
    }
    expect(looping.begin(asks({ fingerprint: "same" }))).toMatchObject({ reason: { kind: "loop" } });
    expect(looping.begin(asks())).toMatchObject({ reason: { kind: "loop" } });

    const cut = account({ ceilingMicroUsd: 0.05 * dollar });
    const { callId } = granted(cut, asks());
    cut.progress(callId, { usage: used({ inputTokens: 60_000 }), visibleOutputBytes: 0 });
    expect(cut.begin(asks({ model: "free" }))).toMatchObject({ reason: { kind: "cost_ceiling" } });
  });

  it("does not take retries after failures of the provider for a loop", () => {
    const one = account({ limits: { ...noLimits, identicalCalls: 2 } });
    const fails: Partial<CallEnd>[] = [
      { status: 529 },
      { status: null },
      { outcome: "cancelled", status: null },
    ];
    for (let call = 0; call < 30; call += 1) {
      const { callId } = granted(one, asks({ fingerprint: "same" }));
      one.end(callId, { ...broken, ...fails[call % 3] });
    }
    expect(one.stopped).toBeNull();
  });

  it("takes the same request for a loop if the provider accepts it each time, whatever comes of it", () => {
    // OpenCode asks without end when it gets a page in place of a response.
    const ends: Partial<CallEnd>[] = [{ hasFault: true }, {}, { outcome: "cancelled" }];
    for (const end of ends) {
      const one = account({ limits: { ...noLimits, identicalCalls: 2 } });
      for (let call = 0; call < 2; call += 1)
        one.end(granted(one, asks({ fingerprint: "same" })).callId, { ...broken, ...end });
      expect(one.begin(asks({ fingerprint: "same" }))).toMatchObject({ reason: { kind: "loop" } });
    }
  });

  it("says how to price a model whose bound is too high", () => {
    const one = account({ ceilingMicroUsd: 1000 });
    const refusal = one.begin(asks({ model: "claude-unheard-of" }));
    expect(refusal).toMatchObject({ reason: { message: expect.stringContaining("`unknown_price`") } });
  });
});
