/** One request of a worker and the response that it gets. */
import { AgentCoreError } from "@agentcore/contract";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { LocalResponse } from "../protocols/protocol.ts";

const drainedBytesMax = 128 * 1024 * 1024;

export interface WholeResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

export class Exchange {
  readonly request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #gone = new AbortController();
  #isSent = false;
  /** What was written last is a part of an event, so that nothing can follow but the rest of it. */
  isOpenEnded = false;

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

  /**
   * Reads what is left of the request's body, and drops it: a client that is still sending when the connection closes may
   * never see the response. Of a body that is too large, the connection ends all the same.
   */
  async drain(): Promise<void> {
    let bytes = 0;
    try {
      for await (const part of this.request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        bytes += part.length;
        if (bytes > drainedBytesMax) return;
      }
    } catch {
      // The worker is gone; the answer then goes nowhere.
    }
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

  /** The headers go out with what is written next, or with {@link flush}. */
  start(status: number, headers: Readonly<Record<string, string | string[]>>): void {
    for (const [name, value] of Object.entries(headers)) this.#response.setHeader(name, value);
    this.#response.writeHead(status);
  }

  /** Sends the headers that have started, if nothing was sent yet. */
  flush(): void {
    if (this.#isSent || !this.hasStarted) return;
    this.#isSent = true;
    this.#response.flushHeaders();
  }

  /** Resolves when more may be written. Rejects if the worker is gone. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#response.destroyed)
      throw new AgentCoreError("AC_INTERNAL", "the worker has closed the connection");
    this.#isSent = true;
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
