/** The schema of the entries of `triggers`. */
import { dedupSchema, durationSchema } from "@agentcore/contract";
import {
  capabilityNameSchema,
  envText,
  idSchema,
  variableNameSchema,
  workerNameSchema,
  type Environment,
} from "@agentcore/yaml-file";
import { z } from "zod";
import { checkedText } from "./event-schema.ts";

export const budgetSchema = z
  .strictObject({
    cost_usd: z.number().positive().optional().meta({ description: "US dollars." }),
    tokens: z.int().positive().optional().meta({ description: "Input and output tokens together." }),
    per: z
      .enum(["hour", "day", "month"])
      .meta({ description: "Window; a new one begins with nothing spent." }),
  })
  .refine(({ cost_usd: cost, tokens }) => cost !== undefined || tokens !== undefined, {
    error: "limits nothing; write cost_usd or tokens",
  })
  .meta({
    description: "What runs may spend in each window.",
    anyOf: [{ required: ["cost_usd"] }, { required: ["tokens"] }],
  });

const patternCharsMax = 1000;
const listMax = 1000;
const rulesMax = 50;

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const conditionSchema = z
  .strictObject({
    pattern: checkedText(patternProblem)
      .optional()
      .meta({ description: "Regular expression that the text matches somewhere." }),
    in: z.array(scalar).min(1).max(listMax).optional().meta({ description: "Values, one of which it is." }),
  })
  .refine((rule) => (rule.pattern === undefined) !== (rule.in === undefined), {
    error: "write either pattern or in",
  })
  .meta({ oneOf: [{ required: ["pattern"] }, { required: ["in"] }] });

function patternProblem(pattern: string): string | null {
  if (pattern.length > patternCharsMax) return `is longer than ${patternCharsMax} characters`;
  const compiled = compile(pattern);
  return typeof compiled === "string" ? `is not a regular expression: ${compiled}` : null;
}

/** The error as text if it cannot be compiled. */
function compile(pattern: string): RegExp | string {
  try {
    return new RegExp(pattern);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return error.message.replace(/^Invalid regular expression: /, "");
  }
}

const filterSchema = z
  .record(
    z.string().regex(/^[^.]+(?:\.[^.]+)*$/, "is not a path, such as body.action"),
    z.union([...scalar.options, conditionSchema], {
      error: "write a value, { pattern: REGEX } or { in: [VALUES] }",
    }),
  )
  .refine((rules) => Object.keys(rules).length <= rulesMax, { error: `has more than ${rulesMax} conditions` })
  .meta({ description: "Conditions on fields of the event, by dotted path; all must hold." });

const who = {
  worker: workerNameSchema.optional(),
  agent: idSchema.optional().meta({ description: "An agent profile of `agents_file`." }),
  instructions: z
    .string()
    .min(1)
    .meta({ description: "The prompt; for the shell worker a script. May hold {{ … }}." }),
  capabilities: z
    .array(capabilityNameSchema)
    .optional()
    .meta({ description: "What the worker may do; needed with `worker`." }),
} as const;

const timeout = durationSchema.refine((ms) => ms > 0, { error: "is no time at all" }).optional();

/** The rules of `check-triggers.ts` that a schema can express, for editors. */
const oneWho = { oneOf: [{ required: ["worker", "capabilities"] }, { required: ["agent"] }] };

const evaluateSchema = z
  .strictObject({ ...who, timeout: timeout.meta({ description: "Default: 30s." }) })
  .meta({ description: "Decides whether the event starts a run.", ...oneWho });

const outputsMax = 50;

const analyzeSchema = z
  .strictObject({
    ...who,
    timeout: timeout.meta({ description: "Default: 2m." }),
    outputs: z
      .array(
        z.strictObject({
          name: idSchema.meta({ description: "Name of the output." }),
          path: z.string().min(1).meta({ description: "File in the workspace." }),
        }),
      )
      .max(outputsMax)
      .optional()
      .meta({ description: "Files that it leaves." }),
  })
  .meta({ description: "Runs after a run that succeeded.", ...oneWho });

const contextSchema = z
  .strictObject({
    env: z
      .record(variableNameSchema, z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .meta({ description: "Environment variables of the run, by name." }),
    last_result: z
      .boolean()
      .optional()
      .meta({ description: "Whether .daemon-context/last-result.json is written. Default: false." }),
    event_payload: z
      .boolean()
      .optional()
      .meta({ description: "Whether .daemon-context/event.json is written. Default: false." }),
  })
  .meta({ description: "What a run knows of its event." });

const moment = z.iso
  .datetime({ offset: true, error: "is not a moment with its offset, such as 2026-12-01T09:00:00Z" })
  .transform((text) => Date.parse(text));

/** Attempts, waiting events and others are counted in memory. */
const queueMax = 10_000;
const retriesMax = 99;
const chainMax = 100;

export const triggerSchema = (env: Environment) =>
  z
    .strictObject({
      on: idSchema.meta({ description: "The entry of `events` that it waits for." }),
      workflow: envText(env)
        .refine((text) => text !== "", { error: "is empty; write something" })
        .meta({ description: "Workflow file, relative to the workspace. `${NAME}` is expanded." }),
      enabled: z.boolean().optional().meta({ description: "Whether it fires at all. Default: true." }),
      filter: filterSchema.optional(),
      debounce: durationSchema.optional().meta({
        description: "Quiet period: only the last of events that follow each other faster starts a run.",
      }),
      cooldown: durationSchema
        .optional()
        .meta({ description: "Pause after the end of a run, before the next one." }),
      max_queue: z
        .int()
        .min(1)
        .max(queueMax)
        .optional()
        .meta({ description: "Events that may wait; beyond it the oldest is dropped. Default: 10." }),
      on_workflow_failure: z.enum(["ignore", "retry", "pause_trigger"]).optional().meta({
        description:
          "ignore (default): wait for the next event; retry: run again; pause_trigger: pause after `max_retries` failures in a row.",
      }),
      max_retries: z
        .int()
        .min(0)
        .max(retriesMax)
        .optional()
        .meta({ description: "For on_workflow_failure. Default: 3." }),
      evaluate: evaluateSchema.optional(),
      analyze: analyzeSchema.optional(),
      context: contextSchema.optional(),
      key: z.string().min(1).optional().meta({
        description:
          "Idempotency key, such as {{event.body.id}}: `dedup` says what a second event with it does.",
      }),
      dedup: dedupSchema
        .optional()
        .meta({ description: "What an event does whose key is taken. Default: coalesce." }),
      budget: budgetSchema.optional(),
      overlap: z.enum(["skip", "buffer_one", "buffer_all", "cancel_other", "allow_all"]).optional().meta({
        description: "What an event does while a run of this trigger is going. Default: buffer_all.",
      }),
      jitter: durationSchema.optional().meta({ description: "A run waits a random time up to this." }),
      start_at: moment.optional().meta({ description: "No run begins before this moment." }),
      end_at: moment.optional().meta({ description: "No run begins from this moment on." }),
      max_runs: z.int().min(1).optional().meta({ description: "The trigger ends after as many runs." }),
      max_chain_depth: z
        .int()
        .min(0)
        .max(chainMax)
        .optional()
        .meta({ description: "Runs that lead to each other; one more is skipped. Default: 3." }),
    })
    .meta({ description: "Which event starts which workflow, and when." });

export type FileTrigger = z.output<ReturnType<typeof triggerSchema>>;
export type FileBudget = z.output<typeof budgetSchema>;
