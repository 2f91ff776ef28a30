import { type CallUsage, noCallUsage, type ProviderProtocol, providerProtocols } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { type CallRequest, protocols } from "./index.ts";

const [messages, responses, chat] = providerProtocols;

type Json = Readonly<Record<string, unknown>>;

/** A stream of these events; their type names them, where there is one. */
function stream(protocol: ProviderProtocol, events: readonly (Json | "[DONE]")[], asked?: Json) {
  const frames = events.map((event) =>
    event === "[DONE]"
      ? "data: [DONE]\n\n"
      : `${typeof event["type"] === "string" ? `event: ${event["type"]}\n` : ""}data: ${JSON.stringify(event)}\n\n`,
  );
  return read(protocol, frames.join(""), "text/event-stream", asked);
}

function read(
  protocol: ProviderProtocol,
  body: string | Json,
  contentType = "application/json",
  asked?: Json,
) {
  const request = asked === undefined ? undefined : requestOf(protocol, asked);
  const meter = protocols[protocol].meter(contentType, request);
  meter.push(Buffer.from(typeof body === "string" ? body : JSON.stringify(body)));
  return {
    usage: meter.usage(),
    visible: meter.visibleOutputBytes(),
    isComplete: meter.isComplete(),
    fault: meter.fault(),
  };
}

function requestOf(protocol: ProviderProtocol, body: Json): CallRequest {
  const request = protocols[protocol].readRequest(Buffer.from(JSON.stringify(body)));
  if (request === null) throw new Error("The request of a test must be readable.");
  return request;
}

const usage = (some: Partial<CallUsage>): CallUsage => ({ ...noCallUsage, ...some });

describe("the usage of Messages", () => {
  const start = (reported: Json) => ({
    type: "message_start",
    message: { type: "message", content: [], usage: reported },
  });
  const delta = (reported: Json) => ({
    type: "message_delta",
    delta: { stop_reason: "end_turn" },
    usage: reported,
  });
  const stop = { type: "message_stop" };

  it("is the input of message_start and the output of message_delta, and the input has no part of the cache", () => {
    const input = { input_tokens: 12, cache_read_input_tokens: 30_000, output_tokens: 1 };
    expect(stream(messages, [start(input), delta({ output_tokens: 400 }), stop])).toMatchObject({
      usage: usage({ inputTokens: 12, cacheReadTokens: 30_000, outputTokens: 400 }),
      isComplete: true,
      fault: null,
    });
  });

  it("keeps writes to the cache for 5 minutes and for an hour apart", () => {
    const reported = {
      input_tokens: 3,
      cache_creation_input_tokens: 900,
      cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 700 },
    };
    expect(stream(messages, [start(reported), stop]).usage).toEqual(
      usage({ inputTokens: 3, cacheWrite5mTokens: 200, cacheWrite1hTokens: 700 }),
    );
  });

  it("takes writes that are not divided for what the request asked for", () => {
    const events = [start({ input_tokens: 3, cache_creation_input_tokens: 900 }), stop];
    const anHour = { system: [{ type: "text", text: "", cache_control: { type: "ephemeral", ttl: "1h" } }] };
    expect(stream(messages, events).usage).toMatchObject({ cacheWrite5mTokens: 900, cacheWrite1hTokens: 0 });
    expect(stream(messages, events, anHour).usage).toMatchObject({
      cacheWrite5mTokens: 0,
      cacheWrite1hTokens: 900,
    });
  });

  it("has the input that grew while the provider ran its tools, and the web searches", () => {
    const events = [
      start({ input_tokens: 100, output_tokens: 3 }),
      delta({ input_tokens: 10_682, output_tokens: 510, server_tool_use: { web_search_requests: 2 } }),
      stop,
    ];
    expect(stream(messages, events).usage).toEqual(
      usage({ inputTokens: 10_682, outputTokens: 510, hostedToolCalls: 2 }),
    );
  });

  it("is not lowered by a server that reports 0 first or last", () => {
    const zero = { input_tokens: 0, output_tokens: 0 };
    const real = { input_tokens: 500, output_tokens: 20 };
    for (const events of [
      [start(zero), delta(real), stop],
      [start(real), delta(zero), stop],
    ])
      expect(stream(messages, events).usage).toEqual(usage({ inputTokens: 500, outputTokens: 20 }));
  });

  it("includes the passes that only the list of iterations has: a compaction, an advisor", () => {
    const reported = {
      input_tokens: 23_000,
      output_tokens: 1000,
      iterations: [
        { type: "compaction", input_tokens: 180_000, output_tokens: 3500 },
        { type: "message", input_tokens: 23_000, output_tokens: 1000 },
        { type: "advisor_message", model: "claude-mythos-5", input_tokens: 800, output_tokens: 500 },
      ],
    };
    const expected = usage({ inputTokens: 203_800, outputTokens: 5000 });
    expect(
      stream(messages, [start({ input_tokens: 9 }), delta(reported), delta(reported), stop]).usage,
    ).toEqual(expected);
    expect(read(messages, { type: "message", usage: reported }).usage).toEqual(expected);
  });

  it("has the tier, the speed and the region that the response names", () => {
    const said = { input_tokens: 1, service_tier: "priority", speed: "fast", inference_geo: "us" };
    expect(stream(messages, [start(said), stop]).usage).toMatchObject({
      serviceTier: "priority",
      speed: "fast",
      region: "us",
    });
    expect(
      stream(messages, [start({ input_tokens: 1, inference_geo: "not_available" })]).usage?.region,
    ).toBeNull();
  });

  it("has the thinking as a part of the output", () => {
    const reported = { output_tokens: 900, output_tokens_details: { thinking_tokens: 700 } };
    expect(stream(messages, [delta(reported), stop]).usage).toMatchObject({
      outputTokens: 900,
      reasoningTokens: 700,
    });
  });

  it("of a stream that broke off is what was reported, and it is not complete", () => {
    const events = [
      start({ input_tokens: 40, output_tokens: 1 }),
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Grüße" } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "12345" } },
      { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: '{"a"' } },
      {
        type: "content_block_delta",
        index: 0,
        delta: { type: "signature_delta", signature: "c2lnbmF0dXJl" },
      },
    ];
    expect(stream(messages, events)).toMatchObject({
      usage: usage({ inputTokens: 40, outputTokens: 1 }),
      visible: 7 + 5 + 4,
      isComplete: false,
    });
  });

  it("of a stream that an error ended says which", () => {
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    expect(stream(messages, [start({ input_tokens: 40 }), error])).toMatchObject({
      usage: usage({ inputTokens: 40 }),
      isComplete: false,
      fault: "The provider reported overloaded_error: Overloaded",
    });
  });

  it("of a text that looks like a report is not read", () => {
    const text = '"usage":{"input_tokens":999999}';
    const block = {
      type: "content_block_delta",
      delta: { type: "text_delta", text },
      x: { usage: { input_tokens: 7 } },
    };
    expect(stream(messages, [start({ input_tokens: 1 }), block, stop]).usage).toEqual(
      usage({ inputTokens: 1 }),
    );
  });
});

