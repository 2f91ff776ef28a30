/** Sends a request to the provider with its credential, and makes the response readable. */
import { onAbort } from "@agentcore/contract";
import { pipeline, type Readable } from "node:stream";
import zlib from "node:zlib";
import type { Dispatcher } from "undici";
import { forwardedHeaders, type CredentialHeader, type ResponseHeaders } from "./headers.ts";
import { upstreamPath } from "./target.ts";
import { type PlainResponse, requestUpstream } from "./upstream-request.ts";

/** Where the requests of one attempt go. */
export interface UpstreamTarget {
  readonly provider: string;
  readonly dispatcher: Dispatcher;
  readonly baseUrl: URL;
  readonly credential: TargetCredential;
}

export interface TargetCredential {
  /** Null: the request's own passes. Rejects with `AC_CREDENTIAL_UNAVAILABLE`. */
  current(): Promise<CredentialHeader | null>;
  /** The provider has refused it. */
  refused(credential: CredentialHeader): void;
}

export interface ForwardedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** The body is as it came, with the `content-encoding` of the headers. */
  readonly isBodyEncoded: boolean;
  /** The gate's key of the request. */
  readonly key: string;
  readonly signal: AbortSignal;
  /** Called when the first byte goes out. From then on the provider may charge for the request. */
  onSent(): void;
}

export interface UpstreamResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Decoded, if the gate knows the encoding. */
  readonly body: Readable;
  /** The body is the one that the provider sent, with its length and encoding. */
  readonly isBodyUnchanged: boolean;
  /** What the request was sent with. */
  readonly credential: CredentialHeader | null;
}

/** Rejects with an error of the connection, or `AC_CREDENTIAL_UNAVAILABLE`. */
export async function forward(target: UpstreamTarget, request: ForwardedRequest): Promise<UpstreamResponse> {
  const credential = await unlessAborted(target.credential.current(), request.signal);
  const response = await send(target, request, credential);
  if (response.status !== 401 || credential === null) return response;
  // The credential may have been replaced meanwhile; a request that was refused has cost nothing.
  target.credential.refused(credential);
  const next = await unlessAborted(target.credential.current(), request.signal).catch(() => null);
  if (next === null || next.value === credential.value) return response;
  response.body.on("error", () => {}).destroy();
  return await send(target, request, next);
}

/** A command that fetches a credential may take long; the end of the request does not wait for it. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const ignore = onAbort(signal, () => aborted.reject(new Error("the request was aborted")));
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    ignore();
  }
}

async function send(
  { dispatcher, baseUrl }: UpstreamTarget,
  request: ForwardedRequest,
  credential: CredentialHeader | null,
): Promise<UpstreamResponse> {
  const { method, path, key, isBodyEncoded, body, signal } = request;
  const headers = forwardedHeaders(request.headers, { key, credential, isBodyEncoded });
  const hasBody = body.length > 0 || method === "POST";
  if (hasBody) headers.push("content-length", String(body.length));
  const response = await requestUpstream(dispatcher, {
    origin: baseUrl.origin,
    path: upstreamPath(baseUrl.pathname, path),
    method,
    headers,
    body: hasBody ? body : null,
    signal,
    onSent: () => request.onSent(),
  });
  return { ...response, ...readable(response), credential };
}

type Decode = () => NodeJS.ReadWriteStream;

/** An older Node has no zstd. */
const zstd = (zlib as Partial<typeof zlib>).createZstdDecompress;
const decoders: Readonly<Record<string, Decode | undefined>> = {
  gzip: zlib.createGunzip,
  "x-gzip": zlib.createGunzip,
  deflate: zlib.createInflate,
  br: zlib.createBrotliDecompress,
  ...(zstd === undefined ? {} : { zstd }),
};

/** Providers compress even if they are asked not to. */
function readable({ headers, body }: PlainResponse): Pick<UpstreamResponse, "body" | "isBodyUnchanged"> {
  const encoding = [headers["content-encoding"] ?? []].flat().join(",").trim().toLowerCase();
  const decoder = decoders[encoding];
  if (decoder === undefined) return { body, isBodyUnchanged: true };
  const decoded = decoder() as unknown as Readable & NodeJS.WritableStream;
  // An error of either ends both, and the reader of the second sees it.
  pipeline(body, decoded, () => {});
  return { body: decoded, isBodyUnchanged: false };
}
