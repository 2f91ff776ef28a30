/** Serves the API on a Unix socket, a TCP port, or both. */
import type { Clock, Log } from "@agentcore/contract";
import { createAdaptorServer } from "@hono/node-server";
import type { Server } from "node:http";
import { buildApp, type PageHandler } from "./app.ts";
import { listenOnSocket, listenOnTcp } from "./http/listen.ts";
import type { TokenReader } from "./http/tokens.ts";
import type { ApiEnv } from "./operation.ts";
import type { ApiPorts } from "./ports.ts";
import { EventHub, type StreamLimits } from "./stream/event-hub.ts";

export interface ServeApiOptions {
  readonly ports: ApiPorts;
  /** Who may come over TCP. */
  readonly tokens: TokenReader;
  readonly listen: ListenOptions;
  readonly clock: Clock;
  readonly log: Log;
  /** Answers GET requests outside `/v1` and `/metrics`, without a token. It sets its own Content-Security-Policy. */
  readonly page?: PageHandler | undefined;
  readonly limits?: Partial<ApiLimits> | undefined;
}

export interface ListenOptions {
  /** Absolute path. Its file has mode 0600; who may open it needs no token. */
  readonly socket?: string | undefined;
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** 0: any free one. Default: no TCP. */
  readonly port?: number | undefined;
  /** Names by which clients call it, beside those of loopback. */
  readonly hosts?: readonly string[] | undefined;
}

export interface ApiLimits extends StreamLimits {
  /** Of a request's body. Default 1 MiB. */
  readonly bodyBytes: number;
  /** In which a request has to arrive. Default 30 s. */
  readonly requestMs: number;
  /** In which an answer has to begin. Default 2 min. */
  readonly answerMs: number;
  /** Of each server. Default 1024. */
  readonly connections: number;
}

export interface ServedApi {
  /** Null: not served there. */
  readonly socket: string | null;
  readonly url: string | null;
  /** Of the API itself, for metrics. */
  stats(): ApiStats;
  /** Takes no more requests, ends the streams, and resolves once the answers in hand are sent, or after `graceMs`, default 5 s. */
  close(graceMs?: number): Promise<void>;
}

export interface ApiStats {
  /** Clients that follow events. */
  readonly clients: number;
  readonly droppedClients: number;
  readonly refused: Readonly<Record<string, number>>;
}

/** Rejects with `AC_ADDRESS_UNAVAILABLE`. */
export async function serveApi(options: ServeApiOptions): Promise<ServedApi> {
  const { ports, tokens, listen, clock, log, page, limits = {} } = options;
  const { bodyBytes = 1024 * 1024, requestMs = 30_000, answerMs = 120_000, connections = 1024 } = limits;
  const hub = new EventHub({ events: ports.events, clock, log, limits });
  const hosts = new Set([...(listen.hosts ?? [])].map((name) => name.toLowerCase()));
  const { app, refusals } = buildApp({
    ports,
    tokens,
    hosts,
    clock,
    log,
    hub,
    page,
    bodyBytesMax: bodyBytes,
    answerMs,
  });
  const serverFor = (via: ApiEnv["Bindings"]["via"]): Server => {
    const server = createAdaptorServer({
      fetch: (request, env) => app.fetch(request, { ...env, via }),
      serverOptions: {
        requestTimeout: requestMs,
        headersTimeout: Math.min(requestMs, 10_000),
        // Node looks for late requests this often; its default of 30 s would double the time.
        connectionsCheckingInterval: requestMs / 4,
      },
    }) as Server;
    server.maxConnections = connections;
    return server;
  };
  const servers: Server[] = [];
  try {
    const { socket = null, host = "127.0.0.1", port = null } = listen;
    if (socket !== null) servers.push(await listenOnSocket(serverFor("socket"), socket));
    let url: string | null = null;
    if (port !== null) {
      const server = serverFor("tcp");
      url = await listenOnTcp(server, host, port);
      servers.push(server);
    }
    return {
      socket,
      url,
      stats: () => ({ clients: hub.clients, droppedClients: hub.dropped, refused: refusals.byCode }),
      close: (graceMs = 5000) => close(servers, hub, clock, graceMs),
    };
  } catch (error) {
    await close(servers, hub, clock, 0);
    throw error;
  }
}

async function close(
  servers: readonly Server[],
  hub: EventHub,
  clock: Clock,
  graceMs: number,
): Promise<void> {
  // An answer in hand does not keep its connection.
  for (const server of servers) Object.assign(server, { keepAliveTimeout: 1, keepAliveTimeoutBuffer: 0 });
  const closed = servers.map((server) => {
    const over = Promise.withResolvers<void>();
    server.close(() => over.resolve());
    return over.promise;
  });
  hub.close();
  for (const server of servers) server.closeIdleConnections();
  const timer = clock.setTimer(graceMs, () => {
    for (const server of servers) server.closeAllConnections();
  });
  await Promise.all(closed);
  timer.cancel();
}
