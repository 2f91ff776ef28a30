/** The schema of `stall`: when a step counts as standing still, and what then happens. */
import { durationSchema } from "@agentcore/contract";
import { z } from "zod";

/** Shorter intervals would keep the machine busy with probes. */
const probeIntervalMsMin = 100;

const errorClassText = z.string().min(1).meta({
  description:
    "Name for the record. NON_RETRYABLE allows no further attempt, FATAL stops the run too; so do the classes of AgentCore that a retry cannot cure.",
});

const stallReactionSchema = z.strictObject({
  action: z.enum(["interrupt", "fail", "ignore"]).optional().meta({
    description:
      "interrupt: the attempt has failed; fail: the step has, without a retry; ignore: only recorded.",
  }),
  error_class: errorClassText.optional(),
  fingerprint_prefix: z
    .array(z.string())
    .optional()
    .meta({ description: "Put before the fingerprints found, to tell them from others." }),
  as_incomplete: z.boolean().optional().meta({
    description:
      "Count it as an iteration that is not complete, with the fingerprints found, not as a failure.",
  }),
});

const probeSchema = z.strictObject({
  interval: durationSchema
    .refine((ms) => ms >= probeIntervalMsMin, {
      error: `looks more often than every ${probeIntervalMsMin}ms`,
    })
    .meta({ description: `Time between two looks, at least ${probeIntervalMsMin}ms.` }),
  timeout: durationSchema.optional().meta({ description: "Longest look. Default: 10s." }),
  command: z.string().trim().min(1).meta({
    description:
      "Script that prints one JSON object: {class: progressing|stalled|terminal, digest?, fingerprints?, reasons?, summary?}.",
  }),
  stall_threshold: z
    .int()
    .min(1)
    .optional()
    .meta({ description: "Looks in a row that find no progress before it counts. Default: 2." }),
  require_zero_exit: z
    .boolean()
    .optional()
    .meta({ description: "Whether a script that exits otherwise has failed to look. Default: false." }),
  on_probe_error: z
    .enum(["ignore", "stall", "terminal"])
    .optional()
    .meta({ description: "What looks that fail count as. Default: ignore." }),
  probe_error_threshold: z
    .int()
    .min(1)
    .optional()
    .meta({ description: "Looks in a row that fail before they count. Default: 3." }),
  capture_stderr: z
    .boolean()
    .optional()
    .meta({ description: "Whether the record holds what the script wrote to stderr. Default: false." }),
});

export const stallSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .optional()
      .meta({ description: "false: this step is not watched, whatever is set for all." }),
    no_output_timeout: durationSchema
      .optional()
      .meta({ description: "Longest silence; a tool call in flight is not silence." }),
    activity_source: z
      .enum(["worker_event", "any_event", "probe_only"])
      .optional()
      .meta({ description: "What counts as a sign of life. Default: worker_event." }),
    probe: probeSchema.optional().meta({ description: "A script that looks at the step from outside." }),
    on_stall: stallReactionSchema
      .optional()
      .meta({ description: "What happens when it stands still. Default: interrupt." }),
    on_terminal: stallReactionSchema
      .optional()
      .meta({ description: "What happens when the probe says that it cannot succeed. Default: fail." }),
  })
  .meta({ description: "When a step counts as standing still, and what then happens." });

export type FileStall = z.output<typeof stallSchema>;
