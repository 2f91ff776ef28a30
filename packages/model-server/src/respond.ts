/**
 * Performs one answer on an open HTTP response: writes the reply in the request's protocol, or misbehaves the way the
 * turn says. A hanging response stays open until its client or the server closes it; nothing here waits for it.
 */
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Protocol, Reply } from "./protocol.ts";
import type { ModelRequest } from "./request.ts";
import type { Answer } from "./run.ts";
import type { Turn, Usage } from "./script.ts";
import { mapToolCall } from "./tool-names.ts";

const defaultUsage: Usage = { inputTokens: 100, cachedInputTokens: 0, outputTokens: 10 };
/** Where a stream that is cut, or that hangs, stops. */
const partialText = "This answer is never finished, because the script stops it half way.";

/** One request to answer: where it came from, where the answer goes, and an id for its parts. */
export interface Exchange {
  readonly protocol: Protocol;
  readonly request: ModelRequest;
  readonly response: ServerResponse;
  readonly id: string;
  /** Aborted when the server closes: a dripping answer ends with it. */
  readonly signal: AbortSignal;
  /** Waits before the first byte of a reply, and in the middle of it. */
  readonly hold: (request: ModelRequest, at: "start" | "middle") => Promise<void> | void;
}

export async function respond(exchange: Exchange, answer: Answer): Promise<void> {
  switch (answer.type) {
    case "title":
      return sendReply(exchange, textReply(exchange, ["A scripted session"], defaultUsage));
    case "refused":
      return sendError(exchange, 400, `model server: ${answer.message}`);
    case "turn":
      return performTurn(exchange, answer.turn);
  }
}

function performTurn(exchange: Exchange, turn: Turn): Promise<void> | void {
  if ("status" in turn) return sendStatus(exchange, turn);
  if ("hang" in turn) return turn.hang === "mid-stream" ? writePart(exchange) : undefined;
  if ("garbage" in turn) return sendGarbage(exchange.response, turn.garbage);
  if ("cut" in turn) return writePart(exchange, () => exchange.response.destroy());
  const usage = { ...defaultUsage, ...turn.usage };
  if ("toolCall" in turn) {
    const toolCall = mapToolCall(turn.toolCall, exchange.request);
    return sendReply(exchange, { ...textReply(exchange, textChunks(turn.text), usage), toolCall });
  }
  const chunks = textChunks(turn.text, turn.drip === undefined ? 1 : (turn.drip.chunks ?? 8));
  return sendReply(exchange, textReply(exchange, chunks, usage), turn.drip?.chunkMs ?? 0);
}

function textReply(exchange: Exchange, chunks: readonly string[], usage: Usage): Reply {
  return { id: exchange.id, model: exchange.request.model, textChunks: chunks, toolCall: undefined, usage };
}

/** The text in `count` pieces of about the same length, fewer when the text is shorter than that. */
function textChunks(text: string | undefined, count = 1): readonly string[] {
  if (text === undefined || text === "") return [];
  const size = Math.max(1, Math.ceil(text.length / count));
  const chunks: string[] = [];
  for (let start = 0; start < text.length; start += size) chunks.push(text.slice(start, start + size));
  return chunks;
}

async function sendReply(exchange: Exchange, reply: Reply, chunkMs = 0): Promise<void> {
  const { protocol, request, response, signal, hold } = exchange;
  await hold(request, "start");
  if (!request.stream) {
    if (chunkMs > 0) await pause(chunkMs * reply.textChunks.length, signal);
    sendJson(response, 200, protocol.body(reply));
    return;
  }
  startStream(response);
  const frames = protocol.frames(reply);
  for (const [index, frame] of frames.entries()) {
    if (index === Math.ceil(frames.length / 2)) await hold(request, "middle");
    if (response.destroyed || signal.aborted) return;
    response.write(frame);
    if (chunkMs > 0) await pause(chunkMs, signal);
  }
  response.end();
}

/** The first half of an answer; then whatever `then` does, or silence. */
function writePart(exchange: Exchange, then: () => void = () => {}): void {
  const frames = exchange.protocol.frames(textReply(exchange, textChunks(partialText, 4), defaultUsage));
  startStream(exchange.response);
  exchange.response.write(frames.slice(0, Math.ceil(frames.length / 2)).join(""), () => {
    then();
  });
}

function sendStatus(exchange: Exchange, turn: Extract<Turn, { status: number }>): void {
  const { response, protocol } = exchange;
  if (turn.retryAfterSeconds !== undefined) response.setHeader("retry-after", String(turn.retryAfterSeconds));
  sendJson(response, turn.status, turn.body ?? protocol.errorBody(turn.status, errorWords(turn.status)));
}

/** What providers say with the statuses that matter; some clients pass on the words and not the status. */
const wordsByStatus: Readonly<Record<number, string>> = {
  401: "Invalid API key",
  402: "Payment required",
  403: "Forbidden",
  404: "Model not found",
  429: "Rate limit exceeded",
  500: "Internal server error",
  503: "Service unavailable",
  529: "Overloaded",
};

function errorWords(status: number): string {
  return `${wordsByStatus[status] ?? "An error"} (scripted status ${status})`;
}

function sendError(exchange: Exchange, status: number, message: string): void {
  sendJson(exchange.response, status, exchange.protocol.errorBody(status, message));
}

function sendGarbage(response: ServerResponse, kind: "body" | "sse"): void {
  if (kind === "body") {
    response.writeHead(200, { "content-type": "application/json" });
    response.end("<html>this is no answer of a model</html>");
    return;
  }
  startStream(response);
  response.end("event: nonsense\ndata: {this is no JSON\n\ndata: [1, 2\n\n");
}

function startStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.flushHeaders();
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch((error: unknown) => {
    // The server is closing: the caller sees the signal and stops writing.
    if (!signal.aborted) throw error;
  });
}
