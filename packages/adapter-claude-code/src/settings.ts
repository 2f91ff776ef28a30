/** Settings of the worker in the configuration file (`workers.claude-code.settings`), with their defaults. */
import { durationSchema, lazySchema } from "@agentcore/contract";
import { commonSettings } from "@agentcore/worker-kit";
import { z } from "zod";

export const claudeSettingsSchema = lazySchema(() =>
  z.strictObject({
    ...commonSettings,
    max_retries: z.int().min(0).max(10).default(3).meta({
      description: "Retries of one request inside Claude Code, before the run fails and AgentCore decides.",
    }),
    request_timeout: durationSchema.default(300_000).meta({
      description: "Longest wait for the first byte of a response. Default: 5m.",
    }),
    max_turns: z.int().positive().optional().meta({ description: "Maximum of model turns." }),
    setting_sources: z
      .array(z.enum(["user", "project", "local"]))
      .default(["user"])
      .meta({
        description:
          "Settings files that Claude Code reads. `project` and `local` let files of the workspace run hooks and redirect requests.",
      }),
    project_memory: z
      .boolean()
      .default(true)
      .meta({ description: "Whether the workspace's CLAUDE.md is part of the prompt." }),
    extra_tools: z
      .array(z.string().regex(/^[A-Za-z_]\w*$/, "must be the name of a tool, such as WebFetch"))
      .default([])
      .meta({ description: "More tools that every run may use, such as WebFetch and WebSearch." }),
    partial_messages: z.boolean().optional().meta({
      description:
        "Stream responses in parts: a long response does not count as silence, and a stopped run reports its cost. Default: if a ceiling applies.",
    }),
  }),
);
export type ClaudeSettings = z.output<typeof claudeSettingsSchema>;
