/**
 * The schema of the configuration file: the runtime's sections (limits, breakers, watchdog and others), and those of the
 * command line: workers, defaults of runs, and the state directory. Unknown keys are errors. `agentcore schema` publishes
 * it.
 */
import {
  capabilitySchema,
  dedupSchema,
  durationSchema,
  lazySchema,
  spendGateModes,
  storeUrlProblem,
} from "@agentcore/contract";
import { runtimeConfigSchema } from "@agentcore/core";
import { providersSchema } from "@agentcore/spend-gate";
import * as z from "zod";
import { envText, type Environment } from "@agentcore/yaml-file";

const storeUrl = (env: Environment) =>
  envText(env).refine((url) => storeUrlProblem(url) === null, {
    error: ({ input }) => storeUrlProblem(String(input)),
  });

function workerSchema(env: Environment) {
  return z
    .strictObject({
      adapter: z.string().min(1).optional().meta({
        description:
          "Package name of the adapter, or its path relative to this file (`./my-adapter.js`). Built-in workers need none.",
      }),
      program: envText(env).optional().meta({
        description: "Path of the worker's program, instead of the search on PATH. `${NAME}` is expanded.",
      }),
      home: z.enum(["own", "user"]).optional().meta({
        description:
          "HOME of the worker: `own` is an empty directory for each run, `user` is the caller's HOME with its logins. Default: `user` if the credential comes from a login, otherwise `own`.",
      }),
      spend_gate: z.enum(spendGateModes).optional().meta({
        description:
          "Whether this worker reaches its provider through the spend gate. Default: the file's `spend_gate`.",
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
      worker: z.string().min(1).optional().meta({ description: "Worker for tasks that name none." }),
      capabilities: z
        .array(capabilitySchema)
        .optional()
        .meta({ description: "What the worker may do. Default: read." }),
      model: z.string().min(1).optional().meta({ description: "Model, by the worker's name for it." }),
      timeout: durationSchema.optional().meta({ description: "Time limit of one attempt. Default: 30m." }),
      max_cost: z
        .number()
        .positive()
        .optional()
        .meta({ description: "US dollars for all attempts together." }),
      max_tokens: z.int().positive().optional().meta({ description: "Tokens for all attempts together." }),
      max_attempts: z
        .int()
        .min(1)
        .max(100)
        .optional()
        .meta({ description: "Maximum number of attempts. Default: 1." }),
      dedup: dedupSchema
        .optional()
        .meta({ description: "What happens while a job with the same key is unfinished." }),
    })
    .meta({ description: "Defaults of `run` and `submit` for options that are not on the command line." }),
);

const dollarsPerMillion = z.number().nonnegative().max(1_000_000);

const priceSchema = lazySchema(() =>
  z
    .strictObject({
      input: dollarsPerMillion.meta({ description: "US dollars per million input tokens.", examples: [3] }),
      cached_input: dollarsPerMillion.optional().meta({
        description:
          "US dollars per million input tokens from the provider's cache. Default: the price of `input`.",
      }),
      cache_write: dollarsPerMillion.optional().meta({
        description:
          "US dollars per million input tokens written to a cache that lives 5 minutes. Default: the price of `input`.",
      }),
      cache_write_1h: dollarsPerMillion.optional().meta({
        description:
          "US dollars per million input tokens written to a cache that lives 1 hour. Default: the price of `cache_write`.",
      }),
      output: dollarsPerMillion.meta({
        description: "US dollars per million output tokens.",
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
          "Directory for jobs, logs and artifacts, relative to this file. `${NAME}` is expanded. Default: $XDG_STATE_HOME/agentcore.",
      }),
      store: storeUrl(env).optional().meta({
        description:
          "URL of a PostgreSQL database that several machines share, such as `postgres://agents@db.example.com/agentcore`. `${NAME}` is expanded. The variable AGENTCORE_STORE wins. Default: the file state.db in the state directory.",
      }),
      host: z
        .strictObject({
          name: z.string().min(1).max(200).optional().meta({
            description:
              "Name in `agentcore hosts`, unique among the hosts of a store. Default: the machine's host name.",
          }),
        })
        .prefault({})
        .meta({ description: "This process as a host, which works on the queue." }),
      keep_ended: durationSchema.prefault("7d").meta({
        description:
          "How long succeeded and cancelled jobs, and ended workflow runs, are kept. Dead letters stay until they are purged.",
      }),
      cache: z
        .strictObject({
          max_bytes: z
            .int()
            .min(0)
            .default(1024 ** 3)
            .meta({ description: "Of all stored results of workflow steps together. Default: 1 GiB." }),
        })
        .prefault({})
        .meta({ description: "Results of workflow steps with `cache`, kept in the state directory." }),
      defaults: defaultsSchema.prefault({}),
      workers: z
        .record(
          z.string().regex(/^[a-z][a-z0-9-]*$/, "is not a worker's name (lower case, digits, -)"),
          workerSchema(env),
        )
        .default({})
        .meta({
          description: "Workers by name: settings of built-in workers, and other workers with their adapter.",
        }),
      prices: z.record(z.string().min(1), priceSchema).default({}).meta({
        description:
          "Prices by model (`my-model`) or by provider and model (`openai/my-model`), overriding the built-in list.",
      }),
      unpriced: z.enum(["charge_ceiling", "refuse", "zero"]).default("charge_ceiling").meta({
        description:
          "What a run costs whose worker reports no cost and whose model has no price: `charge_ceiling` charges all that it was allowed to spend, `zero` charges nothing (no cost limit stops it then), and `refuse` refuses the run before it starts.",
      }),
      providers: providersSchema,
      ...runtimeConfigSchema.unwrap().shape,
    })
    .meta({ title: "agentcore.yaml", description: "Configuration of AgentCore." });
}

/** The parsed configuration: defaults filled in, durations in milliseconds, sizes in bytes. */
export type Config = z.output<ReturnType<typeof configSchema>>;

/** As written. */
export type ConfigInput = z.input<ReturnType<typeof configSchema>>;

/** The published JSON Schema of the file. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configSchema({}), { io: "input" });
}
