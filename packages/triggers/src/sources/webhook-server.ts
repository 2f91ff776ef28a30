/**
 * The sources of `type: webhook`: one HTTP server for each address, for all sources on it. An event is durable before its sender
 * gets 202; a sender that gets anything else but 200 should try again later or correct its request.
 *
 * The key of a delivery is its `X-GitHub-Delivery`, or the SHA-256 of its body. With a secret, only signed deliveries reach the
 * store, so that a captured delivery which is sent again is a duplicate. The signature covers the body alone: those who can read a
 * delivery on its way can send its body with another `X-GitHub-Delivery`. Put a server with TLS before a daemon that listens
 * beyond loopback.
 *
 * `X-AgentCore-Chain` carries the runs that led to the delivery. It is believed in signed requests, and where no secret is set;
 * it is not covered by the signature either.
 */
import { AgentCoreError, errorCode, errorText, type Clock, type Log } from "@agentcore/contract";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { WebhookSource } from "../definition.ts";
import type { Source, SourceCount, SourceHost } from "../source.ts";
import { SourceTally } from "./source-tally.ts";
import { BodyReader, busy, closing, type BodyLimits } from "./webhook-body.ts";
import { deliveryOf, headerRefusal, refusal, type Refusal } from "./webhook-request.ts";

export interface WebhookLimits extends BodyLimits {
  readonly headersTimeoutMs: number;
  /** Of one server. Connections above it are closed at once. */
  readonly connectionsMax: number;
  /** Deliveries of one server that are being read or stored. */
  readonly deliveriesInHandMax: number;
  /** How long the rest of a refused request is read and dropped, so that its sender can read the answer. */
  readonly lingerMs: number;
  /** How much of the rest is read and dropped; then its sender has to wait. */
  readonly droppedBytesMax: number;
}

export const webhookLimits: WebhookLimits = {
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  connectionsMax: 1024,
  deliveriesInHandMax: 1024,
  bytesInHandMax: 32 * 1024 * 1024,
  lingerMs: 1000,
  droppedBytesMax: 4 * 1024 * 1024,
};

export interface WebhookServersOptions {
  /** By id. */
  readonly sources: ReadonlyMap<string, WebhookSource>;
  readonly host: SourceHost;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: {@link webhookLimits}. */
  readonly limits?: Partial<WebhookLimits>;
}

/** All webhook sources of a daemon. */
export class WebhookServers implements Source {
  readonly #servers: readonly WebhookServer[];
  readonly #tally: SourceTally;

