import { type CallUsage, noCallUsage } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { type Json, readDocument, readStream } from "../testing/read-response.ts";

const chat = "openai-chat";
const usage = (some: Partial<CallUsage>): CallUsage => ({ ...noCallUsage, ...some });

describe("the usage of Chat Completions", () => {
  const reported = {
    prompt_tokens: 2200,
    completion_tokens: 90,
    total_tokens: 2290,
    prompt_tokens_details: { cached_tokens: 1000 },
    completion_tokens_details: { reasoning_tokens: 64 },
  };
  const expected = usage({ inputTokens: 1200, cacheReadTokens: 1000, outputTokens: 90, reasoningTokens: 64 });
  const chunk = (delta: Json, more: Json = {}) => ({
    choices: [{ index: 0, delta, finish_reason: null }],
    ...more,
  });

  it("is in the last chunk, which has no choices and completes the response", () => {
    const finished = {
      choices: [{ index: 0, delta: { content: "Hi" }, finish_reason: "stop" }],
      usage: null,
    };
    const events = [finished, { choices: [], usage: reported }];
    expect(readStream(chat, events)).toMatchObject({ usage: expected, visible: 2, isComplete: true });
  });

  it("is not taken for final in chunks with choices, which other servers send", () => {
    const events = [
      chunk({ content: "Hi" }, { usage: { prompt_tokens: 2200, completion_tokens: 1 } }),
      chunk({}, { usage: reported }),
    ];
    expect(readStream(chat, events)).toMatchObject({ usage: expected, isComplete: false });
    expect(readStream(chat, [...events, "[DONE]"])).toMatchObject({ usage: expected, isComplete: true });
  });

  it("is not taken for final in a chunk without choices before the answer has ended", () => {
    const early = { choices: [], usage: { prompt_tokens: 2200, completion_tokens: 0 } };
    const finished = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
    expect(readStream(chat, [early, chunk({ content: "Hi" })]).isComplete).toBe(false);
    expect(readStream(chat, [early, finished, { choices: [], usage: reported }])).toMatchObject({
      usage: expected,
      isComplete: true,
    });
  });

  it("is none where the request did not ask for it, in a response that is complete all the same", () => {
    expect(
      readStream(chat, [{ choices: [], prompt_filter_results: [] }, chunk({ content: "Hi" }), "[DONE]"]),
    ).toMatchObject({
      usage: null,
      visible: 2,
      isComplete: true,
      fault: null,
    });
  });

  it.each<[string, Json, Partial<CallUsage>]>([
    [
      "DeepSeek's names",
      { prompt_tokens: 100, prompt_cache_hit_tokens: 60, prompt_cache_miss_tokens: 40 },
      { inputTokens: 40, cacheReadTokens: 60 },
    ],
    ["Moonshot's names", { prompt_tokens: 100, cached_tokens: 60 }, { inputTokens: 40, cacheReadTokens: 60 }],
    [
      "writes to the cache",
      { prompt_tokens: 100, prompt_tokens_details: { cached_tokens: 10, cache_write_tokens: 50 } },
      { inputTokens: 40, cacheReadTokens: 10, cacheWrite5mTokens: 50 },
    ],
    [
      "reasoning that is only in the total",
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 115,
        completion_tokens_details: { reasoning_tokens: 100 },
      },
      { inputTokens: 10, outputTokens: 105, reasoningTokens: 100 },
    ],
    [
      "an input without its cached part",
      { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 80 } },
      { inputTokens: 10, cacheReadTokens: 80, outputTokens: 5 },
    ],
    [
      "an input without its cached part, which the total shows",
      {
        prompt_tokens: 100,
        completion_tokens: 5,
        total_tokens: 185,
        prompt_tokens_details: { cached_tokens: 80 },
      },
      { inputTokens: 100, cacheReadTokens: 80, outputTokens: 5 },
    ],
    [
      "searches",
      { prompt_tokens: 1, server_tool_use: { web_search_requests: 3 } },
      { inputTokens: 1, hostedToolCalls: 3 },
    ],
  ])("reads %s", (_what, other, some) => {
    expect(readStream(chat, [{ choices: [], usage: other }]).usage).toEqual(usage(some));
    expect(readDocument(chat, { choices: [], usage: other }).usage).toEqual(usage(some));
    expect(readStream(chat, [{ choices: [{ index: 0, delta: {}, usage: other }] }]).usage).toEqual(
      usage(some),
    );
    expect(readStream(chat, [chunk({}, { x_groq: { usage: other } })]).usage).toEqual(usage(some));
  });

  it("counts a search that was asked for and that no server reports", () => {
    const asked = { model: "m", web_search_options: {} };
    expect(readStream(chat, [{ choices: [], usage: reported }], asked).usage?.hostedToolCalls).toBe(1);
  });

  it("has the tier that the response names", () => {
    expect(
      readDocument(chat, { choices: [], usage: reported, service_tier: "priority" }).usage?.serviceTier,
    ).toBe("priority");
  });

  it("sees text, reasoning, refusals and the arguments of tools", () => {
    const tool = { index: 0, id: "call_1", type: "function", function: { name: "ls", arguments: "{}" } };
    const message = {
      role: "assistant",
      content: "abc",
      reasoning_content: "de",
      refusal: "f",
      tool_calls: [tool],
    };
    expect(readStream(chat, [chunk(message)]).visible).toBe(10);
    expect(readDocument(chat, { choices: [{ message }] }).visible).toBe(10);
  });

  it("of a stream that an error ended says which", () => {
    const error = { error: { code: 502, message: "Provider disconnected" }, choices: [] };
    expect(readStream(chat, [error]).fault).toBe("The provider reported 502: Provider disconnected");
  });
});
