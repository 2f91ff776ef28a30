/** Maps the HTTP status of a model provider to an error class. One table, so that adapters agree. */
import type { ErrorClass } from "@agentcore/contract";

/**
 * - 401, 403 → `auth`; 402 → `quota_exhausted`; 429 → `rate_limited`; 529 (overloaded) and every 5xx →
 *   `provider_unavailable`; 408 → `network`; any other 4xx (bad request, unknown model) → `invalid_request`.
 * - Anything that is not an error status → `provider_unavailable`: an invalid response is the provider's fault.
 */
export function classifyProviderStatus(status: number): ErrorClass {
  if (status === 401 || status === 403) return "auth";
  if (status === 402) return "quota_exhausted";
  if (status === 408) return "network";
  if (status === 429) return "rate_limited";
  if (status >= 400 && status < 500) return "invalid_request";
  return "provider_unavailable";
}
