import { type ProviderProtocol, providerProtocols } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { protocols } from "./index.ts";

const [messages, responses, chat] = providerProtocols;

/** What becomes of `METHOD PATH`: the kind, and the status of an answer that the gate gives. */
function kindOf(protocol: ProviderProtocol, request: string, headers = {}): string {
  const [method = "", path = ""] = request.split(" ");
  const route = protocols[protocol].route(method, path, headers);
  return "response" in route ? `${route.kind} ${route.response.status}` : route.kind;
}

const rows: [ProviderProtocol, string, string][] = [
  [messages, "POST /v1/messages", "metered"],
  [messages, "POST /v1/messages?beta=true", "metered"],
  [messages, "POST /v1/messages/count_tokens?beta=true", "unmetered"],
  [messages, "GET /v1/models", "unmetered"],
  [messages, "GET /v1/models?limit=1000", "unmetered"],
  [messages, "GET /v1/models/claude-opus-5", "unmetered"],
  [messages, "HEAD /api/hello", "answered 200"],
  [messages, "GET /api/hello", "answered 200"],
  [messages, "GET /v1/messages", "refused 404"],
  [messages, "POST /v1/messages/", "refused 404"],
  [messages, "POST //v1/messages", "refused 404"],
  [messages, "POST /V1/messages", "refused 404"],
  [messages, "POST /v1/messages/batches", "refused 404"],
  [messages, "POST /v1/complete", "refused 404"],
  [messages, "POST /v1/files", "refused 404"],
  [messages, "GET /v1/models/../organizations", "refused 404"],
  [messages, "GET /v1/models/%2e%2e/organizations", "refused 404"],
  [messages, "POST /v1/responses", "refused 404"],
  [messages, "post /v1/messages", "refused 404"],
  [responses, "POST /v1/responses", "metered"],
  [responses, "POST /responses", "metered"],
  [responses, "POST /v1/responses/compact", "charged-by-bound"],
  [responses, "POST /responses/compact", "charged-by-bound"],
  [responses, "POST /memories/trace_summarize", "charged-by-bound"],
  [responses, "POST /v1/responses/input_tokens", "unmetered"],
  [responses, "GET /models?client_version=0.171.0", "unmetered"],
  [responses, "GET /wham/usage", "unmetered"],
  [responses, "GET /backend-api/wham/accounts/check", "unmetered"],
  [responses, "GET /api/codex/usage", "unmetered"],
  [responses, "POST /ps/mcp", "unmetered"],
  [responses, "POST /backend-api/ps/mcp", "unmetered"],
  // It starts a task in the cloud.
  [responses, "POST /wham/tasks", "refused 404"],
  [responses, "GET /v1/responses/resp_1", "refused 404"],
  [responses, "POST /v1/images/generations", "refused 404"],
  [responses, "POST /alpha/search", "refused 404"],
  [responses, "POST /v1/realtime/calls", "refused 404"],
  [responses, "POST /v1/chat/completions", "refused 404"],
  [chat, "POST /v1/chat/completions", "metered"],
  [chat, "POST /chat/completions", "metered"],
  [chat, "GET /v1/models/openai/gpt-5.5", "unmetered"],
  [chat, "POST /v1/completions", "refused 404"],
  [chat, "POST /v1/embeddings", "refused 404"],
  [chat, "CONNECT api.openai.com:443", "refused 404"],
  [chat, "POST http://elsewhere.example/v1/chat/completions", "refused 404"],
];

describe("a route", () => {
  it.each(rows)("of %s for %s is %s", (protocol, request, kind) => {
    expect(kindOf(protocol, request)).toBe(kind);
  });

  it.each(providerProtocols)("of %s for a WebSocket is refused with 426, whatever its path", (protocol) => {
    const upgrade = { connection: "Upgrade", upgrade: "WebSocket" };
    expect(kindOf(protocol, "GET /v1/responses", upgrade)).toBe("refused 426");
    expect(kindOf(protocol, "GET /elsewhere", { upgrade: ["h2c, websocket"] })).toBe("refused 426");
  });

  it("goes on with HTTP for another upgrade, which a server may ignore", () => {
    expect(kindOf(messages, "POST /v1/messages", { upgrade: "h2c" })).toBe("metered");
  });
});
