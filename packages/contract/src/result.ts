/**
 * What an attempt ended with. Success and failure have the same shape; a value that is not known is `null`, never
 * invented. A run ends for its first cause only.
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
 * `metered`: counted by the spend gate on the wire. `reported`: the worker said so. `estimated`: computed from reported
 * tokens and a price list, or charged at the bound because the attempt died. `none`: nothing is known to have been spent.
 */
export const costBasisSchema = z.enum(["metered", "reported", "estimated", "none"]);
export type CostBasis = z.infer<typeof costBasisSchema>;

/** `inputTokens` excludes cached input; the three add up to all tokens billed. Null where the worker does not say. */
export const usageSchema = lazySchema(() =>
  z.strictObject({
    inputTokens: z.int().nonnegative().nullable(),
    cachedInputTokens: z.int().nonnegative().nullable(),
    outputTokens: z.int().nonnegative().nullable(),
  }),
);
export type Usage = z.infer<typeof usageSchema>;
export const unknownUsage: Usage = { inputTokens: null, cachedInputTokens: null, outputTokens: null };

export const artifactSchema = lazySchema(() =>
  z.strictObject({
    name: z.string(),
    kind: z.enum(["patch", "file", "stdout", "stderr", "log", "output"]),
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
    /** Relative to the workspace, sorted. Null: it is not known what changed. */
    filesChanged: z.array(z.string()).nullable(),
    /** Why more may have changed than `filesChanged` says. Left out where everything was compared. */
    incomplete: z.string().optional(),
  }),
);
export type Observations = z.infer<typeof observationsSchema>;
export type CommandObservation = z.infer<typeof commandObservationSchema>;

/** `sealed`: nothing can outlive the run. `best-effort`: process group and marker sweep; a process may escape both. */
export const containmentLevelSchema = z.enum(["sealed", "best-effort"]);
export type ContainmentLevel = z.infer<typeof containmentLevelSchema>;

/** Proof of how a run ended: what was signalled, what was seen, and that nothing is left. */
export const containmentReceiptSchema = lazySchema(() =>
  z.strictObject({
    level: containmentLevelSchema,
    /** Which implementation: `bubblewrap`, `unshare`, `process-group`. */
    implementation: z.string(),
    /** Most processes seen alive in the container at once, as far as it was looked at; null where it cannot be counted. */
    processesSeen: z.int().nonnegative().nullable(),
    /** Processes alive when emptiness was last checked. Anything above 0 makes the attempt `uncontained`. */
    survivors: z.int().nonnegative(),
    /** Signals sent, in order, as `TERM`, `TERM`, `KILL`, `cgroup.kill`. Empty when the worker ended on its own. */
    signals: z.array(z.string()),
    /** From the first signal, or from the worker's own exit, to proved empty. */
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
    /** A code of the error catalogue that says more than the class; null on success. */
    code: z.string().nullable(),
    /** How long the provider asked to wait, where it did. */
    retryAfterMs: z.number().nonnegative().nullable(),
    /** One paragraph for people: the worker's last words, or why it failed. */
    summary: z.string(),
    artifacts: z.array(artifactSchema),
    observations: observationsSchema,
    usage: usageSchema,
    costUsd: z.number().nonnegative().nullable(),
    costBasis: costBasisSchema,
    /** The worker's own session id, to resume with. */
    session: z.string().nullable(),
    /** Exit code of the worker's process; null if it was killed by a signal or never started. */
    exitCode: z.int().nullable(),
    containment: containmentReceiptSchema.nullable(),
    /** What the task's probe had found, where that stopped the run. */
    probe: probeFindingSchema.optional(),
    startedAt: z.number(),
    durationMs: z.number().nonnegative(),
  }),
);
export type WorkerResult = z.infer<typeof workerResultSchema>;
