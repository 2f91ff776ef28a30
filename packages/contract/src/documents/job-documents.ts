/**
 * The documents about jobs, as the program makes them; `form.ts` gives them their printed form. Public interface: fields are
 * added, but none changes its meaning within a version. An unknown value is null.
 */
import { z } from "zod";
import { dedupSchema } from "../job.ts";
import { lazySchema } from "../lazy-schema.ts";
import { permitRecordSchema } from "../permit.ts";
import { artifactKindSchema, artifactSchema, containmentReceiptSchema } from "../result.ts";
import { outputSpecSchema } from "../task.ts";
import { workerEventSchema } from "../worker-event.ts";

const text = z.string();
const maybeText = z.string().nullable();
const maybeNumber = z.number().nullable();
const count = z.int().nonnegative();
const evidence = z.record(z.string(), z.unknown());

const jobStates = ["queued", "running", "succeeded", "dead", "cancelled"] as const;

/** One line of a list of jobs. */
const jobShape = () => ({
  id: text,
  state: z.enum(jobStates),
  worker: text,
  model: maybeText,
  workspace: text,
  instructions: text,
  capabilities: z.array(text),
  tenant: maybeText,
  key: maybeText,
  labels: z.record(z.string(), z.string()),
  /** The workflow run and step that it belongs to. */
  run: maybeText,
  step: maybeText,
  iteration: z.int().nullable(),
  /** Attempts begun so far. */
  attempt: count,
  maxAttempts: count,
  timeoutMs: z.int(),
  maxCostUsd: maybeNumber,
  maxTokens: z.int().nullable(),
  submittedAt: z.number(),
  /** While it is queued: not before this moment. */
  runAt: maybeNumber,
  /** While it runs. */
  claimedAt: maybeNumber,
  endedAt: maybeNumber,
  /** Why it waits, is to stop, or ended. */
  code: maybeText,
  reason: maybeText,
  /** Of the attempt that ended it. */
  outcome: maybeText,
  errorClass: maybeText,
  summary: maybeText,
  session: maybeText,
  exitCode: z.int().nullable(),
  durationMs: maybeNumber,
  /** Of all attempts together. */
  costUsd: maybeNumber,
  tokens: z.int().nullable(),
  /** The job that repeats it. */
  replayedAs: maybeText,
});

export const jobDocumentSchema = lazySchema(() => z.strictObject({ type: z.literal("job"), ...jobShape() }));
export type JobDocument = z.infer<typeof jobDocumentSchema>;

const attemptSchema = lazySchema(() =>
  z.strictObject({
    attempt: count,
    claimedAt: z.number(),
    startedAt: maybeNumber,
    endedAt: maybeNumber,
    decision: maybeText,
    outcome: maybeText,
    errorClass: maybeText,
    code: maybeText,
    summary: maybeText,
    session: maybeText,
    exitCode: z.int().nullable(),
    durationMs: maybeNumber,
    costUsd: maybeNumber,
    costBasis: maybeText,
    inputTokens: z.int().nullable(),
    cachedInputTokens: z.int().nullable(),
    outputTokens: z.int().nullable(),
    filesChanged: z.array(text).nullable(),
    /** What the runtime allowed. */
    permit: permitRecordSchema.nullable(),
    artifacts: z.array(artifactSchema),
    containment: containmentReceiptSchema.nullable(),
  }),
);
export type AttemptDocument = z.infer<typeof attemptSchema>;

export const jobDetailsDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("job_details"),
    ...jobShape(),
    dedup: dedupSchema,
    verify: maybeText,
    outputs: z.array(outputSpecSchema),
    attempts: z.array(attemptSchema),
    lateResults: z.array(
      z.strictObject({ attempt: count, at: z.number(), kind: text, outcome: text, summary: text }),
    ),
  }),
);
export type JobDetailsDocument = z.infer<typeof jobDetailsDocumentSchema>;

