/** The `limits` section of the configuration: the budget tree, from the whole runtime down to one attempt. */
import { durationSchema, lazySchema } from "@agentcore/contract";
import { z } from "zod";
import { byteSizeSchema } from "./byte-size.ts";
import { costUsdMax } from "../ledger/ledger.ts";

const concurrencySchema = lazySchema(() =>
  z
    .int()
    .min(1)
    .max(10_000)
    .meta({ description: "Runs in progress at once.", examples: [4] }),
);

const startRateSchema = lazySchema(() =>
  z
    .strictObject({
      count: z.int().min(1).max(1_000_000).meta({ description: "Starts allowed in each period." }),
      per: durationSchema.refine((ms) => ms > 0, "a period of 0 allows no rate; write 1s or more"),
    })
    .meta({
      description:
        "Starts per period, as a token bucket: up to `count` at once, then one every `per / count`.",
      examples: [{ count: 10, per: "1m" }],
    }),
);

const costUsdSchema = lazySchema(() =>
  z
    .number()
    .positive()
    .max(costUsdMax)
    .meta({ description: "US dollars.", examples: [25] }),
);
const tokensSchema = lazySchema(() =>
  z
    .int()
    .positive()
    .max(1e12)
    .meta({ description: "Tokens, input and output together.", examples: [5_000_000] }),
);

const windowsOf = (amount: typeof costUsdSchema | typeof tokensSchema, what: string) =>
  z
    .strictObject({
      hour: amount.optional(),
      day: amount.optional(),
      month: amount.optional(),
      total: amount.optional(),
    })
    .meta({
      description: `Most ${what} per window. Windows are calendar hours, days and months in UTC; \`total\` never ends.`,
    });

/** Limits of one scope of the tree: the whole runtime, a tenant, a worker or a provider. */
const scopeLimitsSchema = lazySchema(() =>
  z.strictObject({
    concurrency: concurrencySchema.optional(),
    start_rate: startRateSchema.optional(),
    cost_usd: windowsOf(costUsdSchema, "US dollars").optional(),
    tokens: windowsOf(tokensSchema, "tokens").optional(),
  }),
);
export type ScopeLimits = z.output<typeof scopeLimitsSchema>;

const jobLimitsConfigSchema = lazySchema(() =>
  z
    .strictObject({
      attempts: z.int().min(1).max(100).default(10).meta({ description: "Most attempts of a job." }),
      timeout: durationSchema.prefault("24h").meta({
        description: "Longest time limit of one attempt; a longer request is shortened to this.",
      }),
      cost_usd: costUsdSchema
        .optional()
        .meta({ description: "Most US dollars for all attempts of a job together." }),
      tokens: tokensSchema
        .optional()
        .meta({ description: "Most tokens for all attempts of a job together." }),
    })
    .meta({ description: "Ceilings of every job, regardless of its request." }),
);

const callsSchema = z.int().min(1).max(1_000_000);

export const attemptLimitsSchema = lazySchema(() =>
  z
    .strictObject({
      cost_usd: costUsdSchema.default(5).meta({
        description: "Ceiling of an attempt whose job names none, held if a cost budget applies.",
      }),
      tokens: tokensSchema.default(5_000_000).meta({
        description: "Ceiling of an attempt whose job names none, held if a token budget applies.",
      }),
      response_cost_usd: costUsdSchema.default(0.25).meta({
        description:
          "Maximum charge of an attempt that ended before its first response, for the request that may have been in progress.",
      }),
      response_tokens: tokensSchema.default(100_000).meta({ description: "The same in tokens." }),
      plausible_cost_usd: costUsdSchema.default(1000).meta({
        description:
          "Highest reported cost of an attempt that is believed; a higher report is reduced to this and flagged `estimated`. Twice the attempt's ceiling, if that is more.",
      }),
      plausible_tokens: tokensSchema.default(10_000_000_000).meta({ description: "The same in tokens." }),
      calls: callsSchema.optional().meta({
        description:
          "Most requests of an attempt to its provider, through the spend gate. Default: no limit.",
        examples: [500],
      }),
      calls_in_flight: callsSchema.optional().meta({
        description: "Most of them at once. Default: no limit.",
        examples: [16],
      }),
      identical_calls: callsSchema.min(2).default(20).meta({
        description:
          "An attempt that sends this many requests in a row that ask for the same is stopped as a loop. Repeats after a failure of the provider do not count.",
      }),
    })
    .meta({
      description:
        "What an attempt holds of the budgets above it, how far its own reports are believed, and what it may send through the spend gate.",
    }),
);
export type AttemptLimits = z.output<typeof attemptLimitsSchema>;

/** With less memory, no shell and no worker starts. */
const memoryMin = 16 * 2 ** 20;

const runLimitsSchema = lazySchema(() =>
  z
    .strictObject({
      processes: z
        .int()
        .min(1)
        .max(4_000_000)
        .optional()
        .meta({ description: "Processes and threads at once. Default: no limit.", examples: [512] }),
      memory: byteSizeSchema
        .refine((bytes) => bytes >= memoryMin, "less than 16MiB starts no worker")
        .optional()
        .meta({
          description:
            "Memory of the whole run if its cgroup has the memory controller, else data of each process. Default: no limit.",
          examples: ["4GiB"],
        }),
      file_size: byteSizeSchema
        .refine((bytes) => bytes >= 512, "must be 512B or more")
        .optional()
        .meta({
          description: "Size of each file that the run writes. Default: no limit.",
          examples: ["2GiB"],
        }),
    })
    .meta({
      description:
        "Limits of what one run may use of the machine; `agentcore doctor` says what enforces them.",
    }),
);

export const limitsSchema = lazySchema(() =>
  z
    .strictObject({
      global: scopeLimitsSchema
        .unwrap()
        .extend({ concurrency: concurrencySchema.default(4) })
        .prefault({})
        .meta({ description: "Limits of everything together." }),
      tenants: z.record(z.string().min(1), scopeLimitsSchema).default({}).meta({
        description: "Limits by tenant; `default` holds for every tenant not named, each separately.",
      }),
      workers: z
        .record(z.string().min(1), scopeLimitsSchema)
        .default({})
        .meta({ description: "Limits by worker, such as `codex`." }),
      providers: z
        .record(z.string().min(1), scopeLimitsSchema)
        .default({})
        .meta({ description: "Limits by provider, such as `anthropic`." }),
      job: jobLimitsConfigSchema.prefault({}),
      attempt: attemptLimitsSchema.prefault({}),
      run: runLimitsSchema.prefault({}),
    })
    .meta({
      description:
        "The budget tree. A run holds from every scope it belongs to: global, tenant, worker, provider, job.",
    }),
);
