/** The protocols that the spend gate speaks, by name. */
import type { ProviderProtocol } from "@agentcore/contract";
import { anthropicMessages } from "./anthropic-messages.ts";
import { openAiChat } from "./openai-chat.ts";
import { openAiResponses } from "./openai-responses.ts";
import type { Protocol } from "./protocol.ts";

export type * from "./protocol.ts";

export const protocols: Readonly<Record<ProviderProtocol, Protocol>> = {
  "anthropic-messages": anthropicMessages,
  "openai-responses": openAiResponses,
  "openai-chat": openAiChat,
};

/** The protocol of a provider that refuses to be asked for the usage of a stream. */
export function withoutAsking(protocol: Protocol): Protocol {
  return { ...protocol, withUsage: (body) => body };
}
