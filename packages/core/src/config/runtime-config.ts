/**
 * The runtime's configuration as it stands in a YAML file: snake_case keys, durations and sizes with units, unknown keys
 * are errors. Every value has a safe default, so `{}` is a valid configuration: four runs at once, one per workspace, no
 * cost cap. `agentcore schema` publishes it as JSON Schema.
 */
import { durationSchema, lazySchema, spendGateModes } from "@agentcore/contract";
import { z } from "zod";
import {
  breakersSchema,
  pacingSchema,
  providerPauseSchema,
  shutdownSchema,
  watchdogSchema,
} from "./watchdog-config.ts";
import { limitsSchema } from "./limits-config.ts";
import { backpressureSchema, degradeSchema } from "./pressure-config.ts";

export const runtimeConfigSchema = lazySchema(() =>
  z
    .strictObject({
      limits: limitsSchema.prefault({}),
      backpressure: backpressureSchema.prefault({}),
      degrade: degradeSchema.prefault({}),
      breakers: breakersSchema.prefault({}),
      provider_pause: providerPauseSchema.prefault({}),
      watchdog: watchdogSchema.prefault({}),
      pacing: pacingSchema.prefault({}),
      shutdown: shutdownSchema.prefault({}),
      spend_gate: z.enum(spendGateModes).default("auto").meta({
        description:
          "Whether workers reach their provider through the spend gate, which meters every request: `auto` for workers that can use it, `required` to refuse runs of workers that cannot, `off` for none.",
      }),
      workspace_lock: z.boolean().default(true).meta({
        description: "One run at a time in a workspace, and none in a directory above or below it.",
      }),
      permit_ttl: durationSchema
        .prefault("30s")
        .meta({ description: "A permit that is not used within this time is released." }),
    })
    .meta({ description: "Limits and defenses of the runtime." }),
);

/** The parsed configuration: defaults filled in, durations in milliseconds, sizes in bytes. */
export type RuntimeConfig = z.output<typeof runtimeConfigSchema>;
/** The configuration as written. */
export type RuntimeConfigInput = z.input<typeof runtimeConfigSchema>;
