/** One request of a worker and the response that it gets. */
import { AgentCoreError } from "@agentcore/contract";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { LocalResponse } from "../protocols/protocol.ts";

export interface WholeResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

export class Exchange {
  readonly request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #gone = new AbortController();

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.#response = response;
    response.on("close", () => {
      if (!response.writableFinished) this.#gone.abort();
    });
    // Reported by "close" as well.
    response.on("error", () => {});
    request.on("error", () => {});
  }

  /** Aborts when the worker closes the connection before it has the whole response. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get hasStarted(): boolean {
    return this.#response.headersSent;
  }

  /** Sends a whole response. The connection ends with it if the body of the request was not read. */
  answer({ status, headers, body }: LocalResponse): void {
    const rest = this.request.complete ? {} : { connection: "close" };
    this.#response.writeHead(status, { ...headers, ...rest, "content-length": Buffer.byteLength(body) });
    this.#response.end(this.request.method === "HEAD" ? undefined : body);
  }

  /** Whether the response that has started is an event stream. */
  get isStream(): boolean {
    return isEventStream([this.#response.getHeader("content-type") ?? []].flat().join());
  }

  /** Sends the headers. */
  start(status: number, headers: Readonly<Record<string, string | string[]>>): void {
    for (const [name, value] of Object.entries(headers)) this.#response.setHeader(name, value);
    this.#response.writeHead(status);
    this.#response.flushHeaders();
  }

  /** Resolves when more may be written. Rejects if the worker is gone. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#response.destroyed)
      throw new AgentCoreError("AC_INTERNAL", "the worker has closed the connection");
    if (this.#response.write(chunk)) return;
    await once(this.#response, "drain", { signal: this.#gone.signal });
  }

  /** Sends a response whose body is known. */
  async send({ status, headers, body }: WholeResponse): Promise<void> {
    this.start(status, { ...headers, "content-length": String(body.length) });
    if (this.request.method !== "HEAD" && body.length > 0) await this.write(body);
    this.end();
  }

  end(): void {
    this.#response.end();
  }

  /** Closes the connection, so that the worker sees that the response is not whole. */
  break(): void {
    this.#response.destroy();
  }
}

export function isEventStream(contentType: string): boolean {
  return /^text\/event-stream\b/i.test(contentType);
}
