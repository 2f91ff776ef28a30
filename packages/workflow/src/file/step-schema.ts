/** The schema of one step in a file; `file-schema.ts` has the rest. Unknown keys are errors. */
import { durationSchema, errorClasses, variantSchema } from "@agentcore/contract";
import { z } from "zod";
import { retryDelayMsMax } from "../retry-delay.ts";
import { insteadOf } from "./shape-cures.ts";
import { stallSchema } from "./stall-schema.ts";
import { capabilityNameSchema, idSchema, variableNameSchema, workerNameSchema } from "@agentcore/yaml-file";

export const budgetSchema = z
  .strictObject(
    {
      cost_usd: z.number().positive().optional().meta({ description: "US dollars." }),
      tokens: z.int().positive().optional().meta({ description: "Input and output tokens together." }),
    },
    { error: insteadOf({ number: (value) => `write budget: { cost_usd: ${value} }` }) },
  )
  .meta({ description: "Ceilings; reserved before anything starts." });

const path = z.string().min(1);

export const secretsSchema = z
  .array(variableNameSchema, {
    error: ({ input }) =>
      input === "inherit" ? "nothing is inherited; name the variables: secrets: [NAME]" : undefined,
  })
  .meta({
    description:
      "Variables of the caller's environment that are passed on, and masked in logs, events and records.",
  });

export const envSchema = z.record(variableNameSchema, z.union([z.string(), z.number(), z.boolean()])).meta({
  description:
    "Environment variables, by name. Texts may hold ${{ inputs.NAME }}, ${{ matrix.NAME }} and ${{ steps.ID.outputs.NAME }}.",
});

/** The keys of steps, checks and agent profiles about the model. */
export const modelKeys = {
  model: z.string().min(1).optional().meta({ description: "Model, by the worker's name for it." }),
  variant: variantSchema
    .optional()
    .meta({ description: "How hard the model is to think, in the worker's own word." }),
  defaultArgs: z
    .array(z.string())
    .optional()
    .meta({ description: "Further arguments for the worker's command line." }),
} as const;

/** The keys of steps and agent profiles about limits that only some workers support. */
export const limitKeys = {
  max_steps: z
    .int()
    .min(1)
    .optional()
    .meta({ description: "Turns that the agent may take, where its worker can count them." }),
  max_command_time: durationSchema
    .optional()
    .meta({ description: "Longest command of the agent, where its worker has such a limit." }),
} as const;

/** The keys that a step and its completion check share: who works, on what. */
const workKeys = {
  worker: workerNameSchema.optional(),
  agent: idSchema.optional().meta({ description: "An agent profile of agents.yaml." }),
  instructions: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "The prompt; for the shell worker a script, run as by `bash -e -c`." }),
  capabilities: z
    .array(capabilityNameSchema)
    .optional()
    .meta({ description: "What the worker may do; needed with `worker`." }),
  ...modelKeys,
  timeout: durationSchema
    .optional()
    .meta({ description: "Of one attempt. Default: what is left of the run's time limit." }),
} as const;

export const completionCheckSchema = z
  .strictObject(
    {
      ...workKeys,
      env: envSchema.optional(),
      decision_file: path
        .optional()
        .meta({ description: "File in the workspace that holds the check's decision." }),
      stall: stallSchema.optional(),
    },
    {
      error: insteadOf({
        text: (value) => `write { worker: shell, instructions: ${value}, capabilities: [run_tests] }`,
      }),
    },
  )
  .meta({
    description: "Runs after each successful iteration and decides whether the step is complete.",
    oneOf: [{ required: ["worker"] }, { required: ["agent"] }],
    required: ["instructions"],
  });

export const convergenceSchema = z
  .strictObject({
    enabled: z.boolean().optional().meta({ description: "Default: true." }),
    stall_threshold: z
      .int()
      .min(1)
      .optional()
      .meta({ description: "How often the same findings come back before the stage rises. Default: 2." }),
    max_stage: z.int().min(1).optional().meta({ description: "The last stage. Default: 3." }),
    fail_on_max_stage: z
      .boolean()
      .optional()
      .meta({ description: "Whether the step fails when nothing moves at the last stage. Default: true." }),
    stages: z
      .array(
        z.strictObject({
          stage: z.int().min(1).meta({ description: "From this stage on." }),
          append_instructions: z.string().meta({ description: "Joins the instructions." }),
        }),
      )
      .optional()
      .meta({ description: "Texts that join the instructions, by stage." }),
    allowed_paths: z
      .array(z.string().min(1))
      .optional()
      .meta({ description: "Globs of files that an iteration may change. Default: all." }),
    ignored_paths: z
      .array(z.string().min(1))
      .optional()
      .meta({ description: "Globs of files whose changes do not count." }),
    diff_base_ref: z.string().min(1).optional().meta({
      description:
        "Commit that changed files are counted from, as it is before the first job. Default: those of the iteration.",
    }),
    diff_base_ref_file: path.optional().meta({
      description: "File in the workspace that names that commit, before the first job; one short line.",
    }),
    max_changed_files: z
      .int()
      .min(1)
      .optional()
      .meta({ description: "Files that an iteration may change; one with more is not complete." }),
  })
  .meta({ description: "What is done when iterations find the same again and again." });

