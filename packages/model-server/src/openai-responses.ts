/**
 * OpenAI Responses (`POST /v1/responses`), as Codex speaks it. Here `input_tokens` counts the cached tokens too,
 * so the usage of a script, which keeps the two apart, is added up.
 */
import { sseEvent, type MappedToolCall, type Protocol, type Reply } from "./protocol.ts";
import {
  asList,
  asObject,
  asText,
  contentText,
  propertyNames,
  type Json,
  type OfferedTool,
} from "./request.ts";

function offeredTool(tool: Json): OfferedTool | undefined {
  switch (tool["type"]) {
    case "function":
      return { name: asText(tool["name"]), type: "function", properties: propertyNames(tool["parameters"]) };
    case "custom":
      return { name: asText(tool["name"]), type: "custom", properties: [] };
    default:
      // Hosted tools (web search and the like) are run by the provider: a script cannot call them.
      return undefined;
  }
}

function messageItem(reply: Reply): Json {
  return {
    type: "message",
    id: `msg_${reply.id}`,
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: reply.textChunks.join(""), annotations: [] }],
  };
}

function toolCallItem(reply: Reply, call: MappedToolCall): Json {
  const common = { id: `fc_${reply.id}`, call_id: `call_${reply.id}`, name: call.name, status: "completed" };
  return call.type === "custom"
    ? { type: "custom_tool_call", ...common, input: call.input }
    : { type: "function_call", ...common, arguments: JSON.stringify(call.input) };
}

function outputItems(reply: Reply): readonly Json[] {
  const items: Json[] = [];
  if (reply.textChunks.length > 0) items.push(messageItem(reply));
  if (reply.toolCall !== undefined) items.push(toolCallItem(reply, reply.toolCall));
  return items;
}

function response(reply: Reply, status: "in_progress" | "completed"): Json {
  const { inputTokens, cachedInputTokens, outputTokens } = reply.usage;
  const done = status === "completed";
  return {
    id: `resp_${reply.id}`,
    object: "response",
    model: reply.model,
    status,
    output: done ? outputItems(reply) : [],
    usage: done
      ? {
          input_tokens: inputTokens + cachedInputTokens,
          input_tokens_details: { cached_tokens: cachedInputTokens },
          output_tokens: outputTokens,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: inputTokens + cachedInputTokens + outputTokens,
        }
      : null,
  };
}

function itemEvents(item: Json, outputIndex: number, reply: Reply): readonly Json[] {
  const deltas =
    item["type"] === "message"
      ? reply.textChunks.map((delta) => ({
          type: "response.output_text.delta",
          item_id: item["id"],
          output_index: outputIndex,
          content_index: 0,
          delta,
        }))
      : [];
  const started = item["type"] === "message" ? { ...item, status: "in_progress", content: [] } : item;
  return [
    { type: "response.output_item.added", output_index: outputIndex, item: started },
    ...deltas,
    { type: "response.output_item.done", output_index: outputIndex, item },
  ];
}

/** The instructions and the developer messages: both carry what a user would call the system prompt. */
function systemText(body: Json): string {
  const developer = asList(body["input"])
    .map((item) => asObject(item))
    .filter((item) => item["role"] === "developer" || item["role"] === "system")
    .map((item) => contentText(item["content"]));
  return [asText(body["instructions"]), ...developer].filter((text) => text !== "").join("\n");
}

export const openaiResponses: Protocol = {
  name: "openai-responses",
  path: "/v1/responses",

  parse(body) {
    return {
      model: asText(body["model"]),
      stream: body["stream"] === true,
      system: systemText(body),
      messages: asList(body["input"]),
      tools: asList(body["tools"])
        .map((tool) => offeredTool(asObject(tool)))
        .filter((tool) => tool !== undefined),
    };
  },

  frames(reply) {
    const events: Json[] = [{ type: "response.created", response: response(reply, "in_progress") }];
    for (const [index, item] of outputItems(reply).entries()) events.push(...itemEvents(item, index, reply));
    events.push({ type: "response.completed", response: response(reply, "completed") });
    return events.map((event, sequence) =>
      sseEvent({ ...event, sequence_number: sequence }, asText(event["type"])),
    );
  },

  body(reply) {
    return response(reply, "completed");
  },

  errorBody(status, text) {
    return {
      error: { message: text, type: status < 500 ? "invalid_request_error" : "server_error", code: null },
    };
  },
};
