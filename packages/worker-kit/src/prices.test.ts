import { describe, expect, it } from "vitest";
import { estimateCostUsd, hasPrice, loadPriceList, withOwnPrices } from "./prices.ts";

const million = { inputTokens: 1_000_000, cachedInputTokens: 0, outputTokens: 0 };

describe("an estimated cost", () => {
  it("counts cached input at its own price", async () => {
    const plain = await estimateCostUsd("anthropic", "claude-sonnet-4-5", million);
    const cached = await estimateCostUsd("anthropic", "claude-sonnet-4-5", {
      inputTokens: 0,
      cachedInputTokens: 1_000_000,
      outputTokens: 0,
    });
    expect(plain).toBeCloseTo(3, 6);
    expect(cached).toBeCloseTo(0.3, 6);
  });

  it("is proportional to a run's tokens: the sum of many requests is not one long request", async () => {
    const small = await estimateCostUsd("openai", "gpt-5.5", { ...million, inputTokens: 1000 });
    const large = await estimateCostUsd("openai", "gpt-5.5", million);
    expect(large).toBeCloseTo((small ?? 0) * 1000, 6);
  });

  it("understands a model name that names its provider", async () => {
    const plain = await estimateCostUsd("anthropic", "claude-sonnet-4-5", million);
    expect(await estimateCostUsd(null, "anthropic/claude-sonnet-4-5", million)).toBe(plain);
    expect(await estimateCostUsd("anthropic", "anthropic/claude-sonnet-4-5", million)).toBe(plain);
    expect(await estimateCostUsd("opencode", "anthropic/claude-sonnet-4-5", million)).toBe(plain);
  });

  it.each([
    ["an unknown model", "openai", "no-such-model", million],
    ["an unknown provider", "nobody", "gpt-5.5", million],
    ["no model", "openai", null, million],
    ["no tokens", "openai", "gpt-5.5", { inputTokens: null, cachedInputTokens: null, outputTokens: null }],
  ] as const)("is null for %s", async (_name, provider, model, usage) => {
    expect(await estimateCostUsd(provider, model, usage)).toBeNull();
  });

  it("treats what the worker does not say as nothing", async () => {
    const usage = { inputTokens: null, cachedInputTokens: null, outputTokens: 1_000_000 };
    expect(await estimateCostUsd("anthropic", "claude-sonnet-4-5", usage)).toBeCloseTo(15, 6);
  });
});

describe("prices of one's own", () => {
  const own = {
    house: { input: 2, cached_input: 0.5, output: 10 },
    "openai/gpt-5.5": { input: 100, output: 100 },
  };
  const usage = { inputTokens: 1_000_000, cachedInputTokens: 2_000_000, outputTokens: 3_000_000 };

  it.each([
    ["openai", "house", 33],
    [null, "house", 33],
    ["openai", "gpt-5.5", 600],
    ["openai", "constructor", null],
    ["openai", null, null],
  ] as const)("come before the list's: %s %s costs %s", async (provider, model, costUsd) => {
    const prices = withOwnPrices(await loadPriceList(), own);
    expect(prices.estimateCostUsd(provider, model, usage)).toBe(costUsd);
  });

  it("leave other models to the list, and are a price", async () => {
    const list = await loadPriceList();
    const prices = withOwnPrices(list, own);
    expect(prices.estimateCostUsd("anthropic", "claude-sonnet-4-5", usage)).toBe(
      list.estimateCostUsd("anthropic", "claude-sonnet-4-5", usage),
    );
    expect([hasPrice(list, "openai", "house"), hasPrice(prices, "openai", "house")]).toEqual([false, true]);
  });
});
