/** The schema of one step as it stands in a file; `file-schema.ts` has the rest. Keys are the file's, unknown ones are errors. */
import { durationSchema, variantSchema } from "@agentcore/contract";
import { z } from "zod";
import { capabilityNameSchema, idSchema, workerNameSchema } from "./names.ts";

export const budgetSchema = z
  .strictObject({
    cost_usd: z.number().positive().optional().meta({ description: "US dollars." }),
    tokens: z.int().positive().optional().meta({ description: "Input and output tokens together." }),
  })
  .meta({ description: "Ceilings; reserved before anything starts." });

const path = z.string().min(1);

/** Shorter intervals would keep the machine busy with looking. */
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
  fingerprint_prefix: z.array(z.string()).optional(),
  as_incomplete: z.boolean().optional().meta({
    description:
      "Count it as an iteration that is not complete, with the fingerprints found, not as a failure.",
  }),
});

const probeSchema = z.strictObject({
  interval: durationSchema.refine((ms) => ms >= probeIntervalMsMin, {
    error: `looks more often than every ${probeIntervalMsMin}ms`,
  }),
  timeout: durationSchema.optional(),
  command: z.string().trim().min(1).meta({
    description:
      "Script that prints one JSON object: {class: progressing|stalled|terminal, digest?, fingerprints?, reasons?, summary?}.",
  }),
  stall_threshold: z.int().min(1).optional(),
  require_zero_exit: z.boolean().optional(),
  on_probe_error: z.enum(["ignore", "stall", "terminal"]).optional(),
  probe_error_threshold: z.int().min(1).optional(),
  capture_stderr: z.boolean().optional(),
});

export const stallSchema = z
  .strictObject({
    enabled: z.boolean().optional(),
    no_output_timeout: durationSchema
      .optional()
      .meta({ description: "Longest silence; a tool call in flight is not silence." }),
    activity_source: z.enum(["worker_event", "any_event", "probe_only"]).optional(),
    probe: probeSchema.optional(),
    on_stall: stallReactionSchema.optional(),
    on_terminal: stallReactionSchema.optional(),
  })
  .meta({ description: "When a step counts as standing still, and what then happens." });

/** What a step and its completion check have in common: who works, on what. */
const workKeys = {
  worker: workerNameSchema.optional(),
  agent: idSchema.optional().meta({ description: "An agent profile of agents.yaml." }),
  instructions: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "The prompt; for the shell worker a script, run by `bash -e -c`." }),
  capabilities: z.array(capabilityNameSchema).optional(),
  model: z.string().min(1).optional(),
  variant: variantSchema
    .optional()
    .meta({ description: "How hard the model is to think, in the worker's own word." }),
  defaultArgs: z
    .array(z.string())
    .optional()
    .meta({ description: "Further arguments for the worker's command line." }),
  timeout: durationSchema.optional(),
} as const;

export const completionCheckSchema = z
  .strictObject({
    ...workKeys,
    decision_file: path
      .optional()
      .meta({ description: "File in the workspace that holds the check's decision." }),
    stall: stallSchema.optional(),
  })
  .meta({ description: "Runs after each successful iteration and decides whether the step is complete." });

export const convergenceSchema = z.strictObject({
  enabled: z.boolean().optional(),
  stall_threshold: z.int().min(1).optional(),
  max_stage: z.int().min(1).optional(),
  fail_on_max_stage: z.boolean().optional(),
  stages: z.array(z.strictObject({ stage: z.int().min(1), append_instructions: z.string() })).optional(),
  allowed_paths: z.array(z.string().min(1)).optional(),
  ignored_paths: z.array(z.string().min(1)).optional(),
  diff_base_ref: z.string().min(1).optional(),
  diff_base_ref_file: path.optional(),
  max_changed_files: z.int().min(1).optional(),
});

const artifactSchema = z.strictObject({ from: idSchema, artifact: idSchema, as: idSchema.optional() });

export const stepSchema = z.strictObject({
  ...workKeys,
  description: z.string().optional(),
  workflow: path.optional().meta({ description: "A sub-workflow file, relative to this one." }),
  workspace: path
    .optional()
    .meta({ description: "Directory inside the workspace. Default: the workspace itself." }),
  depends_on: z.array(idSchema).optional(),
  inputs: z
    .array(artifactSchema)
    .optional()
    .meta({ description: "Artifacts of earlier steps, copied into the workspace." }),
  outputs: z
    .array(
      z.strictObject({ name: idSchema, path, type: z.string().optional(), optional: z.boolean().optional() }),
    )
    .optional()
    .meta({ description: "Collected when the step succeeds; a missing one fails it unless `optional`." }),
  max_retries: z.int().min(0).max(99).optional(),
  on_failure: z.enum(["abort", "retry", "continue"]).optional(),
  max_steps: z.int().min(1).optional(),
  max_command_time: durationSchema.optional(),
  completion_check: completionCheckSchema.optional(),
  max_iterations: z.int().min(1).max(1000).optional(),
  on_iterations_exhausted: z.enum(["abort", "continue"]).optional(),
  convergence: convergenceSchema.optional(),
  stall: stallSchema.optional(),
  budget: budgetSchema.optional(),
  if: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Condition over inputs, steps.ID.status and steps.ID.outputs." }),
  matrix: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, "is not a matrix key"),
      z.array(z.union([z.string(), z.number(), z.boolean()])).min(1),
    )
    .optional()
    .meta({ description: "One instance of the step for each combination." }),
  isolation: z.enum(["none", "worktree"]).optional(),
  merge: z.enum(["apply", "none"]).optional(),
  verify: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Script that must exit 0 for the step to count as succeeded." }),
  with: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .meta({
      description:
        "The sub-workflow's inputs, by name. Texts may hold ${{ inputs.NAME }} and ${{ matrix.NAME }}.",
    }),
  exports: z.array(artifactSchema).optional(),
  exports_mode: z.enum(["merge", "replace"]).optional(),
  bubble_subworkflow_events: z.boolean().optional(),
  subworkflow_event_prefix: z.string().optional(),
});

export type FileStep = z.output<typeof stepSchema>;
export type FileCheck = z.output<typeof completionCheckSchema>;
export type FileStall = z.output<typeof stallSchema>;
export type FileConvergence = z.output<typeof convergenceSchema>;
