/** Reads a response that a test has written. */
import type { ProviderProtocol } from "@agentcore/contract";
import { type CallRequest, protocols } from "../protocols/index.ts";

export type Json = Readonly<Record<string, unknown>>;

/** Reads a stream of these events; their type names them, where there is one. */
export function readStream(protocol: ProviderProtocol, events: readonly (Json | "[DONE]")[], asked?: Json) {
  const frames = events.map((event) =>
    event === "[DONE]"
      ? "data: [DONE]\n\n"
      : `${typeof event["type"] === "string" ? `event: ${event["type"]}\n` : ""}data: ${JSON.stringify(event)}\n\n`,
  );
  return readWith(protocol, frames.join(""), "text/event-stream", asked);
}

/** Reads a response that is one document. */
export function readDocument(protocol: ProviderProtocol, body: Json) {
  return readWith(protocol, JSON.stringify(body), "application/json");
}

function readWith(protocol: ProviderProtocol, body: string, contentType: string, asked?: Json) {
  const meter = protocols[protocol].meter(
    contentType,
    asked === undefined ? undefined : requestOf(protocol, asked),
  );
  meter.push(Buffer.from(body));
  return {
    usage: meter.usage(),
    visible: meter.visibleOutputBytes(),
    isComplete: meter.isComplete(),
    fault: meter.fault(),
  };
}

function requestOf(protocol: ProviderProtocol, body: Json): CallRequest {
  const request = protocols[protocol].readRequest(Buffer.from(JSON.stringify(body)));
  if (request === null) throw new Error("The request of a test must be readable.");
  return request;
}
