import { noCallUsage, type CallUsage, type ProviderProtocol } from "@agentcore/contract";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { dearestOf } from "./call-price.ts";
import { loadPriceBook, type PriceBookOptions } from "./price-book.ts";

const now = Date.UTC(2026, 10, 30);
const protocols: Record<string, ProviderProtocol> = {
  anthropic: "anthropic-messages",
  gateway: "anthropic-messages",
  openai: "openai-responses",
};

async function priceOf(provider: string, model: string | null, options: PriceBookOptions = {}, at = now) {
  const book = await loadPriceBook(options);
  return book.priceOf({ provider, protocol: protocols[provider] ?? "openai-chat", model, at });
}

async function costOf(provider: string, model: string, usage: Partial<CallUsage>, at = now) {
  return (await priceOf(provider, model, {}, at)).costOf({ ...noCallUsage, ...usage });
}

const thousand = { inputTokens: 1000 };
const million = 1_000_000;

describe("the cost of a response in micro-dollars", () => {
  it.each([
    ["input", "anthropic", "claude-opus-5", { inputTokens: 1000 }, 5000],
    ["a cache read", "anthropic", "claude-opus-5", { cacheReadTokens: 1000 }, 500],
    ["a cache write of 5 minutes", "anthropic", "claude-opus-5", { cacheWrite5mTokens: 1000 }, 6250],
    ["a cache write of 1 hour", "anthropic", "claude-opus-5", { cacheWrite1hTokens: 1000 }, 10_000],
    [
      "both cache writes",
      "anthropic",
      "claude-opus-5",
      { cacheWrite5mTokens: 1000, cacheWrite1hTokens: 1000 },
      16_250,
    ],
    ["a name with its date", "anthropic", "claude-haiku-4-5-20251001", thousand, 1000],
    ["output", "openai", "gpt-6-sol", { outputTokens: 1000 }, 10_000],
    [
      "reasoning as a part of the output",
      "openai",
      "gpt-6-sol",
      { outputTokens: 1000, reasoningTokens: 900 },
      10_000,
    ],
    ["cached input", "openai", "gpt-6-sol", { inputTokens: 1000, cacheReadTokens: 1000 }, 2200],
    ["a cache read without a price of its own", "openai", "gpt-5-pro", { cacheReadTokens: 1000 }, 15_000],
    ["web searches", "anthropic", "claude-opus-5", { hostedToolCalls: 3 }, 30_000],
    ["tool calls without a price in the list", "openai", "gpt-5.3-codex", { hostedToolCalls: 3 }, 30_000],
    ["nothing", "anthropic", "claude-opus-5", {}, 0],
    ["a part of a micro-dollar, rounded up", "anthropic", "claude-haiku-4-5", { cacheReadTokens: 1 }, 1],
    ["a whole amount, not rounded up", "anthropic", "claude-haiku-4-5", { cacheReadTokens: 10 }, 1],
    [
      "the standard tier",
      "anthropic",
      "claude-opus-5",
      { ...thousand, serviceTier: "standard", speed: "standard", region: "not_available" },
      5000,
    ],
    ["batch", "anthropic", "claude-opus-5", { ...thousand, serviceTier: "batch" }, 2500],
    [
      "capacity paid in advance",
      "anthropic",
      "claude-opus-5",
      { ...thousand, serviceTier: "priority" },
      5000,
    ],
    ["fast", "anthropic", "claude-opus-5", { ...thousand, speed: "fast" }, 10_000],
    ["fast, of an older model", "anthropic", "claude-opus-4-6", { ...thousand, speed: "fast" }, 30_000],
    ["one region", "anthropic", "claude-opus-5", { ...thousand, region: "us" }, 5500],
    [
      "fast in one region",
      "anthropic",
      "claude-opus-5",
      { ...thousand, speed: "fast", region: "us" },
      11_000,
    ],
    ["a region that is not known", "anthropic", "claude-opus-5", { ...thousand, region: "moon" }, 5500],
    ["web searches when fast", "anthropic", "claude-opus-5", { hostedToolCalls: 1, speed: "fast" }, 10_000],
    ["priority", "openai", "gpt-6-sol", { ...thousand, serviceTier: "priority" }, 4000],
    [
      "priority of a model that multiplies more",
      "openai",
      "gpt-5.5",
      { ...thousand, serviceTier: "priority" },
      12_500,
    ],
    ["flex", "openai", "gpt-6-sol", { ...thousand, serviceTier: "flex" }, 1000],
    ["a tier that is not known", "openai", "gpt-6-sol", { ...thousand, serviceTier: "warp" }, 4000],
    [
      "a tier of a provider without factors",
      "groq",
      "llama-3.3-70b-versatile",
      { ...thousand, serviceTier: "on_demand" },
      590,
    ],
  ] as const)("is right for %s", async (_name, provider, model, usage, expected) => {
    expect(await costOf(provider, model, usage)).toBe(expected);
  });

  it("depends on the size of the one request, for a model with tiers", async () => {
    expect(await costOf("openai", "gpt-6-sol", { inputTokens: 272_000, outputTokens: 1000 })).toBe(554_000);
    expect(await costOf("openai", "gpt-6-sol", { inputTokens: 272_001, outputTokens: 1000 })).toBe(1_103_004);
    // Cached input counts for the size.
    expect(await costOf("openai", "gpt-6-sol", { inputTokens: 1, cacheReadTokens: 272_000 })).toBe(108_804);
  });

  it("depends on the date, for a price that has changed", async () => {
    const before = Date.UTC(2026, 7, 20);
    expect(await costOf("openai", "gpt-5.6-sol", thousand, before)).toBe(5000);
    expect(await costOf("openai", "gpt-5.6-sol", thousand)).toBe(4000);
  });
});

