/** Settings of the worker in the configuration file (`workers.opencode.settings`), with their defaults. */
import { durationSchema, lazySchema } from "@agentcore/contract";
import { commonSettings } from "@agentcore/worker-kit";
import { z } from "zod";

/** Protocols of a provider at `base_url`, and their client libraries, which are all part of OpenCode. */
export const clientLibraries = {
  "openai-chat": "@ai-sdk/openai-compatible",
  "openai-responses": "@ai-sdk/openai",
  "anthropic-messages": "@ai-sdk/anthropic",
} as const;

export const openCodeSettingsSchema = lazySchema(() =>
  z.strictObject({
    ...commonSettings,
    provider: z
      .string()
      .regex(/^[a-z][a-z0-9_-]*$/, "must be a name in lower case")
      .default("agentcore")
      .meta({ description: "Name of the provider at base_url, as in `NAME/model`." }),
    api: z.enum(["openai-chat", "openai-responses", "anthropic-messages"]).default("openai-chat").meta({
      description: "What the provider at base_url speaks.",
    }),
    context_tokens: z.int().positive().default(200_000).meta({
      description: "Context window of a model at base_url.",
    }),
    output_tokens: z
      .int()
      .positive()
      .default(32_000)
      .meta({ description: "Longest response of a model at base_url." }),
    prices: z
      .strictObject({
        input: z.number().nonnegative(),
        cached_input: z.number().nonnegative().optional(),
        output: z.number().nonnegative(),
      })
      .optional()
      .meta({ description: "US dollars per million tokens at base_url. Without them the cost is unknown." }),
    request_timeout: durationSchema.default(600_000).meta({
      description: "Time limit of a whole response. Default: 10m.",
    }),
    chunk_timeout: durationSchema.default(300_000).meta({
      description: "Longest pause within a response. Default: 5m.",
    }),
    project_memory: z
      .boolean()
      .default(true)
      .meta({ description: "Whether the workspace's AGENTS.md, else its CLAUDE.md, is part of the prompt." }),
    trust_workspace: z.boolean().default(false).meta({
      description:
        "Whether code below `.opencode` in the workspace, and plugins that an `opencode.json` names, may run. OpenCode runs them regardless of its configuration, so a run that may not run commands is refused in such a workspace.",
    }),
  }),
);
export type OpenCodeSettings = z.output<typeof openCodeSettingsSchema>;
