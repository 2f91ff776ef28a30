/** The `breakers`, `provider_pause`, `watchdog`, `pacing` and `shutdown` sections. */
import { durationSchema, lazySchema } from "@agentcore/contract";
import { z } from "zod";

const share = z.number().gt(0).lt(1);

export const breakersSchema = lazySchema(() =>
  z
    .strictObject({
      consecutive_failures: z
        .int()
        .min(1)
        .default(5)
        .meta({ description: "Number of failures in a row that opens a breaker." }),
      failure_share: share
        .default(0.6)
        .meta({ description: "Share of failures among the last `window` runs that opens a breaker." }),
      window: z
        .int()
        .min(2)
        .max(10_000)
        .default(20)
        .meta({ description: "Number of runs that `failure_share` considers." }),
      cool_down: durationSchema
        .prefault("30s")
        .meta({ description: "Time from opening to the first probe; doubles each time a probe fails." }),
      cool_down_max: durationSchema.prefault("10m").meta({ description: "Longest time between probes." }),
      probes: z.int().min(1).max(100).default(1).meta({
        description: "Number of probes at once; as many must succeed to close the breaker.",
      }),
      valve_share: share
        .default(0.5)
        .meta({ description: "Share of open breakers at which only probes are started." }),
      valve_min_open: z
        .int()
        .min(1)
        .default(3)
        .meta({ description: "Minimum number of open breakers for the valve to act." }),
    })
    .meta({ description: "Circuit breakers, one per worker and one per provider and model." }),
);
export type BreakersConfig = z.output<typeof breakersSchema>;

export const providerPauseSchema = lazySchema(() =>
  z
    .strictObject({
      first: durationSchema.prefault("15s").meta({
        description: "Pause if the provider does not say how long; doubles while it keeps refusing.",
      }),
      max: durationSchema
        .prefault("24h")
        .meta({ description: "Longest pause, even if the provider asks for more." }),
      decrease: share
        .default(0.5)
        .meta({ description: "The number of runs in flight is multiplied by this at each refusal." }),
    })
    .meta({
      description:
        "What happens after a provider's rate limit: its target is paused for all jobs, then released one run at a time.",
    }),
);
export type ProviderPauseConfig = z.output<typeof providerPauseSchema>;

export const watchdogSchema = lazySchema(() =>
  z
    .strictObject({
      silence: durationSchema.optional().meta({
        description:
          "Longest silence of a worker with no tool call in flight and no open call to its provider. Default: 10m; `tool_silence` for a worker whose tool calls cannot be seen, such as the shell.",
        examples: ["10m"],
      }),
      silence_max: durationSchema
        .prefault("2h")
        .meta({ description: "Longest silence that a job may request." }),
      tool_silence: durationSchema
        .prefault("2h")
        .meta({ description: "Longest silence of a worker while a tool call is in flight." }),
      first_byte: durationSchema.optional().meta({
        description:
          "Longest wait for the first byte of a response, retries included. Needs the spend gate. Default: 20m, or the limit for silence if that is longer.",
        examples: ["20m"],
      }),
      stream_silence: durationSchema.optional().meta({
        description:
          "Longest pause in a response that is being received. Needs the spend gate. Default: 10m, or the limit for silence if that is longer.",
        examples: ["10m"],
      }),
      exit_after_end: durationSchema.prefault("2m").meta({
        description:
          "Time that a worker has to exit after it reported its end. Then its processes are ended, and its result counts.",
      }),
      no_progress: durationSchema.optional().meta({
        description:
          "Longest time without a tool call, tool result, file change, text or usage, with no tool call in flight, however much is printed. An open call does not count. Default: 30m for a worker that uses the spend gate and reports its tool calls, else off.",
        examples: ["30m"],
      }),
      cancel_slow: durationSchema
        .prefault("30s")
        .meta({ description: "A run that has not stopped this long after it was asked to is escalated." }),
      concentration_runs: z.int().min(2).max(1000).default(10).meta({
        description: "Number of recent runs of a worker, or in a workspace, that are considered together.",
      }),
      concentration_share: z
        .number()
        .gt(0)
        .max(1)
        .default(0.8)
        .meta({ description: "Share of failures among them at which the watchdog acts." }),
      concentration_within: durationSchema
        .prefault("15m")
        .meta({ description: "Older runs are not considered." }),
      step: durationSchema
        .prefault("1m")
        .meta({ description: "Time that a defense is given to work before the next stage." }),
      isolation: durationSchema
        .prefault("15m")
        .meta({ description: "How long a worker or a workspace stays isolated." }),
      isolated_workers_max: z
        .int()
        .min(1)
        .default(3)
        .meta({ description: "Workers isolated at once at which everything is stopped." }),
      uncontained_max: z
        .int()
        .min(1)
        .default(3)
        .meta({ description: "Runs that could not be emptied at which everything is stopped." }),
    })
    .meta({
      description: "The watchdog: limits of a run, and the staged defense against failures in a row.",
    }),
);
export type WatchdogConfig = z.output<typeof watchdogSchema>;

const pacesSchema = lazySchema(() =>
  z.record(z.string().min(1), z.strictObject({ min_interval: durationSchema })).default({}),
);

export const pacingSchema = lazySchema(() =>
  z
    .strictObject({
      provider_interval: durationSchema.prefault("100ms").meta({
        description:
          "Least time between two starts of runs at one provider; 0ms for none. A worker without a provider, such as the shell, is not paced.",
      }),
      providers: pacesSchema.meta({
        description: "By provider: its least time, in place of `provider_interval`.",
      }),
      workers: pacesSchema.meta({
        description: "By worker: least time between two starts of runs that already have their permit.",
      }),
    })
    .meta({ description: "Spreads starts in time. Makes no decisions: limits belong to `limits`." }),
);
export type PacingConfig = z.output<typeof pacingSchema>;

export const shutdownSchema = lazySchema(() =>
  z
    .strictObject({
      grace: durationSchema.prefault("10s").meta({
        description: "Time that running workers have to exit when the runtime closes; then they are killed.",
      }),
    })
    .meta({ description: "How the runtime closes." }),
);
