/**
 * What the spend gate must know about the API of a provider: which requests cost something, what a request asks for, what a
 * response used, and how to refuse a request or end a response so that the agent understands it and does not retry. Pure: no
 * clock, no network, no state beyond one response.
 */
import type { CallUsage, ProviderProtocol } from "@agentcore/contract";

export interface Protocol {
  readonly name: ProviderProtocol;
  /** What becomes of a request. `path` begins with a slash; its query is ignored. Names of headers are in lower case. */
  route(method: string, path: string, headers: RequestHeaders): Route;
  /**
   * Null if the gate cannot meter it, which {@link Protocol.malformed} answers: the body is no JSON object, has a field twice
   * or in another spelling, so that the provider could read another value than the gate, or asks for a response in the background.
   */
  readRequest(body: Uint8Array): CallRequest | null;
  /**
   * Asks for at most that many tokens of output, over all answers together. Changes this one field, or adds it; every other
   * byte stays. A budget for thinking is a part of it and is lowered with it. The body must be one that
   * {@link Protocol.readRequest} could read.
   */
  withMaxOutput(body: Uint8Array, tokens: number): Uint8Array;
  /** Asks the provider to report the usage, where it does so only if asked. Changes this one field. */
  withUsage(body: Uint8Array): Uint8Array;
  /** Makes a meter for one response with a status of 200 to 299. The request may explain what the response does not say. */
  meter(contentType: string | null, request?: CallRequest): ResponseMeter;
  /** Answers a request that is not forwarded, in the protocol's own form. */
  refusal(reason: RefusalReason): LocalResponse;
  /** Answers a request whose body {@link Protocol.readRequest} could not read. */
  malformed(): LocalResponse;
  /**
   * Ends the stream of a response that began. `bytes` is sent after a whole event, and then the response ends. The agent may
   * retry on its own: `afterwards` answers that. A response that is not a stream, or of which nothing was sent, gets
   * `afterwards` in its place.
   */
  cut(reason: RefusalReason): {
    readonly bytes: Uint8Array;
    readonly afterwards: LocalResponse;
  };
}

/** Headers of a request, as `node:http` gives them. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export type Route =
  /** Forwarded, and charged by the usage that the response reports. */
  | { readonly kind: "metered" }
  /** Forwarded, and free: counting tokens, listing models, the account's own pages. */
  | { readonly kind: "unmetered" }
  /**
   * Forwarded as it is: it takes no limit of its output. Its response need not report usage, and is then charged the most
   * that it can cost.
   */
  | { readonly kind: "charged-by-bound" }
  /** Not forwarded. The gate answers. */
  | { readonly kind: "answered"; readonly response: LocalResponse }
  | { readonly kind: "refused"; readonly response: LocalResponse };

/** A response that the gate makes. `content-length` is not among the headers. */
export interface LocalResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a metered request asks for. */
export interface CallRequest {
  readonly model: string | null;
  /** Most output tokens that it asks for, over all answers together; null if it sets no limit. */
  readonly maxOutputTokens: number | null;
  /** The least that {@link Protocol.withMaxOutput} may be given: with less, the provider refuses the request. */
  readonly minOutputTokens: number;
  readonly isStream: boolean;
  /** Length of the body. A token has at least one byte. The file of an image counts as at most 20,000 bytes. */
  readonly inputBytes: number;
  /** False if the request refers to input elsewhere: a stored conversation or prompt, a file or image by id or URL. */
  readonly isInputInBody: boolean;
  /** Types of the tools that the provider runs and may charge per call, such as `web_search`. */
  readonly hostedTools: readonly string[];
  /** Further models that the provider may use for the request and charge at their own price. */
  readonly otherModels: readonly string[];
  /** Longest life of the caches that it writes; null if it names none. A longer life costs more. */
  readonly cacheWrites: "5m" | "1h" | null;
  /** As asked for; they change the price. Null if the request does not say. */
  readonly serviceTier: string | null;
  readonly speed: string | null;
  readonly region: string | null;
  /** Equal for requests that ask for the same: ids, metadata and cache marks make no difference. */
  readonly fingerprint: string;
}

/** `input`: the input, and perhaps the output as well. Null: nothing. */
export type MissingUsage = "input" | "output" | null;

/** Reads one response. Its memory does not grow with the response. */
export interface ResponseMeter {
  /** Takes decoded bytes, in any division. Never throws. */
  push(chunk: Uint8Array): void;
  /** What was reported so far; null if nothing was, or a number that cannot be true. */
  usage(): CallUsage | null;
  /** What of the usage was not reported, or in a way that no response can have. */
  missing(): MissingUsage;
  /** Bytes of text, arguments of tools and visible reasoning in the response so far. */
  visibleOutputBytes(): number;
  /** The terminal event, or the end of the JSON document, was seen: the usage is final. */
  isComplete(): boolean;
  /** Bytes at the end of what was pushed that belong to an unfinished event. A stream can be cut before them. */
  openEventBytes(): number;
  /** What is wrong with the response is an error that the provider reported, and not that the response cannot be read. */
  isErrorOfProvider(): boolean;
  /** What is wrong with the response, in words; null if nothing is. */
  fault(): string | null;
}

/**
 * `cost_ceiling`, `token_ceiling`, `calls`, `loop`: the attempt is over, and the agent must not retry. `key`: the key is
 * unknown or its permit has ended. `store`, `upstream`, `in_flight`: a later try can succeed. `too_large`: the body is too
 * large.
 */
export type RefusalKind =
  | "cost_ceiling"
  | "token_ceiling"
  | "calls"
  | "loop"
  | "key"
  | "store"
  | "upstream"
  | "in_flight"
  | "too_large";

/** Why the gate refuses a request or cuts a response. */
export interface RefusalReason {
  readonly kind: RefusalKind;
  /** For the user, in one sentence. */
  readonly message: string;
}
