/** How a request reaches the daemon: with `fetch`, or over its Unix socket. */
import { AgentCoreError, errorText } from "@agentcore/contract";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Transport {
  /** Without a slash at its end. */
  readonly base: string;
  /** For messages. */
  readonly place: string;
  readonly fetch: Fetch;
}

/** `http://…`, `https://…`, or `unix:///path/of/the/socket`. Throws `AC_USAGE` for any other URL. */
export function transportFor(url: string, given: Fetch | undefined): Transport {
  if (url.startsWith("unix://")) {
    const path = decoded(url.slice("unix://".length));
    if (path === null || !path.startsWith("/"))
      throw badUrl(url, "a socket needs an absolute path: unix:///run/agentcore.sock");
    return { base: "http://localhost", place: `the socket ${path}`, fetch: given ?? overSocket(path) };
  }
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw badUrl(url, "use http://HOST:PORT, https://HOST or unix:///PATH");
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw new AgentCoreError(
      "AC_USAGE",
      `the URL of the daemon at ${parsed.host} has a user or a password: pass a token instead`,
    );
  }
  const base = url.replace(/\/+$/, "");
  return { base, place: base, fetch: given ?? ((to, init) => fetch(to, init)) };
}

function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

const badUrl = (url: string, why: string): AgentCoreError =>
  new AgentCoreError("AC_USAGE", `${JSON.stringify(url)} is no URL of a daemon: ${why}`);

export const unreachable = (place: string, error: unknown): AgentCoreError => {
  const { cause = error } = error instanceof Error ? error : {};
  return new AgentCoreError(
    "AC_API_UNREACHABLE",
    `the daemon at ${place} does not answer: ${errorText(cause)}`,
    {
      evidence: { place },
      cause: error,
    },
  );
};

/** No connection came about, so that the daemon has nothing of the request. */
const unsent: ReadonlySet<unknown> = new Set(["ECONNREFUSED", "ENOENT", "ENOTFOUND", "EAI_AGAIN", "EACCES"]);

/** The error of a request that changes something: without an answer, it may have had its effect. */
export function unanswered(error: AgentCoreError): AgentCoreError {
  const { cause } = error.cause instanceof Error ? error.cause : {};
  const codes = [error.cause, cause].map((one) => (one as { readonly code?: unknown } | undefined)?.code);
  if (codes.some((code) => unsent.has(code))) return error;
  return new AgentCoreError(
    "AC_API_UNREACHABLE",
    `${error.message}; the request may have taken effect: look before you repeat it`,
    { evidence: error.evidence, cause: error.cause },
  );
}

/** `fetch` cannot open a Unix socket. Loaded when used, because browsers have no such module. */
function overSocket(socketPath: string): Fetch {
  return async (url, { method = "GET", headers, body, signal }) => {
    const [{ request }, { Readable }] = await Promise.all([import("node:http"), import("node:stream")]);
    const { pathname, search } = new URL(url);
    const answer = Promise.withResolvers<Response>();
    const asked = request({
      socketPath,
      method,
      path: `${pathname}${search}`,
      headers: Object.fromEntries(new Headers(headers)),
      ...(signal ? { signal } : {}),
    });
    asked.once("error", answer.reject);
    asked.once("response", (message) => {
      const status = message.statusCode ?? 500;
      const stream = status === 204 ? null : (Readable.toWeb(message) as ReadableStream<Uint8Array>);
      answer.resolve(new Response(stream, { status, headers: headersOf(message.headers) }));
    });
    asked.end(typeof body === "string" ? body : undefined);
    return answer.promise;
  };
}

function headersOf(given: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined) headers.set(name, [value].flat().join(", "));
  }
  return headers;
}
