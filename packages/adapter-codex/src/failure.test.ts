import { describe, expect, it } from "vitest";
import { failureOf, isSandboxBroken, reconnection, refusedTool } from "./failure.ts";

const address = "url: http://127.0.0.1:18080/v1/responses";

describe("a failure", () => {
  it.each([
    [`unexpected status 401 Unauthorized: invalid x-api-key, ${address}`, "auth", 401],
    [`unexpected status 402 Payment Required: no money, ${address}`, "quota_exhausted", 402],
    [`unexpected status 404 Not Found: model not found, ${address}`, "invalid_request", 404],
    [`unexpected status 503 Service Unavailable: later, ${address}`, "provider_unavailable", 503],
    ["exceeded retry limit, last status: 429 Too Many Requests", "rate_limited", 429],
    ['{"error":{"message":"bad request","type":"invalid_request_error"}}', "invalid_request", 400],
    ['{"error":{"message":"Incorrect API key provided"}}', "auth", 400],
    [
      "We’re currently experiencing high demand, which may cause temporary errors.",
      "provider_unavailable",
      null,
    ],
    ["Missing environment variable: `AC_KEY`.", "auth", null],
    ["Connection failed: error sending request", "network", null],
    ["stream disconnected before completion: idle timeout waiting for SSE", "network", null],
    [
      "stream disconnected before completion: stream closed before response.completed",
      "provider_unavailable",
      null,
    ],
    ["You've hit your usage limit. Upgrade to Pro", "quota_exhausted", null],
    ["{ not json", "worker_protocol", null],
    ["something new", "worker_protocol", null],
  ])("%j is %s, status %s", (message, errorClass, status) => {
    expect(failureOf(message)).toMatchObject({ class: errorClass, status });
  });
});

it.each([
  ["Reconnecting... 2/5 (unexpected status 500 x)", 2, "provider_unavailable"],
  ["Reconnecting... 1/2 (exceeded retry limit, last status: 429 Too Many Requests)", 1, "rate_limited"],
  ["Reconnecting... 1/5", 1, "network"],
])("%j is try %i after %s", (message, attempt, errorClass) => {
  expect(reconnection(message)).toMatchObject({ attempt, error: { class: errorClass } });
});

it("takes nothing else for a reconnection", () => {
  expect(reconnection("unexpected status 500")).toBeNull();
});

const router = "2026-11-23T15:39:26.660244Z ERROR codex_core::tools::router: error=";

it.each([
  [
    `${router}patch rejected: writing is blocked by read-only sandbox; rejected by user approval settings`,
    "apply_patch",
  ],
  [
    `${router}patch rejected: writing outside of the project; rejected by user approval settings`,
    "apply_patch",
  ],
  [`${router}exec command rejected by user: Rejected("rejected by user approval settings")`, "shell"],
  [`${router}unsupported call: frobnicate`, null],
  [`${router}apply_patch verification failed: Failed to find expected lines`, null],
  ["2026-11-23T15:39:26Z ERROR codex_core::session: rejected", null],
])("%j refuses %s", (line, tool) => {
  expect(refusedTool(line)?.tool ?? null).toBe(tool);
});

it("knows the sign of a sandbox that does not work", () => {
  expect(
    isSandboxBroken("WARNING: proceeding, even though we could not create PATH aliases: Refusing to create"),
  ).toBe(true);
  expect(isSandboxBroken("Reading prompt from stdin...")).toBe(false);
});
