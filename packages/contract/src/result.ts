/**
 * The result of an attempt. Success and failure have the same shape, and an unknown value is `null`. A run has exactly one
 * cause of its end: the first.
 */
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";
import { errorClassSchema } from "./error-class.ts";
import { probeFindingSchema } from "./probe.ts";

export const outcomes = [
  "succeeded",
  "failed",
  "cancelled",
  "timed_out",
  "stalled",
  "budget_exhausted",
  "lost",
] as const;
export const outcomeSchema = z.enum(outcomes);
export type Outcome = z.infer<typeof outcomeSchema>;

/**
 * `metered`: counted by the spend gate, between the worker and its provider. `reported`: the worker said
 * so. `estimated`: computed from reported tokens and a price list, or charged at the ceiling because the attempt died. `none`:
 * no spending is known.
 */
export const costBasisSchema = z.enum(["metered", "reported", "estimated", "none"]);
export type CostBasis = z.infer<typeof costBasisSchema>;

/** `inputTokens` excludes cached input; the three add up to all tokens billed. Null if the worker does not report it. */
export const usageSchema = lazySchema(() =>
  z.strictObject({
    inputTokens: z.int().nonnegative().nullable(),
    cachedInputTokens: z.int().nonnegative().nullable(),
    outputTokens: z.int().nonnegative().nullable(),
  }),
);
export type Usage = z.infer<typeof usageSchema>;
export const unknownUsage: Usage = { inputTokens: null, cachedInputTokens: null, outputTokens: null };

/** All tokens that a worker says it used; null where it says nothing. */
export function tokensOf({ inputTokens, cachedInputTokens, outputTokens }: Usage): number | null {
  if (inputTokens === null && cachedInputTokens === null && outputTokens === null) return null;
  return (inputTokens ?? 0) + (cachedInputTokens ?? 0) + (outputTokens ?? 0);
}

export const artifactKindSchema = z.enum(["patch", "file", "stdout", "stderr", "log", "output"]);
export type ArtifactKind = z.infer<typeof artifactKindSchema>;

export const artifactSchema = lazySchema(() =>
  z.strictObject({
    name: z.string(),
    kind: artifactKindSchema,
    /** Absolute path on the machine that ran the attempt. */
    path: z.string(),
    bytes: z.int().nonnegative(),
  }),
);
export type Artifact = z.infer<typeof artifactSchema>;

export const commandObservationSchema = lazySchema(() =>
  z.strictObject({
    command: z.string(),
    exitCode: z.int().nullable(),
  }),
);
export const observationsSchema = lazySchema(() =>
  z.strictObject({
    commands: z.array(commandObservationSchema),
    /** Paths relative to the workspace, sorted. Null: the changes are unknown. */
    filesChanged: z.array(z.string()).nullable(),
    /** Why more may have changed than `filesChanged` lists. Omitted if everything was compared. */
    incomplete: z.string().optional(),
  }),
);
export type Observations = z.infer<typeof observationsSchema>;
export type CommandObservation = z.infer<typeof commandObservationSchema>;

/** `sealed`: no process can outlive the run. `best-effort`: process group and marker sweep, which a process may escape. */
export const containmentLevelSchema = z.enum(["sealed", "best-effort"]);
export type ContainmentLevel = z.infer<typeof containmentLevelSchema>;

/** Proof of how a run ended: the signals sent, the processes seen, and that none is left. */
export const containmentReceiptSchema = lazySchema(() =>
  z.strictObject({
    level: containmentLevelSchema,
    /** Which implementation: `bubblewrap`, `unshare`, `process-group`. */
    implementation: z.string(),
    /** Largest number of processes seen in the container at once; null if it cannot be counted. */
    processesSeen: z.int().nonnegative().nullable(),
    /** Processes alive when emptiness was last checked. Anything above 0 makes the attempt `uncontained`. */
    survivors: z.int().nonnegative(),
    /** Signals sent, in order, as `TERM`, `TERM`, `KILL`, `cgroup.kill`. Empty when the worker ended on its own. */
    signals: z.array(z.string()),
    /** Time in whole ms from the first signal, or from the worker's exit, until the container was proved empty. */
    emptyAfterMs: z.number().nonnegative().nullable(),
    /** How emptiness was proved: `cgroup`, `pid-namespace`, `process-group`. */
    provedBy: z.string(),
  }),
);
export type ContainmentReceipt = z.infer<typeof containmentReceiptSchema>;

export const workerResultSchema = lazySchema(() =>
  z.strictObject({
    outcome: outcomeSchema,
    errorClass: errorClassSchema.nullable(),
    /** A code of the error catalog, more specific than the class; null on success. */
    code: z.string().nullable(),
    /** The wait in whole ms that the provider requested, if any. */
    retryAfterMs: z.number().nonnegative().nullable(),
    /** One paragraph for people: the worker's last message, or why the run failed. */
    summary: z.string(),
    artifacts: z.array(artifactSchema),
    observations: observationsSchema,
    usage: usageSchema,
    costUsd: z.number().nonnegative().nullable(),
    costBasis: costBasisSchema,
    /** Why the cost is not what a worker or a price list says, in one clause. Omitted if it is. */
    costNote: z.string().optional(),
    /** The worker's session id, for resuming. */
    session: z.string().nullable(),
    /** Exit code of the worker's process; null if it was killed by a signal or never started. */
    exitCode: z.int().nullable(),
    containment: containmentReceiptSchema.nullable(),
    /** The findings of the task's probe, if they stopped the run. */
    probe: probeFindingSchema.optional(),
    /** In ms since the epoch. */
    startedAt: z.number(),
    /** In whole ms. */
    durationMs: z.number().nonnegative(),
  }),
);
export type WorkerResult = z.infer<typeof workerResultSchema>;
