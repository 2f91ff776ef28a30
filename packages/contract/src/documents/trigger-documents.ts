/** The documents about triggers, their events and their firings. See `job-documents.ts`. */
import { z } from "zod";
import { lazySchema } from "../lazy-schema.ts";

const text = z.string();
const maybeText = z.string().nullable();
const maybeNumber = z.number().nullable();
const maybeCount = z.int().nonnegative().nullable();
const count = z.int().nonnegative();

const triggerShape = () => ({
  id: text,
  /** Id and type of the source of its events. */
  on: text,
  source: z.enum(["interval", "cron", "fswatch", "webhook", "command", "queue"]),
  /** Path of the workflow file. */
  workflow: text,
  /** `disabled`: by the daemon file. */
  state: z.enum(["active", "paused", "disabled"]),
  pausedAt: maybeNumber,
  pausedBy: z.enum(["person", "failures", "damage"]).nullable(),
  pauseNote: maybeText,
  /** Next slot of a schedule; null for other sources, and if there is none. */
  nextFireAt: maybeNumber,
  /** No run begins before this moment. */
  cooldownEndsAt: maybeNumber,
  /** Firings that wait, are evaluated or run. */
  waiting: count,
  running: count,
  /** Runs begun so far, retries not counted. */
  runs: count,
  failuresInARow: count,
  lastRun: maybeText,
  lastOutcome: maybeText,
  lastEndedAt: maybeNumber,
  lastCostUsd: maybeNumber,
  /** In the current window of its budget; without a budget, today. */
  spentUsd: maybeNumber,
  spentTokens: maybeCount,
  budget: z
    .strictObject({
      costUsd: maybeNumber,
      tokens: z.int().nullable(),
      per: z.enum(["hour", "day", "month"]),
    })
    .nullable(),
});

export const triggerDocumentSchema = lazySchema(() =>
  z.strictObject({ type: z.literal("trigger"), ...triggerShape() }),
);
export type TriggerDocument = z.infer<typeof triggerDocumentSchema>;

export const triggerDetailsDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("trigger_details"),
    ...triggerShape(),
    overlap: z.enum(["skip", "buffer_one", "buffer_all", "cancel_other", "allow_all"]),
    debounceMs: count,
    cooldownMs: count,
    jitterMs: count,
    maxQueue: count,
    onFailure: z.enum(["ignore", "retry", "pause_trigger"]),
    maxRetries: count,
    maxRuns: maybeCount,
    maxChainDepth: count,
    startAt: maybeNumber,
    endAt: maybeNumber,
    /** The next slots of a schedule, at most five. */
    nextFires: z.array(z.strictObject({ at: z.number() })),
    /** Skipped firings by the code of their reason. */
    skipped: z.record(z.string(), count),
  }),
);
export type TriggerDetailsDocument = z.infer<typeof triggerDetailsDocumentSchema>;

export const triggerEventDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("trigger_event"),
    id: text,
    /** Grows with each accepted event. */
    sequence: count,
    source: text,
    at: z.number(),
    key: maybeText,
    /** As it came. */
    payload: z.unknown(),
    /** The runs that led to it, the oldest first. */
    chain: z.array(z.strictObject({ daemon: text, trigger: text, run: text })),
    /** Only this trigger fires. */
    onlyTrigger: maybeText,
    /** The event that it repeats. */
    replayOf: maybeText,
    /** Why no trigger fires. */
    code: maybeText,
    reason: maybeText,
    /** Whether the triggers have decided. */
    routed: z.boolean(),
  }),
);
export type TriggerEventDocument = z.infer<typeof triggerEventDocumentSchema>;

/** The open ones first. */
export const firingStates = ["waiting", "evaluating", "running", "analyzing", "ended", "skipped"] as const;

export const firingDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("firing"),
    id: text,
    /** Grows with each firing. */
    sequence: count,
    trigger: text,
    event: text,
    at: z.number(),
    key: maybeText,
    state: z.enum(firingStates),
    /** Of its runs, from 1; null if it was skipped. */
    attempt: maybeCount,
    /** While it waits: not before this moment. */
    notBefore: maybeNumber,
    /** Id of the workflow run. */
    run: maybeText,
    startedAt: maybeNumber,
    endedAt: maybeNumber,
    outcome: z.enum(["SUCCEEDED", "FAILED", "CANCELLED"]).nullable(),
    /** Why it waits or was skipped. */
    code: maybeText,
    /** Why it waits, was skipped, is to stop, or did not succeed. */
    reason: maybeText,
    costUsd: maybeNumber,
    tokens: maybeCount,
  }),
);
export type FiringDocument = z.infer<typeof firingDocumentSchema>;

/** An event that somebody added: with `emit`, `fire`, `replay` or `backfill`. */
export const acceptedDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("accepted"),
    /** Ids of the new events. */
    events: z.array(text),
    /** How many had the key of an earlier event, and were not kept. */
    duplicates: count,
  }),
);
export type AcceptedDocument = z.infer<typeof acceptedDocumentSchema>;
