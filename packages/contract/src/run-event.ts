/**
 * The events of a job, from submit to terminal state. Screens, `--json`, `why`, logs and metrics subscribe to this one
 * stream. Every decision in it has its code and evidence.
 */
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";
import { permitRecordSchema, evidenceSchema } from "./permit.ts";
import { workerResultSchema } from "./result.ts";
import { workerEventSchema } from "./worker-event.ts";

const base = { jobId: z.string(), at: z.number() };
const decision = { code: z.string(), message: z.string(), evidence: evidenceSchema };

export const runEventSchema = lazySchema(() =>
  z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("job_submitted"), ...base, deduplicated: z.boolean() }),
    z.strictObject({
      type: z.literal("permit_granted"),
      ...base,
      attempt: z.int(),
      permit: permitRecordSchema,
    }),
    z.strictObject({
      type: z.literal("permit_deferred"),
      ...base,
      attempt: z.int(),
      retryAfterMs: z.number(),
      ...decision,
    }),
    z.strictObject({ type: z.literal("permit_rejected"), ...base, attempt: z.int(), ...decision }),
    z.strictObject({
      type: z.literal("attempt_started"),
      ...base,
      attempt: z.int(),
      worker: z.string(),
      /** The job's, where it has one. */
      traceparent: z.string().optional(),
    }),
    z.strictObject({ type: z.literal("worker_event"), ...base, attempt: z.int(), event: workerEventSchema }),
    z.strictObject({ type: z.literal("attempt_stopping"), ...base, attempt: z.int(), ...decision }),
    z.strictObject({
      type: z.literal("attempt_ended"),
      ...base,
      attempt: z.int(),
      result: workerResultSchema,
    }),
    z.strictObject({
      type: z.literal("retry_scheduled"),
      ...base,
      attempt: z.int(),
      delayMs: z.number(),
      ...decision,
    }),
    /** Number of worker events that a slow subscriber did not receive; the logs have them. */
    z.strictObject({ type: z.literal("events_dropped"), ...base, count: z.int().positive() }),
    z.strictObject({ type: z.literal("job_ended"), ...base, outcome: z.string(), attempts: z.int() }),
    z.strictObject({
      type: z.literal("escalation"),
      ...base,
      stage: z.string(),
      target: z.string(),
      ...decision,
    }),
  ]),
);
export type RunEvent = z.infer<typeof runEventSchema>;

/**
 * The first line of `--json` if there is a configuration file: which file is in effect, and which of its settings are
 * ignored. It applies to the command, not to a job.
 */
export const configurationEventSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("configuration"),
    /** The file in effect; null if there is none. */
    path: z.string().nullable(),
    /** `named`: with --config. `trusted`: found and trusted. `untrusted`: found, only its limits count. */
    standing: z.enum(["named", "trusted", "untrusted"]).nullable(),
    /** Ignored settings of the file, as paths such as `workers.mine`. */
    ignored: z.array(z.string()),
    /** A file that was found but not read, because another user can change it. */
    refused: z.strictObject({ path: z.string(), reason: z.string() }).nullable(),
  }),
);
export type ConfigurationEvent = z.infer<typeof configurationEventSchema>;

/** The last line of `--json`: its fields are part of the public interface. Unknown values are null. */
export const resultLineSchema = lazySchema(() => {
  const { shape } = workerResultSchema.unwrap();
  return z.strictObject({
    type: z.literal("result"),
    jobId: z.string(),
    outcome: shape.outcome,
    errorClass: shape.errorClass,
    code: shape.code,
    summary: shape.summary,
    costUsd: shape.costUsd,
    costBasis: shape.costBasis,
    usage: shape.usage,
    artifacts: shape.artifacts,
    session: shape.session,
    durationMs: shape.durationMs,
    attempts: z.int().nonnegative(),
    observations: shape.observations,
    containment: shape.containment,
  });
});
export type ResultLine = z.infer<typeof resultLineSchema>;
