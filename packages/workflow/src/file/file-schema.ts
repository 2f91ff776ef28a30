/** The formats of a workflow file and of an agent profile file, version "1"; `workflowJsonSchema` is what editors use. */
import { durationSchema } from "@agentcore/contract";
import { z } from "zod";
import { defaultKeys } from "./defaults.ts";
import {
  capabilityNameSchema,
  holdersInSchema,
  idSchema,
  versionSchema,
  workerNameSchema,
} from "@agentcore/yaml-file";
import {
  budgetSchema,
  envSchema,
  limitKeys,
  modelKeys,
  secretsSchema,
  stepSchema,
  wayToWork,
} from "./step-schema.ts";
import { insteadOf } from "./shape-cures.ts";
import { stallSchema } from "./stall-schema.ts";

const inputSchema = z
  .strictObject(
    {
      type: z.enum(["string", "number", "boolean"]).optional().meta({ description: "Default: string." }),
      default: z
        .union([z.string(), z.number(), z.boolean()])
        .optional()
        .meta({ description: "Value where none is given." }),
      required: z
        .boolean()
        .optional()
        .meta({ description: "Whether a run without it is refused. Default: false." }),
      description: z.string().optional().meta({ description: "For people." }),
    },
    { error: insteadOf({ text: (value) => `write { type: ${value} }` }) },
  )
  .meta({ description: "A parameter, given with `--input NAME=VALUE`, used as `${{ inputs.NAME }}`." });

const sentinelSchema = z.strictObject({
  enabled: z.boolean().optional().meta({ description: "Default: true." }),
  defaults: stallSchema
    .extend({
      interrupt: z
        .strictObject({ strategy: z.literal("cancel").optional().meta({ description: "cancel." }) })
        .optional()
        .meta({ description: "How a job is stopped; there is one way." }),
    })
    .optional()
    .meta({ description: "`stall` of the steps that say nothing else." }),
  telemetry: z
    .strictObject({
      events_file: z
        .string()
        .min(1)
        .optional()
        .meta({ description: "File in the workspace that events are written to, one JSON object a line." }),
      state_file: z
        .string()
        .min(1)
        .optional()
        .meta({ description: "File in the workspace that holds how the steps stand." }),
      include_worker_output: z
        .boolean()
        .optional()
        .meta({ description: "Whether what workers print is among the events. Default: false." }),
    })
    .optional()
    .meta({ description: "Files for programs that watch the run." }),
});

const defaultsSchema = stepSchema
  .pick(defaultKeys)
  .extend({ env: envSchema.optional() })
  .meta({ description: "Keys for the steps that omit them and that they fit." });

const groupName = z.string().trim().min(1);

const concurrencyGroupSchema = z
  .union([
    groupName,
    z.strictObject({
      name: groupName.meta({ description: "May hold ${{ inputs.NAME }}." }),
      when_busy: z.enum(["wait", "fail", "cancel_other"]).optional().meta({
        description:
          "While another run of the group is at work. wait (default): in order of arrival; fail: this run does not start; cancel_other: the others are cancelled.",
      }),
    }),
  ])
  .meta({ description: "At most one run of the group is at work in a state directory." });

const notifySchema = z
  .strictObject(
    {
      on: z
        .array(z.enum(["succeeded", "failed", "cancelled", "budget", "approval"]))
        .min(1)
        .meta({ description: "When. failed: includes the time limit; budget: it is used up." }),
      command: z.string().trim().min(1).optional().meta({
        description: "Script; $AGENTCORE_EVENT_FILE holds a JSON document. May hold ${{ secrets.NAME }}.",
      }),
      webhook: z.string().trim().min(1).optional().meta({
        description: "URL that the JSON document is sent to with POST. May hold ${{ secrets.NAME }}.",
      }),
    },
    { error: insteadOf({ text: (value) => `write { on: [failed], command: ${value} }` }) },
  )
  .meta({ oneOf: [{ required: ["command"] }, { required: ["webhook"] }] });

