/**
 * What the spend gate answers in place of the provider: protocol × reason → response. A ceiling that is reached looks different
 * in each protocol, because each agent retries differently: the answers here end the agent after one request, where the same
 * status in another form costs minutes of retries.
 *
 * | | Anthropic Messages | OpenAI Responses | Chat Completions |
 * | --- | --- | --- | --- |
 * | ceiling, calls, loop | 429 `billing_error`, with `retry-after` and `x-should-retry: false` | 429 `insufficient_quota` | 402 `insufficient_quota` |
 * | cut in a stream | the stream ends; the automatic retry is refused | event `response.failed`, `insufficient_quota` | an error chunk; a retry is refused |
 * | key | 401 | 401 | 401 |
 * | too large, malformed | 413, 400 | 400 | 413, 400 |
 * | store, upstream | 503, 502 | 503, 502 | 503, 502 |
 * | in flight | 429 `rate_limit_error`, with `retry-after` | 429 `rate_limit_exceeded`, with `retry-after` | 429, with `retry-after` |
 * | another path, a WebSocket | 404, 426 | 404, 426 | 404, 426 |
 */
import type { ProviderProtocol } from "@agentcore/contract";
import type { LocalResponse, RefusalKind, RefusalReason } from "./protocol.ts";

interface Answer {
  readonly status: number;
  /** Type of the error, for Anthropic; code of the error, for OpenAI. */
  readonly error: string;
  /** After how many seconds a client may try again; null if it must not. */
  readonly retryAfterS: number | null;
}

type Situation = RefusalKind | "malformed" | "not_found" | "upgrade";

const never = null;
const billing: Answer = { status: 429, error: "billing_error", retryAfterS: never };
const anthropic: Readonly<Record<Situation, Answer>> = {
  cost_ceiling: billing,
  token_ceiling: billing,
  calls: billing,
  loop: billing,
  key: { status: 401, error: "authentication_error", retryAfterS: never },
  store: { status: 503, error: "api_error", retryAfterS: 5 },
  upstream: { status: 502, error: "api_error", retryAfterS: 1 },
  in_flight: { status: 429, error: "rate_limit_error", retryAfterS: 1 },
  too_large: { status: 413, error: "request_too_large", retryAfterS: never },
  malformed: { status: 400, error: "invalid_request_error", retryAfterS: never },
  not_found: { status: 404, error: "not_found_error", retryAfterS: never },
  upgrade: { status: 426, error: "invalid_request_error", retryAfterS: never },
};

const quota: Answer = { status: 429, error: "insufficient_quota", retryAfterS: never };
const responses: Readonly<Record<Situation, Answer>> = {
  cost_ceiling: quota,
  token_ceiling: quota,
  calls: quota,
  loop: quota,
  key: { status: 401, error: "invalid_api_key", retryAfterS: never },
  store: { status: 503, error: "server_error", retryAfterS: 5 },
  upstream: { status: 502, error: "server_error", retryAfterS: 1 },
  in_flight: { status: 429, error: "rate_limit_exceeded", retryAfterS: 1 },
  // Codex retries 413 and gives up at once on 400.
  too_large: { status: 400, error: "request_too_large", retryAfterS: never },
  malformed: { status: 400, error: "invalid_request", retryAfterS: never },
  not_found: { status: 404, error: "not_found", retryAfterS: never },
  // Any other status than 426 costs Codex its turn, or seconds.
  upgrade: { status: 426, error: "websocket_unsupported", retryAfterS: never },
};

const paymentRequired: Answer = { ...quota, status: 402 };
const chat: Readonly<Record<Situation, Answer>> = {
  ...responses,
  cost_ceiling: paymentRequired,
  token_ceiling: paymentRequired,
  calls: paymentRequired,
  loop: paymentRequired,
  too_large: { ...responses.too_large, status: 413 },
};

const answers: Readonly<Record<ProviderProtocol, Readonly<Record<Situation, Answer>>>> = {
  "anthropic-messages": anthropic,
  "openai-responses": responses,
  "openai-chat": chat,
};

/** Answers a request that is not forwarded. */
export function refusal(protocol: ProviderProtocol, reason: RefusalReason): LocalResponse {
  return answerTo(protocol, reason.kind, reason.message);
}

export function malformedBody(protocol: ProviderProtocol): LocalResponse {
  return answerTo(
    protocol,
    "malformed",
    "The spend gate cannot tell what the request costs: its body is no JSON object, asks for a response in the background, or has a field such as `model` or `max_tokens` twice, in capitals or with a value of a wrong type.",
  );
}

export function unknownPath(protocol: ProviderProtocol, method: string, path: string): LocalResponse {
  return answerTo(
    protocol,
    "not_found",
    `The spend gate does not forward ${method.slice(0, 16)} ${path.slice(0, 200)}.`,
  );
}

export function noWebSockets(protocol: ProviderProtocol): LocalResponse {
  return answerTo(protocol, "upgrade", "The spend gate does not forward WebSockets; use HTTP.");
}

/** Bytes that end a stream after a whole event. */
export function endOfCut(protocol: ProviderProtocol, reason: RefusalReason): Uint8Array {
  if (protocol === "anthropic-messages") return new Uint8Array();
  const { error } = answers[protocol][reason.kind];
  if (protocol === "openai-chat")
    return Buffer.from(`data: ${JSON.stringify(openAiError(error, reason.message))}\n\n`);
  const failed = {
    type: "response.failed",
    response: {
      id: "resp_spend_gate",
      object: "response",
      status: "failed",
      error: { code: error, message: reason.message },
    },
  };
  return Buffer.from(`event: response.failed\ndata: ${JSON.stringify(failed)}\n\n`);
}

function answerTo(protocol: ProviderProtocol, situation: Situation, message: string): LocalResponse {
  const { status, error, retryAfterS } = answers[protocol][situation];
  const body =
    protocol === "anthropic-messages"
      ? { type: "error", error: { type: error, message } }
      : openAiError(error, message);
  return {
    status,
    headers: { "content-type": "application/json", ...retryHeaders(protocol, status, retryAfterS) },
    body: JSON.stringify(body),
  };
}

/**
 * Claude Code gives up at once if it would have to wait for an hour. The other two wait that long without a word, so they get
 * no `retry-after` with an answer that is final.
 */
function retryHeaders(protocol: ProviderProtocol, status: number, retryAfterS: number | null) {
  if (retryAfterS !== null) return { "retry-after": String(retryAfterS) };
  const isQuota = protocol === "anthropic-messages" && status === 429;
  return { "x-should-retry": "false", ...(isQuota ? { "retry-after": "3600" } : {}) };
}

function openAiError(code: string, message: string) {
  return { error: { message, type: code, param: null, code } };
}
