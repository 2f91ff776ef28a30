/** The job that a caller submits. Its limits are ceilings: the runtime's limits also apply, and the lower one wins. */
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";
import { errorClassSchema } from "./error-class.ts";
import { workerTaskSchema } from "./task.ts";

export const prioritySchema = lazySchema(() =>
  z.strictObject({
    /** `interactive` runs before `batch`, regardless of `value`. */
    class: z.enum(["interactive", "batch"]).default("batch"),
    /** Higher first within a class; -1000 to 1000. */
    value: z.int().min(-1000).max(1000).default(0),
  }),
);
export type Priority = z.infer<typeof prioritySchema>;

/** What happens if an unfinished job has the same key. */
export const dedupSchema = z.enum(["coalesce", "latest-wins", "reject"]);
export type Dedup = z.infer<typeof dedupSchema>;

export const jobLimitsSchema = lazySchema(() =>
  z.strictObject({
    /** Time limit of one attempt, in ms. Default 30 minutes. */
    timeoutMs: z
      .int()
      .positive()
      .max(7 * 86_400_000)
      .default(30 * 60_000),
    /** Maximum number of attempts, including crashed ones. Default 1: a task is repeated only if the caller allows it. */
    maxAttempts: z.int().min(1).max(100).default(1),
    /** Ceiling for all attempts together, in US dollars. */
    maxCostUsd: z.number().positive().optional(),
    /** Ceiling for all attempts together, input and output. */
    maxTokens: z.int().positive().optional(),
    /** Longest silence with no tool call in flight, in ms. Default: the runtime's limit. */
    silenceTimeoutMs: z.int().positive().optional(),
    /**
     * Deadline in ms since the epoch: no attempt starts later (`AC_DEADLINE_PASSED`), and a running attempt is stopped
     * then. Default: none.
     */
    deadline: z.number().nonnegative().optional(),
  }),
);
export type JobLimits = z.infer<typeof jobLimitsSchema>;

export const retryPolicySchema = lazySchema(() =>
  z.strictObject({
    /** First delay in ms; doubles with each attempt, with full jitter. Default 1 s. */
    baseDelayMs: z.int().nonnegative().default(1000),
    /** Longest delay in ms. Default 5 minutes. A provider's retry-after may exceed it. */
    maxDelayMs: z.int().positive().default(300_000),
    /** Classes to retry instead of the defaults of `errorClassTraits`. */
    retryOn: z.array(errorClassSchema).optional(),
  }),
);
export type RetryPolicy = z.infer<typeof retryPolicySchema>;

/** W3C Trace Context, level 1; later versions may append fields. */
export const traceparentSchema = lazySchema(() =>
  z
    .string()
    .regex(
      /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[\x21-\x7e]*)?$/,
      "not a W3C traceparent, such as 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
);

export const jobContextSchema = lazySchema(() =>
  z.strictObject({
    /** The caller's place in its trace. Workers get it as `TRACEPARENT`, and each `attempt_started` names it. */
    traceparent: traceparentSchema.optional(),
    tenant: z.string().min(1).optional(),
    labels: z.record(z.string(), z.string()).default({}),
  }),
);
export type JobContext = z.infer<typeof jobContextSchema>;

/**
 * The id of a job: a UUIDv7, or any text that the caller chose, up to 512 characters. It is printed and passed in the
 * environment of workers, so control characters are refused.
 */
export const jobIdSchema = lazySchema(() =>
  z
    .string()
    .min(1)
    .max(512)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, "an id has no control characters"),
);

export const jobSchema = lazySchema(() =>
  z.strictObject({
    id: jobIdSchema,
    priority: prioritySchema.prefault({}),
    /** Idempotency key, held from submit to the terminal state. */
    key: z.string().min(1).max(512).optional(),
    dedup: dedupSchema.default("coalesce"),
    task: workerTaskSchema,
    limits: jobLimitsSchema.prefault({}),
    retry: retryPolicySchema.optional(),
    /** Earliest start, in ms since the epoch. */
    notBefore: z.number().nonnegative().optional(),
    /** Require this containment level, or refuse to run. */
    requireContainment: z.literal("sealed").optional(),
    context: jobContextSchema.prefault({}),
  }),
);
export type Job = z.infer<typeof jobSchema>;
export type JobInput = z.input<typeof jobSchema>;

/** The input of `submit`: a job whose id may be omitted. */
export const jobSubmissionSchema = lazySchema(() =>
  jobSchema.unwrap().extend({ id: jobIdSchema.optional() }),
);
export type JobSubmission = z.input<typeof jobSubmissionSchema>;
