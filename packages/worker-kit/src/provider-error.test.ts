import { expect, it } from "vitest";
import { classifyProviderText, providerError } from "./provider-error.ts";

it.each([
  [401, "invalid x-api-key", "auth"],
  [403, "forbidden", "auth"],
  [402, "task budget exhausted (proxy)", "quota_exhausted"],
  [400, "bad request", "invalid_request"],
  [400, "Your credit balance is too low to access the API", "quota_exhausted"],
  [400, "API key not valid. Please pass a valid API key.", "auth"],
  [404, "model not found", "invalid_request"],
  [422, "unprocessable", "invalid_request"],
  [408, "request timeout", "network"],
  [429, "rate limited", "rate_limited"],
  [429, "You exceeded your current quota, please check your plan", "quota_exhausted"],
  [429, "You've hit your usage limit. Try again at 3pm.", "quota_exhausted"],
  [500, "connection lost", "provider_unavailable"],
  [503, "service unavailable", "provider_unavailable"],
  [529, "overloaded", "provider_unavailable"],
] as const)("classifies status %i with %j as %s", (status, message, errorClass) => {
  expect(providerError({ status, message })).toEqual({
    class: errorClass,
    message,
    status,
    retryAfterMs: null,
  });
});

it.each([
  ["Rate limit reached for gpt-5.5 in organization org-1 on tokens per min", "rate_limited"],
  ["Too Many Requests", "rate_limited"],
  ["You exceeded your current quota (see the rate limits page)", "quota_exhausted"],
  ["Missing environment variable: `AC_KEY`.", "auth"],
  ["Not logged in · Please run /login", "auth"],
  ["No conversation found with session ID: 9", "invalid_request"],
  ["no rollout found for thread id 01a2 (code -32600)", "invalid_request"],
  ["Error: Session not found", "invalid_request"],
  ["Prompt is too long", "invalid_request"],
  ["There's an issue with the selected model (x). It may not exist", "invalid_request"],
  ["We’re currently experiencing high demand, which may cause temporary errors.", "provider_unavailable"],
  ["API Error: JSON Parse error: Unrecognized token '<'", "provider_unavailable"],
  ["JSON parsing failed: Text: {this is no JSON.", "provider_unavailable"],
  ["API returned an empty or malformed response", "provider_unavailable"],
  ["stream disconnected before completion: stream closed before response.completed", "provider_unavailable"],
  ["stream disconnected before completion: Transport error: network error", "network"],
  ["Connection failed: error sending request", "network"],
  ["API Error: Unable to connect to API (ECONNREFUSED)", "network"],
  ["Cannot connect to API: connect refused", "network"],
  ["The operation timed out.", "network"],
  ["Request timed out", "network"],
  ["The socket connection was closed unexpectedly", "network"],
  ["the cat sat on the keyboard", null],
  ["", null],
] as const)("reads %j as %s", (message, errorClass) => {
  expect(classifyProviderText(message)).toBe(errorClass);
  expect(providerError({ status: null, message }).class).toBe(errorClass ?? "worker_protocol");
});

it("passes a wait on and cuts a message without end", () => {
  const error = providerError({ status: 429, message: "x".repeat(10_000), retryAfterMs: 1000 });
  expect(error.retryAfterMs).toBe(1000);
  expect(error.message).toHaveLength(2000);
});
