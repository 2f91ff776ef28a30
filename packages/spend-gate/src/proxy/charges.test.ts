/** What is charged where the report of a response alone does not say it: tools that the provider runs, and reports that cannot be true. */
import { until } from "@agentcore/contract/testing";
import { describe, expect, it } from "vitest";
import { openRig, type Rig } from "../testing/rig.ts";
import { eventStream, replies } from "../testing/upstream.ts";

/** The charge of one request to a provider that answers with the document. */
async function chargeOf(rig: Rig, document: object, request: object, path = "/v1/messages") {
  rig.upstream.answer = replies(200, document);
  const isMessages = path === "/v1/messages";
  const attempt = await rig.open(
    isMessages ? {} : { upstream: { provider: "openai", protocol: "openai-responses" } },
  );
  const body = JSON.stringify(request);
  const response = await attempt.post({}, { path, body });
  await response.text();
  expect(response.status).toBe(200);
  const [call] = await attempt.calls();
  if (call === undefined) throw new Error("no call was recorded");
  return call;
}

const ask = { model: "claude-sonnet-5", max_tokens: 1000, messages: [{ role: "user", content: "Search." }] };
const messages = (usage: object, text = "Found.") => ({
  type: "message",
  content: [{ type: "text", text }],
  usage,
});

describe("a tool that the provider runs costs what each of its calls costs:", () => {
  it("web searches of Messages", async () => {
    const rig = await openRig(replies(200, {}));
    const usage = { input_tokens: 1000, output_tokens: 10 };
    const tools = [{ type: "web_search_20250305", name: "web_search" }];
    const plain = await chargeOf(rig, messages(usage), { ...ask, tools });
    const searched = { ...usage, server_tool_use: { web_search_requests: 3 } };
    const charged = await chargeOf(rig, messages(searched), { ...ask, tools });
    expect(charged).toMatchObject({ usage: { hostedToolCalls: 3 }, tokens: 1010, estimated: false });
    expect(charged.costMicroUsd - plain.costMicroUsd).toBe(30_000);
  });

  it("web searches of Responses, which Codex offers unless it is told not to", async () => {
    const rig = await openRig(replies(200, {}));
    const request = { model: "gpt-5.5", input: "Search.", tools: [{ type: "web_search" }] };
    const search = { type: "web_search_call", status: "completed", action: { type: "search" } };
    const responseOf = (output: readonly object[]) => ({
      object: "response",
      status: "completed",
      output,
      usage: { input_tokens: 1000, output_tokens: 10, total_tokens: 1010 },
    });
    const plain = await chargeOf(rig, responseOf([]), request, "/v1/responses");
    const charged = await chargeOf(rig, responseOf([search, search]), request, "/v1/responses");
    expect(charged).toMatchObject({ usage: { hostedToolCalls: 2 }, tokens: 1010, estimated: false });
    expect(charged.costMicroUsd - plain.costMicroUsd).toBe(20_000);
  });

  it("a request that offers one is refused where the ceiling has no room for its calls", async () => {
    const rig = await openRig(replies(200, messages({ input_tokens: 10, output_tokens: 1 })));
    const statusOf = async (tools: readonly object[]): Promise<number> => {
      const attempt = await rig.open({ maxCostUsd: 0.05 });
      return (await attempt.post({ ...ask, stream: false, tools })).status;
    };
    expect(await statusOf([])).toBe(200);
    expect(await statusOf([{ type: "web_search_20250305", name: "web_search" }])).toBe(429);
  });
});

describe("an upstream that lies about its usage is not believed:", () => {
  it.each<[what: string, usage: object, atLeastTokens: number]>([
    ["an output below zero", { input_tokens: 900, output_tokens: -5 }, 1000],
    ["an output beyond all models", { input_tokens: 900, output_tokens: 1e12 }, 1000],
    ["an input beyond all numbers", { input_tokens: 1e300, output_tokens: 5 }, 1000],
    ["a text as its input", { input_tokens: "9", output_tokens: 5 }, 1000],
    ["no input", { output_tokens: 5 }, 1000],
    ["no output", { input_tokens: 900 }, 1000],
    [
      "more searches than a response has",
      { input_tokens: 900, output_tokens: 5, server_tool_use: { web_search_requests: 1e8 } },
      1000,
    ],
    ["less output than its text has", { input_tokens: 900, output_tokens: 1 }, 900 + 64_000 / 8],
  ])("%s", async (what, usage, atLeastTokens) => {
    const rig = await openRig(replies(200, {}));
    const text = what.startsWith("less") ? "word ".repeat(12_800) : "Done.";
    const call = await chargeOf(rig, messages(usage, text), ask);
    expect(call.estimated).toBe(true);
    expect(call.tokens).toBeGreaterThanOrEqual(atLeastTokens);
    expect(call.tokens).toBeLessThan(100_000);
    expect(call.costMicroUsd).toBeGreaterThan(10_000);
    expect(call.costMicroUsd).toBeLessThan(1_000_000);
  });
});

it("a response that never ends is charged what was seen or held when its run ends", async () => {
  const rig = await openRig((_request, response) => {
    response.writeHead(200, eventStream);
    const ping = setInterval(() => response.write("event: ping\ndata: {}\n\n"), 5);
    response.on("close", () => clearInterval(ping));
  });
  const attempt = await rig.open();
  const sent = attempt.post().then((response) => response.text());
  await until(() => (attempt.activities.at(-1)?.bytes ?? 0) > 200);
  const closed = await attempt.meter.close();
  await expect(sent).rejects.toThrow("terminated");
  await until(async () => (await rig.upstream.connections()) === 0);
  const [call] = await attempt.calls();
  expect(call).toMatchObject({ outcome: "cancelled", estimated: true, status: 200 });
  expect(call?.tokens).toBeGreaterThanOrEqual(1000);
  expect(closed).toMatchObject({ calls: 1, costMicroUsd: call?.costMicroUsd, estimated: true });
});
