/**
 * Maps a provider's refusal to an error class: by its HTTP status if the worker prints one, otherwise by its text. Statuses
 * come first because they are a protocol. The text is used if the worker prints only a message, and refines the two
 * statuses that providers use for several errors (429 and 400). All adapters share this table.
 */
import type { ErrorClass, WorkerError } from "@agentcore/contract";
import { boundedText } from "./event-text.ts";
import { classifyProviderStatus } from "./provider-status.ts";
import { waitInWords } from "./retry-after.ts";

/** Longest message in an error; the logs have all of it. */
const messageCharsMax = 2000;

/** In this order, because "connection" and "server error" also occur in more specific messages. */
const words: readonly (readonly [ErrorClass, RegExp])[] = [
  [
    "quota_exhausted",
    /insufficient_quota|exceeded your current quota|usage limit|credit balance|out of (?:credits|extra usage)|billing|payment required|hit your (?:[\w-]+ )?limit|spend(?:ing)? limit/i,
  ],
  ["rate_limited", /rate[ _-]?limit|too many requests/i],
  [
    "auth",
    /(?:invalid|incorrect|missing|no) (?:x-)?api[- _]?key|api[- _]?key (?:is )?(?:missing|not valid|invalid)|missing environment variable|not logged in|run \/login|log ?in again|unauthori[sz]ed|authentication[ _](?:error|failed)|oauth token|token (?:has )?expired|permission_error|forbidden/i,
  ],
  [
    "invalid_request",
    /(?:prompt|input) is too long|context (?:window|length)|maximum context|model[ _-]?not[ _-]?found|unknown model|model .{0,80}(?:does not|doesn't|may not) exist|invalid_request|no conversation found|session not found|no rollout found/i,
  ],
  [
    "provider_unavailable",
    /overloaded|high demand|server error|internal error|service unavailable|bad gateway|json pars|unexpected token|malformed response|stream closed before/i,
  ],
  [
    "network",
    /econn(?:refused|reset|aborted)|enotfound|eai_again|etimedout|epipe|e(?:host|net)unreach|socket|connection (?:\w+ )?(?:failed|refused|reset|error|closed|lost)|(?:cannot|could not|unable to) connect|network error|fetch failed|timed? ?out|stream disconnected|error sending request|getaddrinfo|certificate/i,
  ],
];

/** The class that the text of a message indicates; null if none. */
export function classifyProviderText(message: string): ErrorClass | null {
  const head = message.slice(0, messageCharsMax);
  return words.find(([, pattern]) => pattern.test(head))?.[0] ?? null;
}

export interface ProviderFailure {
  readonly message: string;
  /** HTTP status of the provider's response; null if the worker does not print it. */
  readonly status: number | null;
  readonly retryAfterMs?: number | null;
}

/**
 * Returns the failure in the contract's form. A 429 or 400 whose text mentions a used-up account is `quota_exhausted`; a
 * 400 about a credential is `auth`. Without a status, the text decides; an unknown text is `worker_protocol`: the worker
 * failed in a way that its adapter does not know.
 */
export function providerError(failure: ProviderFailure): WorkerError {
  return {
    class: classOf(failure),
    message: boundedText(failure.message, messageCharsMax).text,
    status: failure.status,
    retryAfterMs: failure.retryAfterMs ?? waitInWords(failure.message),
  };
}

function classOf({ message, status }: ProviderFailure): ErrorClass {
  const byWords = classifyProviderText(message);
  if (status === null) return byWords ?? "worker_protocol";
  if ((status === 429 || status === 400) && byWords === "quota_exhausted") return byWords;
  if (status === 400 && byWords === "auth") return byWords;
  return classifyProviderStatus(status);
}