  constructor({ sources, limits = {}, ...options }: WebhookServersOptions) {
    this.#tally = new SourceTally(options);
    const byAddress = Map.groupBy(sources, ([, { host, port }]) => JSON.stringify([host, port]));
    this.#servers = [...byAddress.values()].map(
      (routes) =>
        new WebhookServer({
          ...options,
          sources: new Map(routes),
          limits: { ...webhookLimits, ...limits },
          tally: this.#tally,
        }),
    );
  }

  /** Rejects with `AC_ADDRESS_UNAVAILABLE` if a port is in use or not allowed; then no server listens. */
  async start(): Promise<void> {
    try {
      for (const server of this.#servers) await server.start();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Deliveries whose body has not arrived yet get 503. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  counts(): readonly SourceCount[] {
    return this.#tally.counts();
  }

  /** Port of a source after `start`, for sources with port 0; undefined: there is no such source. */
  portOf(source: string): number | undefined {
    return this.#servers.find((server) => server.has(source))?.port;
  }
}

interface ServerOptions extends WebhookServersOptions {
  readonly limits: WebhookLimits;
  readonly tally: SourceTally;
}

interface Route {
  readonly id: string;
  readonly source: WebhookSource;
}

class WebhookServer {
  readonly #options: ServerOptions;
  readonly #address: Pick<WebhookSource, "host" | "port">;
  /** By path, then by method. */
  readonly #routes = new Map<string, Map<string, Route>>();
  readonly #server: Server;
  readonly #bodies: BodyReader;
  readonly #inHand = new Set<Promise<unknown>>();
  /** Requests of a connection that are not answered yet. */
  readonly #open = new WeakMap<Socket, Set<IncomingMessage>>();
  #isClosed = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { limits, clock, sources } = options;
    this.#address = [...sources.values()][0] ?? { host: "127.0.0.1", port: 0 };
    for (const [id, source] of sources) this.#addRoute({ id, source });
    this.#bodies = new BodyReader(limits, clock);
    this.#server = createServer({
      headersTimeout: limits.headersTimeoutMs,
      // The body has its own time limit.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.max(10, limits.headersTimeoutMs / 10),
      maxHeaderSize: 16 * 1024,
    });
    this.#server.maxConnections = limits.connectionsMax;
    const take = (request: IncomingMessage, response: ServerResponse): void => this.#take(request, response);
    this.#server.on("request", take).on("checkContinue", take);
    this.#server.on("clientError", (error, socket) => this.#refuseConnection(error, socket as Socket));
    this.#server.on("drop", () => {
      this.#options.tally.refuse(null, "connections", "A connection was closed: too many are open.");
    });
  }

  has(source: string): boolean {
    return this.#options.sources.has(source);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? this.#address.port;
  }

  async start(): Promise<void> {
    const { host, port } = this.#address;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject).listen({ host, port }, resolve);
    try {
      await promise;
    } catch (error) {
      throw addressError(host, port, [...this.#options.sources.keys()], error);
    }
    this.#server.off("error", reject).on("error", (error) => {
      this.#options.tally.refuse(null, "server", "The webhook server failed to take a connection.", {
        reason: errorText(error),
      });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#bodies.close();
    await Promise.allSettled(this.#inHand);
    this.#server.closeAllConnections();
    await promise;
  }

  #addRoute(route: Route): void {
    const { path, method } = route.source;
    const methods = this.#routes.get(path) ?? new Map<string, Route>();
    const other = methods.get(method);
    if (other !== undefined)
      throw new AgentCoreError(
        "AC_DAEMON_FILE",
        `The webhooks ${JSON.stringify(other.id)} and ${JSON.stringify(route.id)} have the same port, path and method. Give one of them another path.`,
      );
    this.#routes.set(path, methods.set(method, route));
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const open = this.#open.get(request.socket) ?? new Set();
    this.#open.set(request.socket, open.add(request));
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    response.on("error", () => {});
    // After the last byte, or after the connection is gone.
    response.on("close", () => {
      open.delete(request);
      resolve();
    });
    const handled = this.#handle(request, response).catch((error: unknown) => {
      this.#options.tally.refuse(null, "internal", "A delivery failed.", { reason: errorText(error) });
      request.socket.destroy();
    });
    const inHand: Promise<unknown> = Promise.all([handled, closed]).then(() => this.#inHand.delete(inHand));
    this.#inHand.add(inHand);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = "", query = ""] = splitOnce(request.url ?? "", "?");
    const route = this.#routeOf(request.method ?? "", path);
    if (!("id" in route)) return this.#refuse(null, route, request, response);
    const { id, source } = route;
    const early = this.#isClosed
      ? closing
      : this.#inHand.size >= this.#options.limits.deliveriesInHandMax
        ? busy
        : headerRefusal(source, request.headers);
    if (early !== null) return this.#refuse(id, early, request, response);
    if (request.headers.expect !== undefined) response.writeContinue();
    const body = await this.#bodies.read(request);
    if (body === "gone") return this.#options.tally.count(id, "gone");
    if ("refusal" in body) return this.#refuse(id, body.refusal, request, response);
    try {
      const delivery = deliveryOf(id, source, { path, query, headers: request.headers, body: body.bytes });
      if ("refusal" in delivery) return this.#refuse(id, delivery.refusal, request, response);
      const acceptance = await this.#options.host.accept(delivery.event);
      this.#options.tally.count(id, acceptance);
      this.#answer(response, acceptance === "accepted" ? 202 : 200, { status: acceptance });
    } catch (error) {
      this.#refuse(id, notKept, request, response, { reason: errorText(error) });
    } finally {
      this.#bodies.release(body.bytes);
    }
  }

  #routeOf(method: string, path: string): Route | Refusal {
    const methods = this.#routes.get(path);
    if (methods === undefined) return refusal(404, "unknown_path", "No webhook has this path.");
    return (
      methods.get(method) ?? {
        ...refusal(405, "wrong_method", "The webhook does not take this method."),
        headers: { Allow: [...methods.keys()].join(", ") },
      }
    );
  }

  /** Without reading a body to its end: the rest is dropped for a moment, then the connection is closed. */
  #refuse(
    source: string | null,
    why: Refusal,
    request: IncomingMessage,
    response: ServerResponse,
    fields: Readonly<Record<string, string>> = {},
  ): void {
    const { clock, limits, tally } = this.#options;
    tally.refuse(source, why.kind, `A webhook delivery was refused: ${why.message}`, {
      ...fields,
      method: request.method ?? "",
      // A query may hold a token.
      path: splitOnce(request.url ?? "", "?")[0] ?? "",
      sender: request.socket.remoteAddress ?? "",
    });
    for (const [name, value] of Object.entries(why.headers ?? {})) response.setHeader(name, value);
    const answer = { status: "refused", code: why.kind, message: why.message };
    if (request.complete) return this.#answer(response, why.status, answer);
    response.setHeader("Connection", "close");
    // The connection is closed with the end of the response. Closed at once, its sender might never see the answer.
    this.#answer(response, why.status, answer, false);
    const timer = clock.setTimer(limits.lingerMs, () => request.socket.destroy());
    const end = (): void => {
      timer.cancel();
      response.end();
    };
    request
      .on("error", () => {})
      .once("end", end)
      .once("close", end);
    let dropped = 0;
    request.on("data", (part: Buffer) => {
      dropped += part.length;
      if (dropped > limits.droppedBytesMax) request.pause();
    });
  }

  #answer(
    response: ServerResponse,
    status: number,
    body: Readonly<Record<string, string>>,
    isEnd = true,
  ): void {
    if (this.#isClosed) response.setHeader("Connection", "close");
    const text = `${JSON.stringify(body)}\n`;
    response.writeHead(status, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(text),
    });
    if (isEnd) response.end(text);
    else response.write(text);
  }

  /** A request that is not HTTP, or whose headers are too large or too slow. */
  #refuseConnection(error: Error, socket: Socket): void {
    const [status, kind] = connectionRefusals[errorCode(error) ?? ""] ?? ["400 Bad Request", "malformed"];
    if (errorCode(error) !== "ECONNRESET")
      this.#options.tally.refuse(null, kind, "A connection to the webhooks was refused.", {
        sender: socket.remoteAddress ?? "",
      });
    // An answer among those of earlier requests would be taken for one of theirs.
    const isFirst = (this.#open.get(socket)?.size ?? 0) === 0;
    if (socket.writable && isFirst)
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.destroySoon();
  }
}

const notKept: Refusal = {
  ...refusal(503, "not_kept", "The delivery could not be stored. Try again."),
  headers: { "Retry-After": "5" },
};

const connectionRefusals: Readonly<Record<string, readonly [status: string, kind: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "slow_headers"],
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "large_headers"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ["413 Content Too Large", "large_chunk_extensions"],
};

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function addressError(
  host: string,
  port: number,
  sources: readonly string[],
  error: unknown,
): AgentCoreError {
  const causes: Readonly<Record<string, string>> = {
    EADDRINUSE: "another process uses the port",
    EACCES: "this user may not use the port",
    EADDRNOTAVAIL: "the machine does not have this address",
  };
  const why = causes[errorCode(error) ?? ""] ?? errorText(error);
  const names = sources.map((id) => JSON.stringify(id)).join(", ");
  return new AgentCoreError(
    "AC_ADDRESS_UNAVAILABLE",
    `Cannot listen on ${host}:${port} for the webhooks ${names}: ${why}. Set another \`port\` or \`host\`, or end that process.`,
    { cause: error, evidence: { host, port } },
  );
}