export const jobDecisionsDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("job_decisions"),
    ...jobShape(),
    decisions: z.array(
      z.strictObject({
        type: text,
        at: z.number(),
        lastAt: z.number(),
        count,
        attempt: count,
        code: text,
        message: text,
        evidence,
        /** The place of the setting that decided; null if it has its default, or no setting decided. */
        configuredAt: maybeText,
      }),
    ),
    /** What it waits for, if it is queued and that is known. */
    waitingFor: z.strictObject({ code: text, message: text }).nullable(),
    ahead: z.array(z.strictObject({ id: text, code: maybeText, reason: maybeText })),
    blockedBy: maybeText,
    /** Why its cost is not known, with the places of the settings about prices; null if it is known. */
    cost: z.strictObject({ note: text, prices: maybeText, unpriced: maybeText }).nullable(),
    /** Processes left by runs of the job or in its workspace, in words. */
    left: z.array(text),
  }),
);
export type JobDecisionsDocument = z.infer<typeof jobDecisionsDocumentSchema>;

export const errorDocumentSchema = lazySchema(() =>
  z.strictObject({ type: z.literal("error"), code: text, message: text, cure: text, evidence }),
);
export type ErrorDocument = z.infer<typeof errorDocumentSchema>;

/** How many there are. */
export const countDocumentSchema = lazySchema(() => z.strictObject({ type: z.literal("count"), count }));
export type CountDocument = z.infer<typeof countDocumentSchema>;

export const submittedDocumentSchema = lazySchema(() =>
  z.strictObject({ type: z.literal("submitted"), id: text, deduplicated: z.boolean() }),
);
export type SubmittedDocument = z.infer<typeof submittedDocumentSchema>;

export const cancelDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("cancel"),
    id: text,
    outcome: z.enum(["cancelled", "requested", "ended", "not_found"]),
  }),
);
export type CancelDocument = z.infer<typeof cancelDocumentSchema>;

export const replayedDocumentSchema = lazySchema(() =>
  z.strictObject({ type: z.literal("replayed"), deadJobId: text, jobId: text, isNew: z.boolean() }),
);
export type ReplayedDocument = z.infer<typeof replayedDocumentSchema>;

export const purgedDocumentSchema = lazySchema(() =>
  z.strictObject({ type: z.literal("purged"), purged: count, ids: z.array(text) }),
);
export type PurgedDocument = z.infer<typeof purgedDocumentSchema>;

/** A line of a log, read by the worker's adapter. */
export const logEventDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("worker_event"),
    jobId: text,
    attempt: count,
    /** A log has no times. */
    at: z.null(),
    event: workerEventSchema,
  }),
);

/** Bytes of a log, by their place in it. */
export const logChunkDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("log"),
    jobId: text,
    attempt: count,
    stream: z.enum(["stdout", "stderr"]),
    /** Of the first byte of `text` in the log. */
    offset: count,
    /** Where the next chunk begins. */
    nextOffset: count,
    /** Bytes of the log so far. */
    sizeBytes: count,
    /** Whether nothing more will be written. */
    ended: z.boolean(),
    encoding: z.enum(["utf8", "base64"]),
    /** In this encoding. In UTF-8, a byte that is no part of a character is U+FFFD. */
    text,
  }),
);
export type LogChunkDocument = z.infer<typeof logChunkDocumentSchema>;

/** A budget without its type, for documents that contain some. */
export const budgetShape = () => ({
  scope: text,
  kind: z.enum(["cost_usd", "tokens"]),
  window: z.enum(["hour", "day", "month"]).nullable(),
  limit: z.number(),
  held: z.number(),
  spent: z.number(),
  left: z.number(),
});

/** Bytes of an artifact, by their place in it. */
export const artifactChunkDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("artifact"),
    jobId: text,
    attempt: count,
    name: text,
    kind: artifactKindSchema,
    /** Of the first byte of `text` in the artifact. */
    offset: count,
    /** Where the next chunk begins. */
    nextOffset: count,
    sizeBytes: count,
    /** UTF-8; a byte that is none is U+FFFD. */
    text,
  }),
);
export type ArtifactChunkDocument = z.infer<typeof artifactChunkDocumentSchema>;

export const budgetDocumentSchema = lazySchema(() =>
  z.strictObject({ type: z.literal("budget"), ...budgetShape() }),
);
export type BudgetDocument = z.infer<typeof budgetDocumentSchema>;

/** What a run costs whose model has no price. */
export const pricingDocumentSchema = lazySchema(() =>
  z.strictObject({ type: z.literal("pricing"), unpriced: z.enum(["charge_ceiling", "refuse", "zero"]) }),
);
export type PricingDocument = z.infer<typeof pricingDocumentSchema>;
