/** The task of a worker: an adapter, a workspace and instructions. A task has no limits (see `job.ts`). */
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";
import { probeSpecSchema } from "./probe.ts";

export const capabilities = ["read", "edit", "run_tests", "run_commands"] as const;

/**
 * What the worker may do in the workspace. Every other capability implies `read`. `run_tests` allows commands that the
 * adapter recognizes as test runs; `run_commands` allows any command. Adapters map these to their CLI's own flags.
 */
export const capabilitySchema = z.enum(capabilities);
export type Capability = z.infer<typeof capabilitySchema>;

/** Instructions longer than this are refused at submit: 1 MiB of UTF-8 for the whole job payload. */
export const jobPayloadBytesMax = 1024 * 1024;

/**
 * Task options that only some workers support; an adapter lists its own in `options`. Other workers ignore them, and a
 * `warning` event says so.
 */
export const taskOptions = ["variant", "maxSteps", "maxCommandTimeMs"] as const;
export type TaskOption = (typeof taskOptions)[number];

/** One word, so that a command line cannot read it as a flag. */
export const variantSchema = lazySchema(() =>
  z
    .string()
    .max(100)
    .regex(/^[A-Za-z0-9][\w.-]*$/, "must be one word, such as high"),
);

export const outputSpecSchema = lazySchema(() =>
  z.strictObject({
    name: z.string().min(1),
    /** Relative to the workspace; may not leave it. */
    path: z.string().min(1),
    optional: z.boolean().default(false),
  }),
);
export type OutputSpec = z.infer<typeof outputSpecSchema>;

/** Longest argument or environment variable (including its name) with which Linux starts a program: 128 KiB. */
const argumentBytesMax = 130_000;
const argumentSchema = lazySchema(() =>
  z
    .string()
    .refine(
      (text) => Buffer.byteLength(text) <= argumentBytesMax,
      `is longer than ${argumentBytesMax} bytes; put it in a file of the workspace`,
    ),
);

export const workerTaskSchema = lazySchema(() =>
  z.strictObject({
    /** Name of the adapter: `shell`, `claude-code`, `codex`, `opencode`, or one loaded from the configuration. */
    worker: z.string().min(1),
    /** Absolute path of the directory the worker works in. */
    workspace: z.string().min(1),
    /** The prompt; for the shell worker, the script. */
    instructions: z.string().trim().min(1, "instructions are empty"),
    /** Model name of the worker's CLI. Default: the worker's own default. */
    model: z.string().min(1).optional(),
    capabilities: z.array(capabilitySchema).default(["read"]),
    /** Extra environment for the worker, on top of the allow-list. */
    env: z.record(z.string(), argumentSchema).optional(),
    /**
     * Names of variables of the runtime's environment that the worker gets too. Their values are stored nowhere, and masked in
     * logs, events and the result.
     */
    secrets: z
      .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/))
      .max(100)
      .optional(),
    /** A session of the worker's own to resume, as an earlier result reported it. */
    session: z.string().min(1).optional(),
    outputs: z.array(outputSpecSchema).optional(),
    /** A shell script that must exit 0 in the workspace for the run to count as succeeded. */
    verify: z.string().min(1).optional(),
    /** Further arguments for the worker's command line, as far as its adapter allows them: no limit can be lifted by one. */
    args: z.array(argumentSchema).optional(),
    /** How hard the model is to think, in the worker's own word: `low`, `high`. See {@link taskOptions}. */
    variant: variantSchema.optional(),
    /** Answers of the model after which the worker gives up. See {@link taskOptions}. */
    maxSteps: z.int().positive().optional(),
    /** Time limit in ms of one command that the model runs. See {@link taskOptions}. */
    maxCommandTimeMs: z.int().positive().optional(),
    /**
     * Directories, relative to the workspace, that are not part of the work, such as directories to which other processes
     * write. Their changes are neither reported nor in the patch.
     */
    unobserved: z.array(z.string().min(1).max(4096)).max(100).optional(),
    /** Checks the run from outside while the worker works. */
    probe: probeSpecSchema.optional(),
  }),
);
export type WorkerTask = z.infer<typeof workerTaskSchema>;
export type WorkerTaskInput = z.input<typeof workerTaskSchema>;
