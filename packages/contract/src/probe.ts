/**
 * A probe: a script of the task's author that looks at a run from outside, again and again while its worker works, and
 * says whether anything comes of it. It runs under the attempt's own permit, contained like the worker, and ends with it.
 * What its answers lead to is decided by the runtime's watchdog.
 */
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";

/** A probe that prints more than this has not answered: 64 KiB of stdout. */
export const probeOutputBytesMax = 64 * 1024;

const dayMs = 86_400_000;

export const probeSpecSchema = lazySchema(() =>
  z.strictObject({
    /** A shell script, run in the workspace with the worker's environment but for its credentials. */
    command: z.string().trim().min(1),
    /** From the worker's start to the first look, and from one look to the next; a look that takes longer delays it. */
    intervalMs: z.int().min(100).max(dayMs),
    /** A look that takes longer is ended and counts as an error. */
    timeoutMs: z.int().positive().max(dayMs).default(10_000),
    /** Looks in a row that find no progress, before the run counts as stalled. */
    stallThreshold: z.int().positive().default(2),
    /** Whether an answer counts only with exit code 0. */
    requireZeroExit: z.boolean().default(false),
    /** What `errorThreshold` looks in a row without an answer that can be used count as; `ignore`: as nothing. */
    onError: z.enum(["ignore", "stall", "terminal"]).default("ignore"),
    errorThreshold: z.int().positive().default(3),
    /** Findings that stop the run. Any other is only told. */
    stopsOn: z.array(z.enum(["stalled", "terminal"])).default(["stalled", "terminal"]),
    /** Whether a look that finds progress ends a silence of the worker. */
    countsAsActivity: z.boolean().default(false),
    /** Whether the script's stderr is reported with its answer. It may hold secrets. */
    keepStderr: z.boolean().default(false),
  }),
);
export type ProbeSpec = z.infer<typeof probeSpecSchema>;

/** What a look came to; `error`: no answer that can be used. */
export const probeClassSchema = z.enum(["progressing", "stalled", "terminal", "error"]);
export type ProbeClass = z.infer<typeof probeClassSchema>;

const label = z.string().max(500);

/**
 * What the script prints: one JSON object. Without `class`, the same `digest` as before (that of the whole object, where
 * it names none) means no progress. Keys beyond these are allowed and count for the digest.
 */
export const probeAnswerSchema = lazySchema(() =>
  z.looseObject({
    class: z.enum(["progressing", "stalled", "terminal"]).optional(),
    digest: label.optional(),
    /** Short names of what was found, the same for the same finding. */
    fingerprints: z.array(label).max(100).optional(),
    /** For people. */
    reasons: z.array(label).max(100).optional(),
    summary: z.json().optional(),
  }),
);
export type ProbeAnswer = z.infer<typeof probeAnswerSchema>;

/** Why a run was stopped on the word of its probe. */
export const probeFindingSchema = lazySchema(() =>
  z.strictObject({
    class: z.enum(["stalled", "terminal"]),
    /** `answer`: the probe said so. `error`: it gave no answer as often as its task allows. */
    by: z.enum(["answer", "error"]),
    fingerprints: z.array(z.string()),
    reasons: z.array(z.string()),
    summary: z.json(),
  }),
);
export type ProbeFinding = z.infer<typeof probeFindingSchema>;
