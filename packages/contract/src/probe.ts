/**
 * A probe is a script in the task that checks a run from outside at intervals while the worker works, and reports whether
 * it makes progress. It runs under the attempt's permit, contained like the worker, and ends with it. The runtime's
 * watchdog decides what follows from its results.
 */
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";

/** Maximum of a probe's stdout: 64 KiB. A probe that prints more counts as an error. */
export const probeOutputBytesMax = 64 * 1024;

const dayMs = 86_400_000;

export const probeSpecSchema = lazySchema(() =>
  z.strictObject({
    /** A shell script that runs in the workspace with the worker's environment, except credentials. */
    command: z.string().trim().min(1),
    /** Time in ms from the worker's start to the first look, and between looks. A look that takes longer delays the next. */
    intervalMs: z.int().min(100).max(dayMs),
    /** Time limit of one look in ms; a look that exceeds it is killed and counts as an error. */
    timeoutMs: z.int().positive().max(dayMs).default(10_000),
    /** Number of looks in a row without progress after which the run counts as stalled. */
    stallThreshold: z.int().positive().default(2),
    /** Whether a result counts only with exit code 0. */
    requireZeroExit: z.boolean().default(false),
    /** What `errorThreshold` failed looks in a row count as; `ignore`: they have no effect. */
    onError: z.enum(["ignore", "stall", "terminal"]).default("ignore"),
    errorThreshold: z.int().positive().default(3),
    /** Findings that stop the run. Others are only reported. */
    stopsOn: z.array(z.enum(["stalled", "terminal"])).default(["stalled", "terminal"]),
    /** Whether a look that finds progress ends a silence of the worker. */
    countsAsActivity: z.boolean().default(false),
    /** Whether the script's stderr is reported with its result. It may contain secrets. */
    keepStderr: z.boolean().default(false),
  }),
);
export type ProbeSpec = z.infer<typeof probeSpecSchema>;

/** The result of a look; `error`: no usable result. */
export const probeClassSchema = z.enum(["progressing", "stalled", "terminal", "error"]);
export type ProbeClass = z.infer<typeof probeClassSchema>;

const label = z.string().max(500);

/**
 * The script's output: one JSON object. Without `class`, the same `digest` as before means no progress; without `digest`,
 * the digest of the whole object is used. Other keys are allowed and are part of that digest.
 */
export const probeAnswerSchema = lazySchema(() =>
  z.looseObject({
    class: z.enum(["progressing", "stalled", "terminal"]).optional(),
    digest: label.optional(),
    /** Short names of the findings; the same finding always has the same name. */
    fingerprints: z.array(label).max(100).optional(),
    /** For people. */
    reasons: z.array(label).max(100).optional(),
    summary: z.json().optional(),
  }),
);
export type ProbeAnswer = z.infer<typeof probeAnswerSchema>;

/** Why a run was stopped because of its probe. */
export const probeFindingSchema = lazySchema(() =>
  z.strictObject({
    class: z.enum(["stalled", "terminal"]),
    /** `answer`: the probe reported it. `error`: the probe failed as often as the task allows. */
    by: z.enum(["answer", "error"]),
    fingerprints: z.array(z.string()),
    reasons: z.array(z.string()),
    summary: z.json(),
  }),
);
export type ProbeFinding = z.infer<typeof probeFindingSchema>;