describe("the price of a model", () => {
  const prices = {
    "claude-opus-5": { input: 1, output: 2 },
    "openai/house": { input: 4, cached_input: 1, cache_write: 5, cache_write_1h: 8, output: 20 },
  };
  const all = {
    inputTokens: 1000,
    cacheReadTokens: 1000,
    cacheWrite5mTokens: 1000,
    cacheWrite1hTokens: 1000,
    outputTokens: 1000,
  };

  it("is the user's own first, with defaults for cached input", async () => {
    const plain = await priceOf("anthropic", "claude-opus-5", { prices });
    expect(plain.costOf({ ...noCallUsage, ...all })).toBe(6000);
    expect(plain).toMatchObject({ source: "prices.claude-opus-5 of the configuration", isBound: false });
    const full = await priceOf("openai", "house", { prices });
    expect(full.costOf({ ...noCallUsage, ...all })).toBe(38_000);
  });

  it("is what the worker's settings state before that", async () => {
    const book = await loadPriceBook({ prices });
    const query = { provider: "openai", protocol: "openai-chat", model: "house", at: now } as const;
    const price = book.priceOf({ ...query, stated: { input: 1, cachedInput: 0, output: 3 } });
    expect(price.costOf({ ...noCallUsage, ...all })).toBe(6000);
    expect(price).toMatchObject({ source: "price in the settings of the worker", isBound: false });
    const plain = book.priceOf({ ...query, stated: { input: 1, output: 3 } });
    expect(plain.costOf({ ...noCallUsage, cacheReadTokens: 1000 })).toBe(1000);
  });

  it("names the list and its date", async () => {
    const price = await priceOf("anthropic", "claude-opus-5");
    expect(price).toMatchObject({ isBound: false, outputCeiling: 128_000, contextWindow: million });
    expect(price.source).toMatch(/^genai-prices \d+\.\d+\.\d+, \d{4}-\d{2}-\d{2}$/);
  });

  it("names the version of the list that is installed", async () => {
    const entry = fileURLToPath(import.meta.resolve("@pydantic/genai-prices"));
    const text = await readFile(entry.replace(/dist\/.*$/, "package.json"), "utf8");
    const { version }: { version: string } = JSON.parse(text);
    expect((await priceOf("anthropic", "claude-opus-5")).source).toContain(`genai-prices ${version},`);
  });

  it.each([
    ["anthropic", "claude-unheard-of", "dearest model of anthropic", 10_000],
    ["anthropic", null, "dearest model of anthropic", 10_000],
    ["openai", "no-such-model", "dearest model of openai", 60_000],
    ["openai", "gpt-7-sol-preview", "dearest gpt-sol model of openai", 8000],
    ["anthropic", "claude-haiku-9", "dearest claude-haiku model of anthropic", 1000],
    ["openai", "gpt-99", "dearest model of openai", 60_000],
    ["gateway", "no-such-model", "dearest model of anthropic", 10_000],
    ["gateway", "claude-opus-5", "price of anthropic", 5000],
    ["gateway", "anthropic/claude-opus-5", "genai-prices", 5000],
  ] as const)("that has none, %s %s, is a bound", async (provider, model, source, cost) => {
    const price = await priceOf(provider, model);
    expect(price.source).toContain(source);
    expect(price.isBound).toBe(!source.startsWith("genai"));
    expect(price.costOf({ ...noCallUsage, ...thousand })).toBe(cost);
  });

  it("that has none is what the configuration says", async () => {
    const providers = { openai: { unknown_price: { input: 7, output: 9 } } };
    const price = await priceOf("openai", "no-such-model", { providers });
    expect(price.costOf({ ...noCallUsage, inputTokens: 1000, outputTokens: 1000 })).toBe(16_000);
    expect(price).toMatchObject({
      isBound: true,
      source: "providers.openai.unknown_price of the configuration",
    });
    expect((await priceOf("openai", "gpt-6-sol", { providers })).isBound).toBe(false);
  });

  it("that has none is nothing if the configuration says so", async () => {
    const price = await priceOf("openai", "no-such-model", { unpriced: "zero" });
    expect(price).toMatchObject({ isBound: false, source: null });
    expect(price.costOf({ ...noCallUsage, ...all, hostedToolCalls: 3 })).toBe(0);
    expect(
      price.outputThatFits(0, { inputTokens: million, hostedToolCalls: 9, cacheWrites: null, factor: 1 }),
    ).toBe(Infinity);
    expect(
      (await priceOf("openai", "gpt-6-sol", { unpriced: "zero" })).costOf({ ...noCallUsage, ...thousand }),
    ).toBe(2000);
  });

  it("has the factors of the configuration before the built-in ones", async () => {
    const providers = { anthropic: { price_factors: { speed: { fast: 3 }, region: { eu: 1.5 } } } };
    const price = await priceOf("anthropic", "claude-opus-5", { providers });
    const cost = (as: Partial<CallUsage>) => price.costOf({ ...noCallUsage, ...thousand, ...as });
    expect([cost({ speed: "fast" }), cost({ region: "eu" }), cost({ region: "us" })]).toEqual([
      15_000, 7500, 5500,
    ]);
  });

  it("of several models is the dearest one's, and an estimate", async () => {
    const price = dearestOf([
      await priceOf("anthropic", "claude-haiku-4-5"),
      await priceOf("anthropic", "claude-opus-5"),
    ]);
    expect(price.costOf({ ...noCallUsage, ...thousand })).toBe(5000);
    expect(price).toMatchObject({ isBound: true, outputCeiling: 128_000, contextWindow: million });
  });
});

