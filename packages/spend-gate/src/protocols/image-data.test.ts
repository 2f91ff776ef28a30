import type { ProviderProtocol } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { protocols } from "./index.ts";

const png = `iVBORw0KGgo${"A".repeat(300_000)}`;
const dataUrl = `data:image/png;base64,${png}`;

describe("an image in a request", () => {
  it.each<[ProviderProtocol, unknown]>([
    ["anthropic-messages", { messages: [{ content: [{ source: { media_type: "image/png", data: png } }] }] }],
    ["anthropic-messages", { messages: [{ content: [{ content: [{ source: { data: `/9j/${png}` } }] }] }] }],
    ["openai-responses", { input: [{ content: [{ type: "input_image", image_url: dataUrl }] }] }],
    ["openai-responses", { input: [{ type: "function_call_output", output: [{ image_url: dataUrl }] }] }],
    ["openai-chat", { messages: [{ content: [{ type: "image_url", image_url: { url: dataUrl } }] }] }],
  ])("of %s counts as a part of its file", (protocol, body) => {
    const { inputBytes } = protocols[protocol].readRequest(Buffer.from(JSON.stringify(body))) ?? {};
    expect(inputBytes).toBeGreaterThan(20_000);
    expect(inputBytes).toBeLessThan(20_200);
  });

  it.each<[string, unknown]>([
    ["text in its place", { messages: [{ content: [{ source: { data: "A".repeat(300_000) } }] }] }],
    ["a document", { messages: [{ content: [{ source: { data: `JVBERi0${png}` } }] }] }],
    ["an image in a text", { messages: [{ content: [{ text: png }] }] }],
    ["a small image", { messages: [{ content: [{ source: { data: "iVBORw0KGgoAAAA" } }] }] }],
  ])("is not %s, which counts as it is", (_name, body) => {
    const bytes = Buffer.from(JSON.stringify(body));
    expect(protocols["anthropic-messages"].readRequest(bytes)?.inputBytes).toBe(bytes.length);
  });
});
