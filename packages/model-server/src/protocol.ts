/**
 * What a wire protocol has to do here: read a request, and write an answer as a stream, as one body, or as an error.
 * An implementation is a plain object without state. The server chooses it by the path of the request.
 */
import type { Json, ModelRequest, ProtocolName } from "./request.ts";
import type { Usage } from "./script.ts";

/** A call of a tool under the client's own name for it. */
export type MappedToolCall =
  | { readonly type: "function"; readonly name: string; readonly input: Json }
  | { readonly type: "custom"; readonly name: string; readonly input: string };

/** What the model says in one answer, before it is written in a protocol. */
export interface Reply {
  /** Unique in the server; ids of the answer's parts are made from it. */
  readonly id: string;
  readonly model: string;
  /** The text, in the pieces in which it is streamed. Empty when the answer has no text. */
  readonly textChunks: readonly string[];
  readonly toolCall: MappedToolCall | undefined;
  readonly usage: Usage;
}

export interface Protocol {
  readonly name: ProtocolName;
  readonly path: string;
  parse(body: Json): Pick<ModelRequest, "model" | "stream" | "system" | "messages" | "tools">;
  /** The frames of the event stream, each a complete server-sent event. */
  frames(reply: Reply): readonly string[];
  /** The answer to a request that did not ask for a stream. */
  body(reply: Reply): unknown;
  errorBody(status: number, message: string): unknown;
}

/** One server-sent event. Without a name it has only the `data` line, which is how Chat Completions does it. */
export function sseEvent(data: unknown, name?: string): string {
  const line = `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
  return name === undefined ? line : `event: ${name}\n${line}`;
}
