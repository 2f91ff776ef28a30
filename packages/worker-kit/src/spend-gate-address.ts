/** Divides a provider's address between the spend gate, which knows the host, and the worker, which knows the path. */

export interface DividedAddress {
  /** For {@link Upstream.baseUrl}. */
  readonly baseUrl: string;
  /** Follows the address of the gate in the worker's configuration. */
  readonly path: "" | "/v1";
}

/**
 * Clients of providers append their path to an address that often ends in `/v1`. The gate gets the address without it, and
 * the worker keeps it: `https://api.openai.com/v1` is reached through `<gate>/v1`.
 */
export function divideAddress(address: string): DividedAddress {
  const url = address.replace(/\/+$/, "");
  return url.endsWith("/v1")
    ? { baseUrl: url.slice(0, -"/v1".length), path: "/v1" }
    : { baseUrl: url, path: "" };
}
