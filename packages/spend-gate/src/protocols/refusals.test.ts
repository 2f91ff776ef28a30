import { type ProviderProtocol, providerProtocols } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import type { LocalResponse, RefusalKind } from "./protocol.ts";
import { endOfCut, malformedBody, noWebSockets, refusal, unknownPath } from "./refusals.ts";

const message = "The attempt has reached its cost ceiling of $0.50.";
const [anthropic, responses, chat] = providerProtocols;

/** `status error header…`, in one line. */
function inShort({ status, headers, body }: LocalResponse): string {
  const parsed = JSON.parse(body) as { error: { type: string } };
  const retry = ["retry-after", "x-should-retry"].flatMap((name) =>
    headers[name] === undefined ? [] : [`${name}: ${headers[name]}`],
  );
  return [status, parsed.error.type, ...retry].join(" ");
}

const ceilings: RefusalKind[] = ["cost_ceiling", "token_ceiling", "calls", "loop"];
const refusals: [RefusalKind[], string, string, string][] = [
  [
    ceilings,
    "429 billing_error retry-after: 3600 x-should-retry: false",
    "429 insufficient_quota x-should-retry: false",
    "402 insufficient_quota x-should-retry: false",
  ],
  [
    ["key"],
    "401 authentication_error x-should-retry: false",
    "401 invalid_api_key x-should-retry: false",
    "401 invalid_api_key x-should-retry: false",
  ],
  [
    ["in_flight"],
    "429 rate_limit_error retry-after: 1",
    "429 rate_limit_exceeded retry-after: 1",
    "429 rate_limit_exceeded retry-after: 1",
  ],
  [
    ["store"],
    "503 api_error retry-after: 5",
    "503 server_error retry-after: 5",
    "503 server_error retry-after: 5",
  ],
  [
    ["upstream"],
    "502 api_error retry-after: 1",
    "502 server_error retry-after: 1",
    "502 server_error retry-after: 1",
  ],
  [
    ["too_large"],
    "413 request_too_large x-should-retry: false",
    "400 request_too_large x-should-retry: false",
    "413 request_too_large x-should-retry: false",
  ],
];
const rows = refusals.flatMap(([kinds, ...answers]) =>
  kinds.flatMap((kind) =>
    providerProtocols.map((protocol, i) => ({ kind, protocol, answer: answers[i] ?? "" })),
  ),
);

describe("a refusal", () => {
  it.each(rows)("for $kind in $protocol is $answer", ({ kind, protocol, answer }) => {
    const response = refusal(protocol, { kind, message });
    expect(inShort(response)).toBe(answer);
    expect(response.body).toContain(message);
    expect(response.headers["content-type"]).toBe("application/json");
  });

  it("has Anthropic's form, or OpenAI's", () => {
    const bodyOf = (protocol: ProviderProtocol) =>
      JSON.parse(refusal(protocol, { kind: "calls", message }).body) as unknown;
    expect(bodyOf(anthropic)).toEqual({ type: "error", error: { type: "billing_error", message } });
    const openAi = {
      error: { message, type: "insufficient_quota", param: null, code: "insufficient_quota" },
    };
    expect(bodyOf(responses)).toEqual(openAi);
    expect(bodyOf(chat)).toEqual(openAi);
  });

  it.each(providerProtocols)(
    "of a WebSocket in %s is 426 exactly, of another path 404, of a malformed body 400",
    (protocol) => {
      expect(noWebSockets(protocol).status).toBe(426);
      const unknown = unknownPath(protocol, "POST", `/v1/${"x".repeat(10_000)}`);
      expect(unknown.status).toBe(404);
      expect(unknown.body.length).toBeLessThan(500);
      expect(malformedBody(protocol).status).toBe(400);
    },
  );
});

describe("a cut", () => {
  const cutOf = (protocol: ProviderProtocol) =>
    Buffer.from(endOfCut(protocol, { kind: "cost_ceiling", message })).toString();

  it("only ends the stream of Messages, whose clients then ask again", () => {
    expect(cutOf(anthropic)).toBe("");
  });

  it("ends the stream of Responses with the event that says so", () => {
    const [event, data, ...rest] = cutOf(responses).split("\n");
    expect(event).toBe("event: response.failed");
    expect(rest).toEqual(["", ""]);
    expect(JSON.parse(data?.replace("data: ", "") ?? "")).toMatchObject({
      type: "response.failed",
      response: { status: "failed", error: { code: "insufficient_quota", message } },
    });
  });

  it("ends the stream of Chat Completions with an error chunk", () => {
    const [data, ...rest] = cutOf(chat).split("\n");
    expect(rest).toEqual(["", ""]);
    expect(JSON.parse(data?.replace("data: ", "") ?? "")).toMatchObject({
      error: { code: "insufficient_quota", message },
    });
  });
});
