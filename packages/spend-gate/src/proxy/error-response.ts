/** Reads a provider's response that is an error: small, and passed on as it is, but never with the credential in it. */
import type { WholeResponse } from "./exchange.ts";
import type { UpstreamResponse } from "./forward.ts";
import { returnedHeaders, secretOf } from "./headers.ts";

/** What is longer is cut: an error is a sentence. */
const bytesMax = 1024 * 1024;

/** Rejects if the connection breaks before the end. */
export async function readErrorResponse(response: UpstreamResponse): Promise<WholeResponse> {
  const { status, headers, body, isBodyUnchanged, credential } = response;
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes > bytesMax) break;
  }
  const whole = Buffer.concat(parts).subarray(0, bytesMax);
  return {
    status,
    headers: returnedHeaders(headers, { keepsLength: false, keepsEncoding: isBodyUnchanged, credential }),
    body: credential === null ? whole : withoutSecret(whole, secretOf(credential)),
  };
}

/** Some services repeat a key that they refuse. */
function withoutSecret(bytes: Buffer, secret: string): Buffer {
  if (!bytes.includes(secret, 0, "latin1")) return bytes;
  return Buffer.from(bytes.toString("latin1").replaceAll(secret, "[credential]"), "latin1");
}
