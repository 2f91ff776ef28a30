import { type CallUsage, noCallUsage } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { type Json, readDocument, readStream } from "../testing/read-response.ts";

const messages = "anthropic-messages";
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
    expect(readStream(messages, [start(input), delta({ output_tokens: 400 }), stop])).toMatchObject({
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
    expect(readStream(messages, [start(reported), stop]).usage).toEqual(
      usage({ inputTokens: 3, cacheWrite5mTokens: 200, cacheWrite1hTokens: 700 }),
    );
  });

  it("takes writes that are not divided for what the request asked for", () => {
    const events = [start({ input_tokens: 3, cache_creation_input_tokens: 900 }), stop];
    const anHour = { system: [{ type: "text", text: "", cache_control: { type: "ephemeral", ttl: "1h" } }] };
    expect(readStream(messages, events).usage).toMatchObject({
      cacheWrite5mTokens: 900,
      cacheWrite1hTokens: 0,
    });
    expect(readStream(messages, events, anHour).usage).toMatchObject({
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
    expect(readStream(messages, events).usage).toEqual(
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
      expect(readStream(messages, events).usage).toEqual(usage({ inputTokens: 500, outputTokens: 20 }));
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
      readStream(messages, [start({ input_tokens: 9 }), delta(reported), delta(reported), stop]).usage,
    ).toEqual(expected);
    expect(readDocument(messages, { type: "message", usage: reported }).usage).toEqual(expected);
  });

  it("has the tier, the speed and the region that the response names", () => {
    const said = { input_tokens: 1, service_tier: "priority", speed: "fast", inference_geo: "us" };
    expect(readStream(messages, [start(said), stop]).usage).toMatchObject({
      serviceTier: "priority",
      speed: "fast",
      region: "us",
    });
    expect(
      readStream(messages, [start({ input_tokens: 1, inference_geo: "not_available" })]).usage?.region,
    ).toBeNull();
  });

  it("has the thinking as a part of the output", () => {
    const reported = { output_tokens: 900, output_tokens_details: { thinking_tokens: 700 } };
    expect(readStream(messages, [delta(reported), stop]).usage).toMatchObject({
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
    expect(readStream(messages, events)).toMatchObject({
      usage: usage({ inputTokens: 40, outputTokens: 1 }),
      visible: 7 + 5 + 4,
      isComplete: false,
    });
  });

  it("of a stream that an error ended says which", () => {
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    expect(readStream(messages, [start({ input_tokens: 40 }), error])).toMatchObject({
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
    expect(readStream(messages, [start({ input_tokens: 1 }), block, stop]).usage).toEqual(
      usage({ inputTokens: 1 }),
    );
  });
});
