/** What a webhook delivery says: whether it is signed, its key, and the payload of its event. Pure. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { parseChain } from "../chain.ts";
import type { WebhookSource } from "../definition.ts";
import type { SourceEvent } from "../source.ts";
import type { Json } from "../trigger-event.ts";
import { jsonProblem, keyProblem } from "./payload-bounds.ts";

/** Why a delivery is refused. `kind` is for counting, `message` for the sender. */
export interface Refusal {
  readonly status: number;
  readonly kind: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Credentials of the sender, which no worker needs, and what is read here. */
const hiddenHeaders = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "x-agentcore-chain",
  "x-gitlab-token",
  "x-hub-signature",
  "x-hub-signature-256",
]);

/** What the headers alone say against the delivery, before its body is read; null: nothing. */
export function headerRefusal(source: WebhookSource, headers: IncomingHttpHeaders): Refusal | null {
  if ((headers["content-encoding"] ?? "identity") !== "identity")
    return refusal(415, "encoded_body", "Send the body without Content-Encoding.");
  if (source.secret !== null && signatureOf(headers) === null)
    return refusal(401, "no_signature", "The header X-Hub-Signature-256 with sha256=HEX is missing.");
  // Programs that send webhooks are no browsers; a page must not reach a webhook of the machine that shows it.
  const site = headers["sec-fetch-site"];
  const isBrowser = headers.origin !== undefined || (site !== undefined && site !== "none");
  if (source.secret === null && isBrowser)
    return refusal(403, "browser", "A webhook without a secret takes nothing from web pages.");
  return null;
}

/** The event of a delivery whose body has arrived, or why there is none. */
export function deliveryOf(
  id: string,
  source: WebhookSource,
  request: {
    readonly path: string;
    readonly query: string;
    readonly headers: IncomingHttpHeaders;
    readonly body: Buffer;
  },
): { readonly event: SourceEvent } | { readonly refusal: Refusal } {
  const { path, query, headers, body } = request;
  if (source.secret !== null && !isSigned(source.secret, headers, body))
    return { refusal: refusal(401, "bad_signature", "The signature does not fit the body and the secret.") };
  const chain = parseChain(textOf(headers["x-agentcore-chain"]));
  if (chain === null)
    return { refusal: refusal(400, "bad_chain", "The header X-AgentCore-Chain is not a chain of runs.") };
  const key = keyOf(source, headers, body);
  const ofKey = key === null ? null : keyProblem(key);
  if (ofKey !== null)
    return { refusal: refusal(400, "bad_delivery_id", `The header X-GitHub-Delivery ${ofKey}.`) };
  const content = contentOf(headers, body);
  if ("problem" in content) return { refusal: refusal(400, "bad_body", content.problem) };
  const payload = {
    type: "webhook",
    method: source.method,
    path,
    query,
    headers: shownHeaders(headers),
    body: content.value,
  };
  return { event: { source: id, key, payload, chain } };
}

export const refusal = (status: number, kind: string, message: string): Refusal => ({
  status,
  kind,
  message,
});

function signatureOf(headers: IncomingHttpHeaders): Buffer | null {
  const [, hex] = /^sha256=([0-9a-f]{64})$/i.exec(textOf(headers["x-hub-signature-256"])) ?? [];
  return hex === undefined ? null : Buffer.from(hex, "hex");
}

function isSigned(secret: string, headers: IncomingHttpHeaders, body: Buffer): boolean {
  const given = signatureOf(headers);
  return given !== null && timingSafeEqual(given, createHmac("sha256", secret).update(body).digest());
}

/** An empty body without a signature says nothing about which delivery it is. */
function keyOf(source: WebhookSource, headers: IncomingHttpHeaders, body: Buffer): string | null {
  const delivery = headers["x-github-delivery"];
  if (delivery !== undefined) return textOf(delivery);
  if (body.length === 0 && source.secret === null) return null;
  return `sha256:${createHash("sha256").update(body).digest("hex")}`;
}

function contentOf(
  headers: IncomingHttpHeaders,
  body: Buffer,
): { readonly value: Json } | { readonly problem: string } {
  if (body.length === 0) return { value: null };
  const isJson = /^\s*application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(headers["content-type"] ?? "");
  if (!isJson) return { value: body.toString("utf8") };
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as Json;
    const problem = jsonProblem(value);
    return problem === null ? { value } : { problem: `The body ${problem}.` };
  } catch {
    return { problem: "The body is not JSON, which its Content-Type says." };
  }
}

function shownHeaders(headers: IncomingHttpHeaders): Json {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !hiddenHeaders.has(name))
      .map(([name, value]) => [name, textOf(value)]),
  );
}

function textOf(value: string | readonly string[] | undefined): string {
  return value === undefined || typeof value === "string" ? (value ?? "") : value.join(", ");
}
