import { seededRandom, testSeed } from "@agentcore/contract/testing";
import * as list from "@pydantic/genai-prices";
import { expect, it } from "vitest";
import { listedRates } from "./rates.ts";

/** In none, one or several tiers of any model. */
const sizes = [0, 1, 999, 150_000, 250_000, 600_000];

it.each(["anthropic", "openai", "google", "azure", "aws", "openrouter", "deepseek", "x-ai", "mistral"])(
  "the rates of each model of %s price every usage as the list itself does",
  (providerId) => {
    const random = seededRandom(testSeed(`rates ${providerId}`));
    const anySize = (): number => sizes[Math.floor(random.next() * sizes.length)] ?? 0;
    const timestamp = new Date(Date.UTC(2026, 10, 30));
    for (const { id } of list.findProvider({ providerId })?.models ?? []) {
      const atNothing = list.calcPrice({}, id, { providerId, timestamp });
      if (atNothing?.model_price["output_mtok"] === undefined) continue;
      const rates = listedRates(atNothing.model_price);
      for (let round = 0; round < 20; round += 1) {
        const usage = {
          inputTokens: anySize(),
          cacheReadTokens: anySize(),
          cacheWrite5mTokens: anySize(),
          cacheWrite1hTokens: anySize(),
          outputTokens: anySize(),
          hostedToolCalls: Math.floor(random.next() * 3),
        };
        const { inputTokens, cacheReadTokens, cacheWrite1hTokens, outputTokens, hostedToolCalls } = usage;
        const cacheWrites = usage.cacheWrite5mTokens + cacheWrite1hTokens;
        const all = {
          input_tokens: inputTokens + cacheReadTokens + cacheWrites,
          cache_read_tokens: cacheReadTokens,
          cache_write_tokens: cacheWrites,
          cache_write_1h_tokens: cacheWrite1hTokens,
          output_tokens: outputTokens,
          web_searches: hostedToolCalls,
        };
        const price = list.calcPrice(all, id, { providerId, timestamp });
        const tokens = (price?.input_price ?? 0) + (price?.output_price ?? 0);
        const usd = rates.usdOf(usage);
        const listed = price?.model_price["web_searches_kcount"] !== undefined;
        const tools = listed ? (price?.total_price ?? 0) - tokens : hostedToolCalls * 0.01;
        expect({ id, usage, tokens: usd.tokens, tools: usd.tools }).toEqual({
          id,
          usage,
          tokens: expect.closeTo(tokens, 9) as number,
          tools: expect.closeTo(tools, 9) as number,
        });
      }
    }
  },
);
