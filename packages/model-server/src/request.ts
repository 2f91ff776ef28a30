/**
 * A model request as the server recorded it: the three protocols' bodies reduced to the fields that tests ask about.
 * Everything read from a body is untrusted JSON, so the accessors here answer with an empty value where a field is
 * missing or of another type; a client under test must never be able to crash the server.
 */
export type ProtocolName = "anthropic-messages" | "openai-responses" | "openai-chat";

/** A tool that the client offered. `custom` tools (Responses only) take free text instead of JSON. */
export interface OfferedTool {
  readonly name: string;
  readonly type: "function" | "custom";
  /** The names of the input's properties, in the order of its schema. Empty for a custom tool. */
  readonly properties: readonly string[];
}

export interface ModelRequest {
  readonly protocol: ProtocolName;
  /** The key the client authenticated with; empty when there was none. */
  readonly key: string;
  readonly model: string;
  readonly stream: boolean;
  /** The system text, or the developer instructions, in one string. */
  readonly system: string;
  /** The conversation as the client sent it, in the protocol's own form. */
  readonly messages: readonly unknown[];
  readonly tools: readonly OfferedTool[];
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch at which the whole request had been read. */
  readonly receivedAtMs: number;
}

export type Json = Readonly<Record<string, unknown>>;

export function asObject(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The text of a content field, which is a string or a list of parts with a `text` each. */
export function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  return asList(content)
    .map((part) => asText(asObject(part)["text"]))
    .filter((text) => text !== "")
    .join("\n");
}

/** The names of the properties of a JSON Schema of an object. */
export function propertyNames(schema: unknown): readonly string[] {
  return Object.keys(asObject(asObject(schema)["properties"]));
}
