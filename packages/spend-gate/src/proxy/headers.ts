/** Which headers pass the gate, in both directions. Pure. */
import { spendGateKeyHeader } from "@agentcore/contract";

/** A header that carries a credential. */
export interface CredentialHeader {
  readonly name: string;
  readonly value: string;
}

/** Of one connection (RFC 9110 §7.6.1), or made again for the next one. */
const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  "host",
  "content-length",
  "accept-encoding",
]);

const credentialHeaders: ReadonlySet<string> = new Set(["x-api-key", "authorization"]);

export interface RequestHeaderRules {
  /** The gate's key: no header that has it passes. */
  readonly key: string;
  /** Replaces all credentials of the request; null: they pass as they are. */
  readonly credential: CredentialHeader | null;
  /** The body is forwarded as it came, with its `content-encoding`. */
  readonly isBodyEncoded: boolean;
}

/**
 * Makes the headers for the upstream from those of a request, as names and values in turn, in the same order and with the
 * same letters. The upstream is asked for a response that is not compressed.
 */
export function forwardedHeaders(raw: readonly string[], rules: RequestHeaderRules): string[] {
  const named = connectionNames(raw);
  const headers: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name, value] = [raw[at] ?? "", raw[at + 1] ?? ""];
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || named.has(lower) || lower === spendGateKeyHeader) continue;
    if (value.includes(rules.key)) continue;
    if (rules.credential !== null && (credentialHeaders.has(lower) || lower === rules.credential.name))
      continue;
    if (lower === "content-encoding" && !rules.isBodyEncoded) continue;
    headers.push(name, value);
  }
  headers.push("accept-encoding", "identity");
  if (rules.credential !== null) headers.push(rules.credential.name, rules.credential.value);
  return headers;
}

/** Headers that `Connection` names belong to the connection, too. */
function connectionNames(raw: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]?.toLowerCase() !== "connection") continue;
    for (const name of (raw[at + 1] ?? "").split(",")) names.add(name.trim().toLowerCase());
  }
  return names;
}

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface ResponseHeaderRules {
  /** False if the body is another one than the provider sent, or may end early. */
  readonly keepsLength: boolean;
  /** False if the body was decoded. */
  readonly keepsEncoding: boolean;
  /** Headers that repeat it do not pass. */
  readonly credential: CredentialHeader | null;
}

/**
 * Makes the headers for the worker from those of the upstream. The provider's rate limits are those of the whole account: an
 * agent would show them to its user as its own, so they do not pass.
 */
export function returnedHeaders(
  headers: ResponseHeaders,
  { keepsLength, keepsEncoding, credential }: ResponseHeaderRules,
): Record<string, string | string[]> {
  const named = new Set(
    [headers["connection"] ?? []]
      .flat()
      .flatMap((value) => value.split(",").map((name) => name.trim().toLowerCase())),
  );
  const secret = credential === null ? null : secretOf(credential);
  const returned: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (value === undefined || named.has(lower) || lower.startsWith("anthropic-ratelimit-")) continue;
    if (lower === "content-length" ? !keepsLength : hopByHop.has(lower) || lower === "alt-svc") continue;
    if (lower === "content-encoding" && !keepsEncoding) continue;
    if (secret !== null && [value].flat().some((text) => text.includes(secret))) continue;
    returned[name] = value;
  }
  return returned;
}

/** The credential without the scheme before it. */
export function secretOf({ value }: CredentialHeader): string {
  return value.replace(/^Bearer +/i, "");
}

/** The wait that a provider asks for, in ms; null if it names none. `now` is the time in ms since the epoch. */
export function retryAfterMs(headers: ResponseHeaders, now: number): number | null {
  const exact = Number(first(headers["retry-after-ms"]) ?? Number.NaN);
  if (exact >= 0) return Math.ceil(exact);
  const text = first(headers["retry-after"])?.trim();
  if (text === undefined || text === "") return null;
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

const first = (value: string | string[] | undefined): string | undefined => [value ?? []].flat()[0];
