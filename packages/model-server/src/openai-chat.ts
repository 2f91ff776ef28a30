/**
 * OpenAI Chat Completions (`POST /v1/chat/completions`), as OpenCode speaks it through its OpenAI-compatible provider.
 * `prompt_tokens` counts the cached tokens too, so the usage of a script is added up.
 */
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

function offeredTool(tool: Json): OfferedTool {
  const definition = asObject(tool["function"]);
  return {
    name: asText(definition["name"]),
    type: "function",
    properties: propertyNames(definition["parameters"]),
  };
}

function toolCalls(reply: Reply): readonly Json[] {
  const call = reply.toolCall;
  if (call === undefined) return [];
  const input = call.type === "function" ? call.input : { input: call.input };
  return [
    {
      id: `call_${reply.id}`,
      type: "function",
      function: { name: call.name, arguments: JSON.stringify(input) },
    },
  ];
}

function usage(reply: Reply): Json {
  const { inputTokens, cachedInputTokens, outputTokens } = reply.usage;
  return {
    prompt_tokens: inputTokens + cachedInputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + cachedInputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedInputTokens },
  };
}

function finishReason(reply: Reply): string {
  return reply.toolCall === undefined ? "stop" : "tool_calls";
}

function envelope(reply: Reply, object: string): Json {
  return { id: `chatcmpl-${reply.id}`, object, created: 0, model: reply.model };
}

function systemText(messages: readonly unknown[]): string {
  return messages
    .map((message) => asObject(message))
    .filter((message) => message["role"] === "system" || message["role"] === "developer")
    .map((message) => contentText(message["content"]))
    .join("\n");
}

export const openaiChat: Protocol = {
  name: "openai-chat",
  path: "/v1/chat/completions",

  parse(body) {
    const messages = asList(body["messages"]);
    return {
      model: asText(body["model"]),
      stream: body["stream"] === true,
      system: systemText(messages),
      messages,
      tools: asList(body["tools"]).map((tool) => offeredTool(asObject(tool))),
    };
  },

  frames(reply) {
    const base = envelope(reply, "chat.completion.chunk");
    const chunk = (delta: Json, finish: string | null): Json => ({
      ...base,
      choices: [{ index: 0, delta, finish_reason: finish }],
    });
    const chunks: Json[] = [chunk({ role: "assistant", content: "" }, null)];
    for (const content of reply.textChunks) chunks.push(chunk({ content }, null));
    for (const [index, call] of toolCalls(reply).entries()) {
      chunks.push(chunk({ tool_calls: [{ index, ...call }] }, null));
    }
    chunks.push(chunk({}, finishReason(reply)), { ...base, choices: [], usage: usage(reply) });
    return [...chunks.map((data) => sseEvent(data)), sseEvent("[DONE]")];
  },

  body(reply) {
    const calls = toolCalls(reply);
    const message = {
      role: "assistant",
      content: reply.textChunks.length > 0 ? reply.textChunks.join("") : null,
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    };
    return {
      ...envelope(reply, "chat.completion"),
      choices: [{ index: 0, message, finish_reason: finishReason(reply) }],
      usage: usage(reply),
    };
  },

  errorBody(status, text) {
    return {
      error: { message: text, type: status < 500 ? "invalid_request_error" : "server_error", code: null },
    };
  },
};
