/** The documents about the daemon as a whole. See `job-documents.ts`. */
import { z } from "zod";
import { lazySchema } from "../lazy-schema.ts";
import { containmentReceiptSchema } from "../result.ts";

const text = z.string();
const count = z.int().nonnegative();

export const versionDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("version"),
    /** Of AgentCore. */
    version: text,
    /** Of the daemon; null if it has none. */
    name: text.nullable(),
    startedAt: z.number(),
    /** What the caller may do, by the token. Over the Unix socket, everything. */
    scope: z.enum(["read", "operate"]),
  }),
);
export type VersionDocument = z.infer<typeof versionDocumentSchema>;

/** The process answers. */
export const healthDocumentSchema = lazySchema(() =>
  z.strictObject({ type: z.literal("health"), ok: z.literal(true) }),
);
export type HealthDocument = z.infer<typeof healthDocumentSchema>;

export const readinessDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("readiness"),
    ready: z.boolean(),
    state: z.enum(["starting", "ready", "draining"]),
    /** What it depends on: the store, the runtime, the sources. */
    checks: z.array(z.strictObject({ name: text, ok: z.boolean(), detail: text })),
  }),
);
export type ReadinessDocument = z.infer<typeof readinessDocumentSchema>;

export const queueDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("queue"),
    ready: count,
    delayed: count,
    running: count,
    succeeded: count,
    /** Not replayed. */
    dead: count,
    cancelled: count,
    oldestWaitMs: z.number(),
  }),
);
export type QueueDocument = z.infer<typeof queueDocumentSchema>;

export const drainDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("drain"),
    /** Jobs and workflow runs that still work. */
    jobs: count,
    runs: count,
    /** When what still works is cancelled. */
    deadline: z.number().nullable(),
  }),
);
export type DrainDocument = z.infer<typeof drainDocumentSchema>;

/** Most entries of each list of {@link CallSpend}. */
export const callSpendMax = 50;

const callSpendEntries = () =>
  z
    .array(
      z.strictObject({
        name: text.nullable(),
        calls: count,
        /** Of the calls that ended. */
        costUsd: z.number(),
        tokens: count,
        /** The most that the calls can cost that have not ended, or that were open when their runtime died. */
        heldUsd: z.number(),
      }),
    )
    .max(callSpendMax);

/** What the calls cost that the spend gate metered, and whose jobs are still kept. The dearest first. */
const callSpendShape = () => ({
  sinceAt: z.number(),
  /** Not included. */
  untilAt: z.number(),
  workers: callSpendEntries(),
  /** `PROVIDER/MODEL`. */
  models: callSpendEntries(),
  /** Null: jobs without a tenant. */
  tenants: callSpendEntries(),
});

export const callSpendDocumentSchema = lazySchema(() =>
  z.strictObject({ type: z.literal("call_spend"), ...callSpendShape() }),
);
export type CallSpendDocument = z.infer<typeof callSpendDocumentSchema>;
export type CallSpend = Omit<CallSpendDocument, "type">;

/** What was spent in each hour or day, without a gap: what it cost is booked when the attempt ends, in the hour and day in which it began. */
export const spendDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("spend"),
    bucket: z.enum(["hour", "day"]),
    /** The oldest first; in UTC. */
    buckets: z.array(
      z.strictObject({
        /** Its beginning. */
        at: z.number(),
        costUsd: z.number(),
        tokens: z.int(),
        /** The part of each worker. */
        workers: z.record(z.string(), z.strictObject({ costUsd: z.number(), tokens: z.int() })),
      }),
    ),
    /** By the calls of the same time, which count from their start. */
    metered: z.strictObject(callSpendShape()),
  }),
);
export type SpendDocument = z.infer<typeof spendDocumentSchema>;

/** The proof that nothing runs any more, or what does. */
export const stopDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("stop"),
    at: z.number(),
    reason: text,
    durationMs: z.number(),
    /** Triggers that were paused. */
    triggers: z.array(text),
    /** Workflow runs that were cancelled. */
    runs: z.array(text),
    /** Queued jobs that were cancelled. */
    queued: count,
    /** Running jobs that were stopped, each with the receipt of its box. */
    jobs: z.array(
      z.strictObject({
        id: text,
        outcome: text.nullable(),
        containment: containmentReceiptSchema.nullable(),
      }),
    ),
    /** Processes that survived, in words. */
    survivors: z.array(text),
    /** Whether nothing runs. */
    isEmpty: z.boolean(),
  }),
);
export type StopDocument = z.infer<typeof stopDocumentSchema>;
