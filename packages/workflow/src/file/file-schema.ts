/** The formats of a workflow file and of an agent profile file, version "1"; `workflowJsonSchema` is what editors use. */
import { durationSchema, variantSchema } from "@agentcore/contract";
import { z } from "zod";
import { capabilityNameSchema, idSchema, workerNameSchema } from "./names.ts";
import { budgetSchema, stallSchema, stepSchema } from "./step-schema.ts";

const inputSchema = z
  .strictObject({
    type: z.enum(["string", "number", "boolean"]).optional(),
    default: z.union([z.string(), z.number(), z.boolean()]).optional(),
    required: z.boolean().optional(),
    description: z.string().optional(),
  })
  .meta({ description: "A parameter, given with `--input NAME=VALUE`, used as `${{ inputs.NAME }}`." });

const sentinelSchema = z.strictObject({
  enabled: z.boolean().optional(),
  defaults: stallSchema
    .extend({
      interrupt: z
        .strictObject({ strategy: z.literal("cancel").optional() })
        .optional()
        .meta({ description: "How a job is stopped; there is one way." }),
    })
    .optional(),
  telemetry: z
    .strictObject({
      events_file: z.string().min(1).optional(),
      state_file: z.string().min(1).optional(),
      include_worker_output: z.boolean().optional(),
    })
    .optional(),
});

const version = z.literal("1", { error: 'the version is "1", in quotes' });

export const workflowFileSchema = z
  .strictObject({
    name: z.string().min(1),
    version,
    description: z.string().optional(),
    timeout: durationSchema.meta({ description: "For the whole run." }),
    concurrency: z.int().min(1).optional().meta({ description: "Steps at once." }),
    context_dir: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "Inside the workspace. Default: ./context." }),
    budget: budgetSchema.optional(),
    create_branch: z.boolean().optional(),
    branch_transition_step: idSchema.optional(),
    expected_work_branch: z.string().min(1).optional(),
    inputs: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, "is not an input's name"), inputSchema)
      .optional(),
    sentinel: sentinelSchema.optional().meta({ description: "Sets `stall` for all steps." }),
    steps: z.record(idSchema, stepSchema).refine((steps) => Object.keys(steps).length > 0, "has no step"),
  })
  .meta({
    title: "AgentCore workflow",
    description: "Steps that agents and scripts work on, in one budget.",
  });
export type WorkflowFile = z.output<typeof workflowFileSchema>;

const agentSchema = z.strictObject({
  worker: workerNameSchema,
  model: z.string().min(1).optional(),
  variant: variantSchema.optional(),
  capabilities: z.array(capabilityNameSchema).optional(),
  workspace: z.string().min(1).optional(),
  timeout: durationSchema.optional(),
  max_steps: z.int().min(1).optional(),
  max_command_time: durationSchema.optional(),
  base_instructions: z
    .string()
    .optional()
    .meta({ description: "Comes before the instructions of each step." }),
  defaultArgs: z.array(z.string()).optional(),
  description: z.string().optional(),
});
export type AgentProfile = z.output<typeof agentSchema>;

export const agentsFileSchema = z
  .strictObject({ version, agents: z.record(idSchema, agentSchema) })
  .meta({ title: "AgentCore agent profiles", description: "Workers with their settings, by name." });

export function workflowJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(workflowFileSchema, { io: "input" });
}

export function agentsJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(agentsFileSchema, { io: "input" });
}
