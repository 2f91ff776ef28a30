/** Settings of the worker in the configuration file (`workers.codex.settings`), with their defaults. */
import { durationSchema, lazySchema } from "@agentcore/contract";
import { commonSettings } from "@agentcore/worker-kit";
import { z } from "zod";

export const codexSettingsSchema = lazySchema(() =>
  z.strictObject({
    ...commonSettings,
    max_retries: z.int().min(0).max(10).default(2).meta({
      description:
        "Retries of one request, and reconnections of one response, before the run fails and AgentCore decides.",
    }),
    stream_idle_timeout: durationSchema.default(300_000).meta({
      description: "Longest pause within a response. Default: 5m.",
    }),
    network: z.boolean().default(false).meta({
      description: "Whether commands may use the network. Codex's own sandbox keeps it closed otherwise.",
    }),
  }),
);
export type CodexSettings = z.output<typeof codexSettingsSchema>;