const exportSchema = z
  .strictObject({
    from: idSchema.meta({ description: "Step of the sub-workflow." }),
    artifact: idSchema.optional().meta({ description: "Name of one of its artifacts." }),
    value: idSchema.optional().meta({ description: "Name of one of its values." }),
    as: idSchema.optional().meta({ description: "Name here. Default: the same." }),
  })
  .meta({ oneOf: [{ required: ["artifact"] }, { required: ["value"] }] });

const outputSchema = z
  .strictObject(
    {
      name: idSchema.meta({ description: "Name of the artifact, or of the value." }),
      path: path.optional().meta({ description: "File or folder in the workspace." }),
      value: z
        .union([z.literal(true), idSchema])
        .optional()
        .meta({
          description:
            "A text that the step writes to $AGENTCORE_OUTPUT as NAME=VALUE. true: under this name; or the name there.",
        }),
      type: z.string().optional().meta({ description: "For people; means nothing to the run." }),
      optional: z.boolean().optional().meta({ description: "Whether it may be missing. Default: false." }),
    },
    { error: insteadOf({ text: (value) => `write { name: NAME, path: ${value} }` }) },
  )
  .meta({ oneOf: [{ required: ["path"] }, { required: ["value"] }] });

const artifactSchema = z.strictObject({
  from: idSchema.meta({ description: "Step that left the artifact." }),
  artifact: idSchema.meta({ description: "Name of the artifact, as in the step's outputs." }),
  as: idSchema.optional().meta({ description: "Name here. Default: the artifact's." }),
});

const retryableClasses = errorClasses.filter((name) => name !== "cancelled");

const retrySchema = z
  .strictObject(
    {
      max: z.int().min(1).max(99).meta({ description: "Further attempts after a failure." }),
      delay: durationSchema
        .refine((ms) => ms <= retryDelayMsMax, { error: "is longer than 1h" })
        .optional()
        .meta({ description: "Wait before the first further attempt, at most 1h. Default: 1s." }),
      backoff: z.enum(["fixed", "exponential"]).optional().meta({
        description:
          "exponential (default): each wait is twice the one before, up to 1h, less a random part of up to a quarter; fixed: all are the same.",
      }),
      on: z.array(z.enum(retryableClasses)).min(1).optional().meta({
        description: "Error classes after which there is another attempt. Default: all.",
      }),
    },
    {
      error: ({ input }) =>
        typeof input === "number" ? `write max_retries: ${input}, or retry: { max: ${input} }` : undefined,
    },
  )
  .meta({ description: "Further attempts with a wait before each, instead of `max_retries`." });

const approvalSchema = z
  .strictObject(
    {
      message: z.string().trim().min(1).meta({ description: "What is asked. May hold placeholders." }),
      who: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .meta({ description: "Users of the operating system who may answer. Default: all." }),
      timeout: durationSchema
        .optional()
        .meta({ description: "Longest wait; then the step fails. Default: no limit." }),
    },
    {
      error: insteadOf({
        text: (value) => `write approval: { message: ${value} }`,
        truth: () => "write approval: { message: TEXT }",
      }),
    },
  )
  .meta({
    description: "Waits until somebody approves or rejects it: `agentcore workflow approve|reject RUN STEP`.",
  });

const matrixValueSchema = z.union([z.string(), z.number(), z.boolean()], {
  error: insteadOf({
    mapping: () =>
      "must be a text, a number, or true or false; all combinations of the lists run, without include and exclude",
  }),
});

/** The rules of `check-steps.ts` that a schema can express, for editors. */
export const wayToWork = {
  oneOf: [
    { required: ["worker", "capabilities", "instructions"] },
    { required: ["agent", "instructions"] },
    { required: ["workflow"] },
    { required: ["approval"] },
  ],
};

