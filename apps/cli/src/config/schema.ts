/**
 * The configuration file as a whole: the runtime's own sections (limits, breakers, watchdog and the rest), and what only
 * the command line knows: which workers there are, what a run gets that names nothing, where state is kept. Unknown keys
 * are errors. `agentcore schema` publishes it.
 */
import { capabilitySchema, dedupSchema, durationSchema, lazySchema } from "@agentcore/contract";
import { runtimeConfigSchema } from "@agentcore/core";
import * as z from "zod";
import { envText, type Environment } from "./env-text.ts";

function workerSchema(env: Environment) {
  return z
    .strictObject({
      adapter: z.string().min(1).optional().meta({
        description:
          "Package name of the adapter, or its path from this file (`./my-adapter.js`). Built-in workers need none.",
      }),
      program: envText(env).optional().meta({
        description: "Path of the worker's program, instead of the search on PATH. `${NAME}` is expanded.",
      }),
      home: z.enum(["own", "user"]).optional().meta({
        description:
          "HOME of the worker: `own` is an empty one for each run, `user` the caller's, with its logins. Default: the user's where the credential comes from a login, otherwise its own.",
      }),
      settings: z
        .record(z.string(), z.json())
        .default({})
        .meta({ description: "Settings of the worker, as its adapter documents them." }),
      env_pass: z
        .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not the name of an environment variable"))
        .default([])
        .meta({
          description: "Names of environment variables that the worker gets from the caller's environment.",
        }),
    })
    .meta({ description: "One worker." });
}

const defaultsSchema = lazySchema(() =>
  z
    .strictObject({
      worker: z.string().min(1).optional().meta({ description: "Worker of a task that names none." }),
      capabilities: z
        .array(capabilitySchema)
        .optional()
        .meta({ description: "What the worker may do. Default: read." }),
      model: z.string().min(1).optional().meta({ description: "Model, as the worker knows it." }),
      timeout: durationSchema.optional().meta({ description: "Wall clock of one attempt. Default: 30m." }),
      max_cost: z
        .number()
        .positive()
        .optional()
        .meta({ description: "US dollars for all attempts together." }),
      max_tokens: z.int().positive().optional().meta({ description: "Tokens for all attempts together." }),
      max_attempts: z.int().min(1).max(100).optional().meta({ description: "Attempts in all. Default: 1." }),
      dedup: dedupSchema
        .optional()
        .meta({ description: "What happens while a job with the same key is unfinished." }),
    })
    .meta({ description: "What `run` and `submit` use where the command line says nothing." }),
);

const dollarsPerMillion = z.number().nonnegative().max(1_000_000);

const priceSchema = lazySchema(() =>
  z
    .strictObject({
      input: dollarsPerMillion.meta({ description: "US dollars for a million input tokens.", examples: [3] }),
      cached_input: dollarsPerMillion.optional().meta({
        description: "The same for input from the provider's cache. Default: as `input`.",
      }),
      output: dollarsPerMillion.meta({
        description: "US dollars for a million output tokens.",
        examples: [15],
      }),
    })
    .meta({ description: "Price of one model." }),
);

/** The schema for one environment, from which `${NAME}` is expanded. */
export function configSchema(env: Environment) {
  return z
    .strictObject({
      state_dir: envText(env).optional().meta({
        description:
          "Where jobs, logs and artifacts are kept; relative to this file. `${NAME}` is expanded. Default: $XDG_STATE_HOME/agentcore.",
      }),
      keep_ended: durationSchema.prefault("7d").meta({
        description:
          "How long jobs that succeeded or were cancelled, and workflow runs that ended, are kept. Dead jobs stay until they are purged.",
      }),
      defaults: defaultsSchema.prefault({}),
      workers: z
        .record(
          z.string().regex(/^[a-z][a-z0-9-]*$/, "is not a worker's name (lower case, digits, -)"),
          workerSchema(env),
        )
        .default({})
        .meta({
          description: "Workers by name: settings of the built-in ones, and further ones with their adapter.",
        }),
      prices: z.record(z.string().min(1), priceSchema).default({}).meta({
        description:
          "Prices by model (`my-model`) or by provider and model (`openai/my-model`), before those of the built-in list.",
      }),
      ...runtimeConfigSchema.unwrap().shape,
    })
    .meta({ title: "agentcore.yaml", description: "Configuration of AgentCore." });
}

/** As read: defaults filled in, durations in milliseconds, sizes in bytes. */
export type Config = z.output<ReturnType<typeof configSchema>>;

/** As written. */
export type ConfigInput = z.input<ReturnType<typeof configSchema>>;

/** The published JSON Schema of the file. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configSchema({}), { io: "input" });
}
