/** A provider on loopback that answers as a test says, and records what it gets. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";

export interface UpstreamRequest {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  readonly message: IncomingMessage;
}

export type UpstreamAnswer = (request: UpstreamRequest, response: ServerResponse) => unknown;

export interface TestUpstream {
  readonly url: string;
  readonly requests: UpstreamRequest[];
  /** For later requests. */
  answer: UpstreamAnswer;
  /** Open connections. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

export async function startUpstream(answer: UpstreamAnswer, tls?: ServerOptions): Promise<TestUpstream> {
  const serve = (message: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = [];
    message.on("error", () => {});
    response.on("error", () => {});
    message.on("data", (part: Buffer) => parts.push(part));
    message.on("end", () => {
      const { method = "", url = "", rawHeaders, headers } = message;
      const request = { method, url, rawHeaders, headers, body: Buffer.concat(parts), message };
      upstream.requests.push(request);
      void upstream.answer(request, response);
    });
  };
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const upstream: TestUpstream = {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    requests: [],
    answer,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
      ),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return upstream;
}

export interface MessageUsage {
  readonly input?: number;
  readonly output?: number;
}

/** The events of a message of Anthropic. Each is one part of the text. */
export function messageEvents(
  texts: readonly string[],
  { input = 100, output = 10 }: MessageUsage = {},
): string[] {
  const event = (type: string, data: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
  return [
    event("message_start", {
      message: {
        id: "msg_1",
        type: "message",
        role: "assistant",
        usage: { input_tokens: input, output_tokens: 1 },
      },
    }),
    event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    ...texts.map((text) => event("content_block_delta", { index: 0, delta: { type: "text_delta", text } })),
    event("content_block_stop", { index: 0 }),
    event("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: output } }),
    event("message_stop", {}),
  ];
}

export const eventStream = { "content-type": "text/event-stream; charset=utf-8" };

/** Answers with a whole event stream. */
export function streams(
  events: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): UpstreamAnswer {
  return (_request, response) => {
    response.writeHead(200, { ...eventStream, ...headers });
    response.end(events.join(""));
  };
}

export function replies(
  status: number,
  body: object | string,
  headers: Readonly<Record<string, string>> = {},
): UpstreamAnswer {
  return (_request, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}
