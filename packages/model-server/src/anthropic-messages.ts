/** Anthropic Messages (`POST /v1/messages`, with any query), as Claude Code speaks it. */
import { sseEvent, type Protocol, type Reply } from "./protocol.ts";
import {
  asList,
  asObject,
  asText,
  contentText,
  propertyNames,
  type Json,
  type OfferedTool,
} from "./request.ts";

const errorTypes: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  529: "overloaded_error",
};

function offeredTool(tool: Json): OfferedTool {
  return { name: asText(tool["name"]), type: "function", properties: propertyNames(tool["input_schema"]) };
}

function contentBlocks(reply: Reply): readonly Json[] {
  const blocks: Json[] = [];
  if (reply.textChunks.length > 0) blocks.push({ type: "text", text: reply.textChunks.join("") });
  if (reply.toolCall !== undefined) {
    blocks.push({
      type: "tool_use",
      id: `toolu_${reply.id}`,
      name: reply.toolCall.name,
      input: reply.toolCall.type === "function" ? reply.toolCall.input : { input: reply.toolCall.input },
    });
  }
  return blocks;
}

function message(
  reply: Reply,
  content: readonly Json[],
  stopReason: string | null,
  outputTokens: number,
): Json {
  return {
    id: `msg_${reply.id}`,
    type: "message",
    role: "assistant",
    model: reply.model,
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    usage: {
      input_tokens: reply.usage.inputTokens,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: reply.usage.cachedInputTokens,
      output_tokens: outputTokens,
    },
  };
}

/** The events of one content block: an empty start, the deltas, the stop. */
function blockEvents(block: Json, index: number, reply: Reply): readonly Json[] {
  const isText = block["type"] === "text";
  const start = isText ? { type: "text", text: "" } : { ...block, input: {} };
  const deltas = isText
    ? reply.textChunks.map((text) => ({ type: "text_delta", text }))
    : [{ type: "input_json_delta", partial_json: JSON.stringify(block["input"]) }];
  return [
    { type: "content_block_start", index, content_block: start },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}

function stopReason(reply: Reply): string {
  return reply.toolCall === undefined ? "end_turn" : "tool_use";
}

export const anthropicMessages: Protocol = {
  name: "anthropic-messages",
  path: "/v1/messages",

  parse(body) {
    return {
      model: asText(body["model"]),
      stream: body["stream"] === true,
      system: contentText(body["system"]),
      messages: asList(body["messages"]),
      tools: asList(body["tools"]).map((tool) => offeredTool(asObject(tool))),
    };
  },

  frames(reply) {
    const events: Json[] = [{ type: "message_start", message: message(reply, [], null, 1) }];
    for (const [index, block] of contentBlocks(reply).entries())
      events.push(...blockEvents(block, index, reply));
    events.push({
      type: "message_delta",
      delta: { stop_reason: stopReason(reply), stop_sequence: null },
      usage: { output_tokens: reply.usage.outputTokens },
    });
    events.push({ type: "message_stop" });
    return events.map((event) => sseEvent(event, asText(event["type"])));
  },

  body(reply) {
    return message(reply, contentBlocks(reply), stopReason(reply), reply.usage.outputTokens);
  },

  errorBody(status, text) {
    return { type: "error", error: { type: errorTypes[status] ?? "api_error", message: text } };
  },
};
