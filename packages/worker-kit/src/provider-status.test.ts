import { expect, it } from "vitest";
import { classifyProviderStatus } from "./provider-status.ts";

it.each([
  [400, "invalid_request"],
  [401, "auth"],
  [402, "quota_exhausted"],
  [403, "auth"],
  [404, "invalid_request"],
  [408, "network"],
  [422, "invalid_request"],
  [429, "rate_limited"],
  [500, "provider_unavailable"],
  [503, "provider_unavailable"],
  [529, "provider_unavailable"],
  [200, "provider_unavailable"],
])("status %i of a provider means %s", (status, expected) => {
  expect(classifyProviderStatus(status)).toBe(expected);
});