describe("the usage of Responses", () => {
  const reported = {
    input_tokens: 2200,
    input_tokens_details: { cached_tokens: 1000, cache_write_tokens: 200 },
    output_tokens: 90,
    output_tokens_details: { reasoning_tokens: 64 },
    total_tokens: 2290,
  };
  const expected = usage({
    inputTokens: 1000,
    cacheReadTokens: 1000,
    cacheWrite5mTokens: 200,
    outputTokens: 90,
    reasoningTokens: 64,
  });
  const end = (type: string, more: Json = {}) => ({ type, response: { usage: reported, ...more } });

  it.each(["response.completed", "response.incomplete", "response.failed", "response.cancelled"])(
    "is in %s, and its input includes what was cached",
    (type) => {
      expect(stream(responses, [end(type)])).toMatchObject({ usage: expected, isComplete: true });
    },
  );

  it("is none in a response that failed without a report, which is complete all the same", () => {
    const error = { code: "rate_limit_exceeded", message: "Slow down" };
    expect(stream(responses, [{ type: "response.failed", response: { error, usage: null } }])).toMatchObject({
      usage: null,
      isComplete: true,
      fault: "The provider reported rate_limit_exceeded: Slow down",
    });
  });

  it("is a real zero where the response reports zero", () => {
    const zero = { input_tokens: 0, output_tokens: 0 };
    expect(stream(responses, [{ type: "response.completed", response: { usage: zero } }]).usage).toEqual(
      noCallUsage,
    );
  });

  it("has the tier in which the response was made, not the one that was asked for", () => {
    const events = [
      { type: "response.created", response: { service_tier: "auto" } },
      end("response.completed", { service_tier: "flex" }),
    ];
    expect(stream(responses, events).usage?.serviceTier).toBe("flex");
  });

  it("counts the calls of tools that the provider charges, and no page that was opened", () => {
    const item = (more: Json) => ({ type: "response.output_item.done", item: more });
    const items = [
      { type: "web_search_call", action: { type: "search", query: "a" } },
      { type: "web_search_call", action: { type: "open_page", url: "https://a.example" } },
      { action: { type: "find" }, type: "web_search_call" },
      { type: "web_search_call" },
      { type: "file_search_call" },
      { type: "function_call", arguments: "{}" },
    ];
    expect(stream(responses, [...items.map(item), end("response.completed")]).usage?.hostedToolCalls).toBe(3);
    expect(stream(responses, [end("response.completed", { output: items })]).usage?.hostedToolCalls).toBe(3);
    expect(
      stream(responses, [...items.map(item), end("response.completed", { output: items })]).usage
        ?.hostedToolCalls,
    ).toBe(3);
    expect(read(responses, { output: items, usage: reported }).usage?.hostedToolCalls).toBe(3);
    const counted = { tool_usage: { web_search: { num_requests: 5 } } };
    expect(stream(responses, [end("response.completed", counted)]).usage?.hostedToolCalls).toBe(5);
  });

  it("of a stream that broke off has the bytes that were seen, of deltas or of whole items", () => {
    const deltas = [
      { type: "response.output_text.delta", delta: "abc" },
      { type: "response.reasoning_summary_text.delta", delta: "de" },
      { type: "response.function_call_arguments.delta", delta: "{}" },
    ];
    expect(stream(responses, deltas)).toMatchObject({ usage: null, visible: 7, isComplete: false });
    const whole = {
      type: "response.output_item.done",
      item: { type: "function_call", arguments: '{"a":1}' },
    };
    expect(stream(responses, [whole]).visible).toBe(7);
  });

  it("of a document is read, too", () => {
    expect(read(responses, { status: "completed", usage: reported, service_tier: "default" })).toMatchObject({
      usage: { ...expected, serviceTier: "default" },
      isComplete: true,
    });
  });

  it("of an event error says what the provider reported", () => {
    expect(stream(responses, [{ type: "error", code: "server_error", message: "Try again" }])).toMatchObject({
      isComplete: false,
      fault: "The provider reported server_error: Try again",
    });
  });
});

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
    const events = [chunk({ content: "Hi" }, { usage: null }), { choices: [], usage: reported }];
    expect(stream(chat, events)).toMatchObject({ usage: expected, visible: 2, isComplete: true });
  });

  it("is not taken for final in chunks with choices, which other servers send", () => {
    const events = [
      chunk({ content: "Hi" }, { usage: { prompt_tokens: 2200, completion_tokens: 1 } }),
      chunk({}, { usage: reported }),
    ];
    expect(stream(chat, events)).toMatchObject({ usage: expected, isComplete: false });
    expect(stream(chat, [...events, "[DONE]"])).toMatchObject({ usage: expected, isComplete: true });
  });

  it("is none where the request did not ask for it, in a response that is complete all the same", () => {
    expect(
      stream(chat, [{ choices: [], prompt_filter_results: [] }, chunk({ content: "Hi" }), "[DONE]"]),
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
    expect(stream(chat, [{ choices: [], usage: other }]).usage).toEqual(usage(some));
    expect(read(chat, { choices: [], usage: other }).usage).toEqual(usage(some));
    expect(stream(chat, [{ choices: [{ index: 0, delta: {}, usage: other }] }]).usage).toEqual(usage(some));
    expect(stream(chat, [chunk({}, { x_groq: { usage: other } })]).usage).toEqual(usage(some));
  });

  it("counts a search that was asked for and that no server reports", () => {
    const asked = { model: "m", web_search_options: {} };
    expect(stream(chat, [{ choices: [], usage: reported }], asked).usage?.hostedToolCalls).toBe(1);
  });

  it("has the tier that the response names", () => {
    expect(read(chat, { choices: [], usage: reported, service_tier: "priority" }).usage?.serviceTier).toBe(
      "priority",
    );
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
    expect(stream(chat, [chunk(message)]).visible).toBe(10);
    expect(read(chat, { choices: [{ message }] }).visible).toBe(10);
  });

  it("of a stream that an error ended says which", () => {
    const error = { error: { code: 502, message: "Provider disconnected" }, choices: [] };
    expect(stream(chat, [error]).fault).toBe("The provider reported 502: Provider disconnected");
  });
});
