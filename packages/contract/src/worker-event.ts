/**
 * The events of a worker. Adapters map their CLI's output to these; unknown lines become `raw`. The runner limits texts
 * (`eventTextCharsMax`); the full output is on disk, and the result refers to it.
 */
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";
import { probeClassSchema } from "./probe.ts";
import { usageSchema } from "./result.ts";

/** Longest text in one event. A longer text is cut, with `truncated: true`; the log has all of it. */
export const eventTextCharsMax = 16 * 1024;

const text = z.string();
const truncated = z.boolean().optional();

export const workerEventSchema = lazySchema(() =>
  z.discriminatedUnion("type", [
    /** The worker reported its start. */
    z.strictObject({ type: z.literal("started"), session: text.nullable(), model: text.nullable() }),
    /** Text of the model. */
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
    /** `total` of the run so far, not a difference. `costUsd` is null if the worker reports no cost. */
    z.strictObject({
      type: z.literal("usage"),
      usage: usageSchema,
      costUsd: z.number().nonnegative().nullable(),
    }),
    /** The worker waits for its provider; this does not count as silence. */
    z.strictObject({ type: z.literal("progress"), text }),
    /** A tool call that the worker's permissions refused. */
    z.strictObject({ type: z.literal("denied"), tool: text, text }),
    /** A task option that this worker does not support; the run continues. */
    z.strictObject({ type: z.literal("warning"), text }),
    /**
     * A look of the task's probe, emitted by the runtime: its result, and how many times in a row. It does not count as
     * activity of the worker.
     */
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
    /** An unchanged line that the adapter does not recognize. */
    z.strictObject({ type: z.literal("raw"), text, truncated }),
  ]),
);
export type WorkerEvent = z.infer<typeof workerEventSchema>;