export const stepSchema = z
  .strictObject({
    ...workKeys,
    description: z.string().optional().meta({ description: "For people; shown in pictures." }),
    workflow: path.optional().meta({ description: "A sub-workflow file, relative to this one." }),
    approval: approvalSchema.optional(),
    workspace: path
      .optional()
      .meta({ description: "Directory inside the workspace. Default: the workspace itself." }),
    depends_on: z
      .array(idSchema)
      .optional()
      .meta({ description: "Steps that must have ended before this one starts." }),
    inputs: z
      .array(artifactSchema)
      .optional()
      .meta({ description: "Artifacts of earlier steps, copied into the workspace." }),
    outputs: z
      .array(outputSchema, {
        error: insteadOf({
          mapping: () =>
            "must be a list, such as [{ name: NAME, path: FILE }] or [{ name: NAME, value: true }]",
        }),
      })
      .optional()
      .meta({ description: "Collected when the step succeeds; a missing one fails it unless `optional`." }),
    max_retries: z.int().min(0).max(99).optional().meta({
      description: "Further attempts after a failure, also without `on_failure: retry`. Default: 0.",
    }),
    retry: retrySchema.optional(),
    on_failure: z.enum(["abort", "retry", "continue"]).optional().meta({
      description:
        "abort (default): the run stops; retry: after `max_retries` further attempts; continue: what waits for it runs.",
    }),
    ...limitKeys,
    completion_check: completionCheckSchema.optional(),
    max_iterations: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: "Maximum of iterations until the step's check is complete. Default: 1." }),
    on_iterations_exhausted: z.enum(["abort", "continue"]).optional().meta({
      description: "continue: the step ends INCOMPLETE and what waits for it runs. Default: abort.",
    }),
    convergence: convergenceSchema.optional(),
    stall: stallSchema.optional(),
    budget: budgetSchema.optional(),
    env: envSchema.optional(),
    secrets: secretsSchema.optional(),
    if: z.string().min(1).optional().meta({
      description:
        "Condition over inputs, steps.ID.status, steps.ID.outputs, success(), failure(), cancelled() and always().",
    }),
    matrix: z
      .record(
        z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, "is not a matrix key"),
        z.union([z.array(matrixValueSchema).min(1), z.string().min(1)]),
      )
      .optional()
      .meta({ description: "One instance of the step for each combination." }),
    isolation: z
      .enum(["none", "worktree"])
      .optional()
      .meta({ description: "worktree: its own git worktree. Default: none." }),
    merge: z.enum(["apply", "none"]).optional().meta({
      description: "What becomes of a worktree's patch. Default: it is applied to the workspace.",
    }),
    verify: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "Script that must exit 0 for the step to count as succeeded." }),
    cache: z
      .strictObject(
        {
          key: z.array(z.string().min(1)).min(1).meta({
            description:
              "Globs of files that the result depends on, relative to the workspace. An entry that is one placeholder stands for its value.",
          }),
        },
        {
          error: insteadOf({
            truth: () => "write cache: { key: [FILES] }",
            list: () => "write cache: { key: [FILES] }",
            text: (value) => `write cache: { key: [${value}] }`,
          }),
        },
      )
      .optional()
      .meta({
        description: "Use the result of an earlier run if the files, the step and its inputs are the same.",
      }),
    with: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .meta({
        description:
          "The sub-workflow's inputs, by name. Texts may hold ${{ inputs.NAME }}, ${{ matrix.NAME }} and ${{ steps.ID.outputs.NAME }}.",
      }),
    exports: z
      .array(exportSchema)
      .optional()
      .meta({ description: "Artifacts and values of the sub-workflow that become this step's." }),
    exports_mode: z
      .enum(["merge", "replace"])
      .optional()
      .meta({ description: "replace: what an earlier iteration exported is dropped. Default: merge." }),
    bubble_subworkflow_events: z.boolean().optional().meta({
      description: "Whether the sub-workflow's steps are reported as steps of this run. Default: false.",
    }),
    subworkflow_event_prefix: z
      .string()
      .optional()
      .meta({ description: "The prefix under which they are reported. Default: this step's id." }),
  })
  .meta({ description: "One step: exactly one of worker, agent, workflow or approval says who works." });

export type FileStep = z.output<typeof stepSchema>;
export type FileCheck = z.output<typeof completionCheckSchema>;
export type FileConvergence = z.output<typeof convergenceSchema>;