describe("the most that a request can cost", () => {
  const most = {
    inputTokens: 1000,
    outputTokens: 1000,
    hostedToolCalls: 0,
    cacheWrites: null,
    factor: 1,
  } as const;

  it.each([
    ["writes of the cache that providers make on their own", "anthropic", "claude-opus-5", {}, 31_250],
    ["writes of a cache of 1 hour", "anthropic", "claude-opus-5", { cacheWrites: "1h" }, 35_000],
    ["no price of cache writes", "openai", "gpt-5.5", {}, 35_000],
    ["hosted tools", "anthropic", "claude-opus-5", { hostedToolCalls: 2 }, 51_250],
    ["a factor", "anthropic", "claude-opus-5", { factor: 2, hostedToolCalls: 2 }, 82_500],
    ["the upper tier", "openai", "gpt-6-sol", { inputTokens: 300_000 }, 1_515_000],
  ] as const)("counts %s", async (_name, provider, model, more, expected) => {
    expect((await priceOf(provider, model)).boundOf({ ...most, ...more })).toBe(expected);
  });

  it.each([
    [31_250, 1000],
    [31_249, 999],
    [6250, 0],
    [6249, 0],
    [-1, 0],
    [Infinity, Infinity],
  ] as const)("leaves room for output: of %s micro-dollars fit %s tokens", async (left, expected) => {
    expect((await priceOf("anthropic", "claude-opus-5")).outputThatFits(left, most)).toBe(expected);
  });
});
