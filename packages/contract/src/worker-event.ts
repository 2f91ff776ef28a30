/**
 * The typed stream of what a worker does. Adapters map their CLI's output to these; what they do not know becomes `raw`.
 * Texts are bounded by the runner (`eventTextCharsMax`); the full output is on disk, by reference in the result.
 */
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";
import { probeClassSchema } from "./probe.ts";
import { usageSchema } from "./result.ts";

/** Longest text carried in one event. Longer ones are cut there with `truncated: true`; the log keeps all of it. */
export const eventTextCharsMax = 16 * 1024;

const text = z.string();
const truncated = z.boolean().optional();

export const workerEventSchema = lazySchema(() =>
  z.discriminatedUnion("type", [
    /** The worker said it has begun. */
    z.strictObject({ type: z.literal("started"), session: text.nullable(), model: text.nullable() }),
    /** What the model said. */
    z.strictObject({ type: z.literal("text"), text, truncated }),
    /** A tool call is in flight until a `tool_result` with the same id. */
    z.strictObject({
      type: z.literal("tool_call"),
      id: text,
      tool: text,
      summary: text,
      command: text.optional(),
      path: text.optional(),
    }),
    z.strictObject({
      type: z.literal("tool_result"),
      id: text,
      ok: z.boolean(),
      exitCode: z.int().nullable(),
      summary: text,
      truncated,
    }),
    z.strictObject({
      type: z.literal("file_change"),
      path: text,
      change: z.enum(["create", "modify", "delete"]),
    }),
    /** `total` of the run so far, not a difference. `costUsd` null where the worker reports none. */
    z.strictObject({
      type: z.literal("usage"),
      usage: usageSchema,
      costUsd: z.number().nonnegative().nullable(),
    }),
    /** The worker waits for its provider on its own (it is not silent). */
    z.strictObject({ type: z.literal("progress"), text }),
    /** A tool call that the worker's permissions refused. */
    z.strictObject({ type: z.literal("denied"), tool: text, text }),
    /** Something of the task that this worker does not do; the run goes on. */
    z.strictObject({ type: z.literal("warning"), text }),
    /** A look of the task's probe, from the runtime: what it found, and how often in a row. It is no sign of the worker. */
    z.strictObject({
      type: z.literal("probe"),
      found: probeClassSchema,
      inRow: z.int().positive(),
      /** Null for an error. */
      digest: text.nullable(),
      fingerprints: z.array(text),
      reasons: z.array(text),
      summary: z.json(),
      stderr: text.optional(),
    }),
    z.strictObject({ type: z.literal("stdout"), text, truncated }),
    z.strictObject({ type: z.literal("stderr"), text, truncated }),
    /** A line that the adapter does not know, as it came. */
    z.strictObject({ type: z.literal("raw"), text, truncated }),
  ]),
);
export type WorkerEvent = z.infer<typeof workerEventSchema>;
