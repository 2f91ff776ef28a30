/**
 * The documents about jobs, as the program makes them; `form.ts` gives them their printed form. Public interface: fields are
 * added, but none changes its meaning within a version. An unknown value is null.
 */
import { z } from "zod";
import { dedupSchema } from "../job.ts";
import { lazySchema } from "../lazy-schema.ts";
import { permitRecordSchema } from "../permit.ts";
import { callOutcomes } from "../spend-gate.ts";
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

/** Most entries of `calls`. */
export const shownCallsMax = 50;

const tokens = () => count.nullable();

const callSchema = () =>
  z.strictObject({
    id: text,
    attempt: count,
    provider: text,
    model: maybeText.meta({ description: "As the request names it." }),
    startedAt: z.number(),
    endedAt: maybeNumber,
    outcome: z.enum(callOutcomes).meta({
      description:
        "`open`: it has not ended, or the runtime died during it; `cut`: ended at the ceiling; `cancelled`: the worker or the runtime broke it off; `failed`: the provider did, or its answer is no response.",
    }),
    status: z.int().nullable().meta({ description: "HTTP status of the provider; null: no response." }),
    inputTokens: tokens().meta({ description: "Without what is read from or written to a cache." }),
    cacheReadTokens: tokens(),
    cacheWrite5mTokens: tokens(),
    cacheWrite1hTokens: tokens(),
    outputTokens: tokens(),
    reasoningTokens: tokens().meta({ description: "A part of the output." }),
    hostedToolCalls: tokens(),
    tokens: count.meta({ description: "Charged; while it is open, the most that it can use." }),
    costUsd: z.number().meta({ description: "Charged; while it is open, the most that it can cost." }),
    estimated: z.boolean().meta({
      description: "The response did not report what it used: the charge is computed, or is a bound.",
    }),
    priceSource: maybeText.meta({ description: "Where the price comes from; null: the model has none." }),
  });
export type CallDocument = z.infer<ReturnType<typeof callSchema>>;

const meteredSchema = () =>
  z.strictObject({
    calls: count,
    openCalls: count,
    costUsd: z.number().meta({ description: "Of the calls that ended." }),
    tokens: count,
    heldUsd: z.number().meta({ description: "The most that the open calls can cost." }),
    estimated: z.boolean(),
  });

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
    metered: meteredSchema().nullable().meta({
      description: "Its calls to the provider, as the spend gate counts them; null: it made none there.",
    }),
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
    calls: z
      .array(callSchema())
      .max(shownCallsMax)
      .meta({ description: "The latest calls through the spend gate, of all attempts, oldest first." }),
    earlierCalls: count.meta({ description: "How many calls came before those of `calls`." }),
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

/** Most holds in a list; the oldest ones. */
export const holdsMax = 500;

/** What an attempt that has not ended holds of the budgets. After a crash, until a runtime has charged what it cost. */
export const holdDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("hold"),
    permitId: text,
    jobId: text,
    attempt: count,
    worker: text,
    tenant: maybeText,
    provider: maybeText,
    /** 0 if the attempt has no ceiling; what it costs is booked when it ends. */
    costUsd: z.number(),
    tokens: count,
    heldAt: z.number(),
    owner: z.strictObject({
      pid: z.int(),
      /** `unknown`: it runs where this machine cannot see it. */
      state: z.enum(["alive", "dead", "unknown"]),
    }),
    /** Limits of the job, over all its attempts, if the configuration has any (`limits.job`). */
    job: z.array(z.strictObject(budgetShape()).omit({ scope: true, window: true })),
  }),
);
export type HoldDocument = z.infer<typeof holdDocumentSchema>;

/** What a run costs whose model has no price. */
export const pricingDocumentSchema = lazySchema(() =>
  z.strictObject({ type: z.literal("pricing"), unpriced: z.enum(["charge_ceiling", "refuse", "zero"]) }),
);
export type PricingDocument = z.infer<typeof pricingDocumentSchema>;
