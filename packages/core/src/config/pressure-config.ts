/** The `backpressure` and `degrade` sections: when the machine is short of a resource, and what is then reduced. */
import { capabilitySchema, durationSchema, lazySchema } from "@agentcore/contract";
import { z } from "zod";
import { byteSizeSchema } from "./byte-size.ts";

const share = z.number().min(0).max(1);
const percent = z.number().min(0).max(100);

const levelsOf = <T extends z.ZodType>(value: T, description: string) =>
  z
    .strictObject({ degrade: value.optional(), defer: value.optional(), reject: value.optional() })
    .meta({ description });

export const backpressureSchema = lazySchema(() =>
  z
    .strictObject({
      sample_every: durationSchema
        .prefault("1s")
        .meta({ description: "Time between two samples of the machine." }),
      recovery: durationSchema
        .prefault("10s")
        .meta({ description: "Time that every signal must stay better before the level falls by one." }),
      recovery_margin: share
        .default(0.2)
        .meta({ description: "How much better than its threshold a signal must be to count as recovered." }),
      event_loop_delay: levelsOf(
        durationSchema,
        "Delay of the runtime's event loop (99th percentile) at or above.",
      ).prefault({ degrade: "250ms", defer: "1s", reject: "5s" }),
      memory_available: levelsOf(byteSizeSchema, "Memory available on the machine at or below.").prefault({
        degrade: "512MiB",
        defer: "256MiB",
        reject: "128MiB",
      }),
      memory_pressure: levelsOf(
        percent,
        "Share of time in which some task waited for memory (pressure-stall information, 10 s average, percent), at or above.",
      ).prefault({ degrade: 20, defer: 40 }),
      disk_free: levelsOf(byteSizeSchema, "Free disk space for the state directory at or below.").prefault({
        defer: "1GiB",
        reject: "256MiB",
      }),
      in_flight_share: levelsOf(
        share,
        "Runs in progress, as a share of the global concurrency, at or above.",
      ).prefault({}),
      queue_lag: levelsOf(
        durationSchema,
        "Wait of the oldest job in the scheduler's queue at or above.",
      ).prefault({}),
    })
    .meta({
      description:
        "Signals and thresholds of backpressure. Each signal has levels degrade, defer and reject; the worst one decides.",
    }),
);
export type BackpressureConfig = z.output<typeof backpressureSchema>;

const factor = z.number().gt(0).max(1);

export const degradeSchema = lazySchema(() =>
  z
    .strictObject({
      cost_factor: factor.default(1).meta({ description: "Cost ceilings are multiplied by this." }),
      tokens_factor: factor.default(1).meta({ description: "Token ceilings are multiplied by this." }),
      timeout_factor: factor.default(1).meta({ description: "Wall-clock limits are multiplied by this." }),
      models: z
        .record(z.string().min(1), z.string().min(1))
        .default({})
        .meta({ description: "Model to use instead, by the model asked for." }),
      drop_capabilities: z
        .array(capabilitySchema)
        .default([])
        .meta({ description: "Capabilities not granted while degraded." }),
      when_budget_is_short: z.boolean().default(false).meta({
        description:
          "Grant the rest of a budget if less is left than a job requested. A ceiling that no job requested (`limits.attempt`) is always reduced to what is left.",
      }),
      min_share: factor
        .default(0.25)
        .meta({ description: "Smallest part of a ceiling worth granting; below it the request is refused." }),
    })
    .meta({
      description: "What a degraded permit is granted less of. The factors apply at backpressure `degrade`.",
    }),
);
export type DegradeConfig = z.output<typeof degradeSchema>;
