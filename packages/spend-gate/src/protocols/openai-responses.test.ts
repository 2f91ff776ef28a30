import { type CallUsage, noCallUsage } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { type Json, readDocument, readStream } from "../testing/read-response.ts";

const responses = "openai-responses";
const usage = (some: Partial<CallUsage>): CallUsage => ({ ...noCallUsage, ...some });

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
      expect(readStream(responses, [end(type)])).toMatchObject({ usage: expected, isComplete: true });
    },
  );

  it("is none in a response that failed without a report, which is complete all the same", () => {
    const error = { code: "rate_limit_exceeded", message: "Slow down" };
    expect(
      readStream(responses, [{ type: "response.failed", response: { error, usage: null } }]),
    ).toMatchObject({
      usage: null,
      isComplete: true,
      fault: "The provider reported rate_limit_exceeded: Slow down",
    });
  });

  it("is a real zero where the response reports zero", () => {
    const zero = { input_tokens: 0, output_tokens: 0 };
    expect(readStream(responses, [{ type: "response.completed", response: { usage: zero } }]).usage).toEqual(
      noCallUsage,
    );
  });

  it("has the tier in which the response was made, not the one that was asked for", () => {
    const events = [
      { type: "response.created", response: { service_tier: "auto" } },
      end("response.completed", { service_tier: "flex" }),
    ];
    expect(readStream(responses, events).usage?.serviceTier).toBe("flex");
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
    expect(
      readStream(responses, [...items.map(item), end("response.completed")]).usage?.hostedToolCalls,
    ).toBe(3);
    expect(readStream(responses, [end("response.completed", { output: items })]).usage?.hostedToolCalls).toBe(
      3,
    );
    expect(
      readStream(responses, [...items.map(item), end("response.completed", { output: items })]).usage
        ?.hostedToolCalls,
    ).toBe(3);
    expect(readDocument(responses, { output: items, usage: reported }).usage?.hostedToolCalls).toBe(3);
    const counted = { tool_usage: { web_search: { num_requests: 5 } } };
    expect(readStream(responses, [end("response.completed", counted)]).usage?.hostedToolCalls).toBe(5);
  });

  it("of a stream that broke off has the bytes that were seen, of deltas or of whole items", () => {
    const deltas = [
      { type: "response.output_text.delta", delta: "abc" },
      { type: "response.reasoning_summary_text.delta", delta: "de" },
      { type: "response.function_call_arguments.delta", delta: "{}" },
    ];
    expect(readStream(responses, deltas)).toMatchObject({ usage: null, visible: 7, isComplete: false });
    const whole = {
      type: "response.output_item.done",
      item: { type: "function_call", arguments: '{"a":1}' },
    };
    expect(readStream(responses, [whole]).visible).toBe(7);
  });

  it("of a document is read, too", () => {
    expect(
      readDocument(responses, { status: "completed", usage: reported, service_tier: "default" }),
    ).toMatchObject({
      usage: { ...expected, serviceTier: "default" },
      isComplete: true,
    });
  });

  it("of an event error says what the provider reported", () => {
    expect(
      readStream(responses, [{ type: "error", code: "server_error", message: "Try again" }]),
    ).toMatchObject({
      isComplete: false,
      fault: "The provider reported server_error: Try again",
    });
  });
});
