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

const probeEvent = () =>
  z
    .strictObject({
      type: z.literal("probe"),
      found: probeClassSchema,
      inRow: z.int().positive(),
      /** Null for an error. */
      digest: text.nullable(),
      fingerprints: z.array(text),
      reasons: z.array(text),
      summary: z.json(),
      stderr: text.optional(),
    })
    .meta({
      description:
        "A look of the task's probe: its result, and how many times in a row. Emitted by the runtime, never by a reader. It does not count as activity of the worker.",
    });

const callsEvent = () =>
  z
    .strictObject({
      type: z.literal("calls"),
      /** Requests without a first byte of their response. */
      waiting: z.int().nonnegative(),
      /** Responses that are being received. */
      streaming: z.int().nonnegative(),
      /** Requests in a row that ask for the same. */
      identical: z.int().nonnegative(),
    })
    .meta({
      description:
        "What the spend gate sees of the worker's requests to its provider, at most once a second. Emitted by the runtime, never by a reader.",
    });

export const workerEventSchema = lazySchema(() =>
  z.discriminatedUnion("type", [
    z
      .strictObject({ type: z.literal("started"), session: text.nullable(), model: text.nullable() })
      .meta({ description: "The worker reported its start; `null` for what it did not say." }),
    z.strictObject({ type: z.literal("text"), text, truncated }).meta({ description: "Text of the model." }),
    z
      .strictObject({
        type: z.literal("tool_call"),
        id: text,
        tool: text,
        summary: text,
        command: text.optional(),
        path: text.optional(),
      })
      .meta({ description: "A tool call is in flight until a `tool_result` with the same `id`." }),
    z
      .strictObject({
        type: z.literal("tool_result"),
        id: text,
        ok: z.boolean(),
        exitCode: z.int().nullable(),
        summary: text,
        truncated,
      })
      .meta({ description: "The end of a tool call." }),
    z
      .strictObject({
        type: z.literal("file_change"),
        path: text,
        change: z.enum(["create", "modify", "delete"]),
      })
      .meta({
        description:
          "The worker says that it changed a file; `path` is relative to the workspace, or absolute.",
      }),
    z
      .strictObject({
        type: z.literal("usage"),
        usage: usageSchema,
        costUsd: z.number().nonnegative().nullable(),
      })
      .meta({
        description:
          "Total of the run so far, not a difference. `costUsd` is `null` if the worker reports no cost.",
      }),
    z
      .strictObject({ type: z.literal("progress"), text })
      .meta({ description: "The worker waits for its provider; this does not count as silence." }),
    z.strictObject({ type: z.literal("ended") }).meta({
      description:
        "The worker reported its end and is about to exit: its terminal event. Any later sign of work takes it back.",
    }),
    z
      .strictObject({ type: z.literal("denied"), tool: text, text })
      .meta({ description: "A tool call that the worker's permissions refused." }),
    z
      .strictObject({ type: z.literal("warning"), text })
      .meta({ description: "A task option that this worker does not support; the run continues." }),
    probeEvent(),
    callsEvent(),
    z
      .strictObject({ type: z.literal("stdout"), text, truncated })
      .meta({ description: "Output of the worker that is no event." }),
    z
      .strictObject({ type: z.literal("stderr"), text, truncated })
      .meta({ description: "The same for stderr." }),
    z
      .strictObject({ type: z.literal("raw"), text, truncated })
      .meta({ description: "An unchanged line that the adapter does not recognize." }),
  ]),
);
export type WorkerEvent = z.infer<typeof workerEventSchema>;
