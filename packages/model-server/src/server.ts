/**
 * The scripted model server: an HTTP server on 127.0.0.1 that answers the three model protocols from scripts and
 * records what it was asked. It never opens a connection of its own. `close()` ends hanging and dripping answers too.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { anthropicMessages } from "./anthropic-messages.ts";
import { openaiChat } from "./openai-chat.ts";
import { openaiResponses } from "./openai-responses.ts";
import type { Protocol } from "./protocol.ts";
import type { Json, ModelRequest } from "./request.ts";
import { respond, sendJson } from "./respond.ts";
import { ScriptedRun, type Run } from "./run.ts";
import type { Script } from "./script.ts";

const maxBodyBytes = 64 * 1024 * 1024;
const maxStrayRequests = 1000;

export interface ModelServerOptions {
  /** The script for every key that has no run of its own. Without it such a key is answered 401. */
  readonly script?: Script;
  /** Requests answered per run before the rest is refused with 400. Default 500. */
  readonly maxRequests?: number;
  /** Default 0: a free port. The address is always 127.0.0.1. */
  readonly port?: number;
  /** Milliseconds since the epoch, for the recorded requests. Default `Date.now`. */
  readonly now?: () => number;
  /** Called with each model request before it is answered. */
  readonly onRequest?: (request: ModelRequest) => void;
  /** Called before the first byte of an answer of text or a tool call, and in the middle of it; what it returns is waited for. */
  readonly hold?: (request: ModelRequest, at: "start" | "middle") => Promise<void> | void;
}

export interface RunOptions {
  /** The key that the run's client sends, as `x-api-key` or as a bearer token. */
  readonly key: string;
  readonly script: Script;
  /** Default: the server's. */
  readonly maxRequests?: number;
}

export interface ModelServer {
  /** `http://127.0.0.1:PORT`, without `/v1`. */
  readonly url: string;
  readonly port: number;
  /** The requests of all keys in the order of arrival. */
  readonly requests: readonly ModelRequest[];
  /** `METHOD /path` of everything asked for that is no model request, at most 1,000. */
  readonly strayRequests: readonly string[];
  /** Gives a key a script of its own. A key that has one already starts over. */
  run(options: RunOptions): Run;
  close(): Promise<void>;
}

const protocols: readonly Protocol[] = [anthropicMessages, openaiResponses, openaiChat];

/** Starts a model server. Close it, else the process does not end. */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const server = new ScriptedServer(options);
  await server.listen(options.port ?? 0);
  return server;
}

class ScriptedServer implements ModelServer {
  port = 0;
  readonly requests: ModelRequest[] = [];
  readonly strayRequests: string[] = [];
  readonly #runs = new Map<string, ScriptedRun>();
  readonly #options: ModelServerOptions;
  readonly #server: Server;
  readonly #closing = new AbortController();
  readonly #maxRequests: number;
  #replies = 0;

  constructor(options: ModelServerOptions) {
    this.#options = options;
    this.#maxRequests = options.maxRequests ?? 500;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        // A client that went away, or a script function that threw: end this exchange only.
        response.destroy(error instanceof Error ? error : undefined);
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", resolve);
    });
    this.port = (this.#server.address() as AddressInfo).port;
  }

  run(options: RunOptions): ScriptedRun {
    const run = new ScriptedRun(options.key, options.script, options.maxRequests ?? this.#maxRequests);
    this.#runs.set(options.key, run);
    return run;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  #runOf(key: string): ScriptedRun | undefined {
    const known = this.#runs.get(key);
    if (known !== undefined || this.#options.script === undefined) return known;
    return this.run({ key, script: this.#options.script });
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(incoming.url ?? "/", "http://127.0.0.1").pathname;
    const protocol = incoming.method === "POST" ? protocols.find((each) => each.path === path) : undefined;
    if (protocol === undefined) {
      if (this.strayRequests.length < maxStrayRequests) this.strayRequests.push(`${incoming.method} ${path}`);
      sendJson(response, 404, {
        error: { type: "not_found_error", message: `no ${incoming.method} ${path} here` },
      });
      return;
    }
    const body = await readJson(incoming);
    if (body === undefined) {
      sendJson(response, 400, protocol.errorBody(400, "the request body is too long or is no JSON object"));
      return;
    }
    const request = this.#modelRequest(protocol, incoming, body);
    const run = this.#runOf(request.key);
    if (run === undefined) {
      sendJson(response, 401, protocol.errorBody(401, "no script is served for this key"));
      return;
    }
    // Bounded as the runs are: what a run refuses is not kept here either.
    if (run.requests.length < this.#maxRequests) this.requests.push(request);
    this.#options.onRequest?.(request);
    this.#replies += 1;
    const { hold = () => {} } = this.#options;
    const { signal } = this.#closing;
    const exchange = { protocol, request, response, id: String(this.#replies), signal, hold };
    await respond(exchange, run.answer(request));
  }

  #modelRequest(protocol: Protocol, incoming: IncomingMessage, body: Json): ModelRequest {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
    return {
      protocol: protocol.name,
      key: headers["x-api-key"] ?? headers["authorization"]?.replace(/^Bearer\s+/i, "") ?? "",
      ...protocol.parse(body),
      headers,
      receivedAtMs: (this.#options.now ?? Date.now)(),
    };
  }
}

/** The body as a JSON object; undefined when it is longer than 64 MiB or anything else. */
async function readJson(incoming: IncomingMessage): Promise<Json | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