export const workflowFileSchema = z
  .strictObject({
    name: z.string().min(1).meta({ description: "Of the workflow, in lists and reports." }),
    version: versionSchema,
    description: z.string().optional().meta({ description: "For people." }),
    timeout: durationSchema.meta({ description: "For the whole run." }),
    concurrency: z
      .int({
        error: insteadOf({
          mapping: () =>
            "is the number of steps at once; for one run at a time write concurrency_group: NAME",
          text: () => "is the number of steps at once; for one run at a time write concurrency_group: NAME",
        }),
      })
      .min(1)
      .optional()
      .meta({ description: "Steps at once." }),
    concurrency_group: concurrencyGroupSchema.optional(),
    notify: z
      .array(notifySchema, {
        error: insteadOf({
          text: (value) => `write notify: [{ on: [failed], command: ${value} }]`,
          mapping: () => "must be a list; write - before the first of its keys",
        }),
      })
      .optional()
      .meta({ description: "Whom to tell of the run, and when." }),
    context_dir: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "Inside the workspace. Default: ./context." }),
    budget: budgetSchema.optional(),
    create_branch: z
      .boolean()
      .optional()
      .meta({ description: "Whether a step of this run changes the branch. Default: false." }),
    branch_transition_step: idSchema
      .optional()
      .meta({ description: "The step that changes the branch; later ones expect what it left." }),
    expected_work_branch: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "Branch that the steps expect. Default: the one at the start." }),
    inputs: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, "is not an input's name"), inputSchema)
      .optional()
      .meta({ description: "Parameters of the workflow, by name." }),
    env: envSchema
      .optional()
      .meta({ description: "Environment variables of all steps. Texts may hold ${{ inputs.NAME }}." }),
    secrets: secretsSchema.optional(),
    sentinel: sentinelSchema.optional().meta({ description: "Sets `stall` for all steps." }),
    defaults: defaultsSchema.optional(),
    steps: z
      .record(idSchema, stepSchema, {
        error: insteadOf({
          list: () => "is a list; write each step under an id of its own: steps: { build: { … } }",
        }),
      })
      .refine((steps) => Object.keys(steps).length > 0, "has no step")
      .meta({ description: "The steps, by id.", minProperties: 1 }),
    finally: z.record(idSchema, stepSchema).optional().meta({
      description:
        "Steps that run after all others have ended, whatever the outcome. Each has a time limit of its own; default: 5m.",
    }),
  })
  .meta({
    title: "AgentCore workflow",
    description: "Steps that agents and scripts work on, in one budget.",
    patternProperties: holdersInSchema,
    // With defaults, a step may have from there what it lacks.
    if: { required: ["defaults"] },
    else: {
      properties: { steps: { type: "object", additionalProperties: { type: "object", ...wayToWork } } },
    },
  });
export type WorkflowFile = z.output<typeof workflowFileSchema>;

const agentSchema = z
  .strictObject({
    worker: workerNameSchema,
    ...modelKeys,
    ...limitKeys,
    capabilities: z
      .array(capabilityNameSchema)
      .optional()
      .meta({ description: "What the worker may do, where a step says nothing else." }),
    workspace: z.string().min(1).optional().meta({ description: "Directory inside the workspace." }),
    timeout: durationSchema.optional().meta({ description: "Of one attempt." }),
    base_instructions: z
      .string()
      .optional()
      .meta({ description: "Comes before the instructions of each step." }),
    description: z.string().optional().meta({ description: "For people." }),
  })
  .meta({ description: "A worker with its settings; what a step says itself goes before." });
export type AgentProfile = z.output<typeof agentSchema>;

export const agentsFileSchema = z
  .strictObject({
    version: versionSchema,
    agents: z.record(idSchema, agentSchema).meta({ description: "The profiles, by id." }),
  })
  .meta({
    title: "AgentCore agent profiles",
    description: "Workers with their settings, by name.",
    patternProperties: holdersInSchema,
  });

export function workflowJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(workflowFileSchema, { io: "input" });
}

export function agentsJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(agentsFileSchema, { io: "input" });
}
