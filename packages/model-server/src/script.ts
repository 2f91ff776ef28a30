/**
 * The script of a model: what it answers, turn by turn, in a form that belongs to no provider's protocol.
 * A turn is one answer to one request; `repeat` lets it answer several. The zod schemas are what `main.ts`
 * checks a JSON script file with; the types of the package are inferred from them, so the two cannot drift.
 */
import { z } from "zod";
import type { ModelRequest } from "./request.ts";

/** Tokens that one answer reports. `inputTokens` excludes the cached ones, whatever the protocol's own convention is. */
const usageSchema = z.strictObject({
  inputTokens: z.int().nonnegative(),
  cachedInputTokens: z.int().nonnegative().default(0),
  outputTokens: z.int().nonnegative(),
});

const shellCallSchema = z.strictObject({
  name: z.literal("shell"),
  input: z.strictObject({ command: z.string() }),
});

const writeFileCallSchema = z.strictObject({
  name: z.literal("write_file"),
  input: z.strictObject({ path: z.string(), content: z.string() }),
});

const editFileCallSchema = z.strictObject({
  name: z.literal("edit_file"),
  input: z.strictObject({ path: z.string(), oldText: z.string(), newText: z.string() }),
});

/** A call of a tool by the very name the client offers it under, with the input passed on as it is. */
const namedCallSchema = z.strictObject({
  name: z.string(),
  input: z.union([z.record(z.string(), z.unknown()), z.string()]),
});

const toolCallSchema = z.union([shellCallSchema, writeFileCallSchema, editFileCallSchema, namedCallSchema]);

const repeatSchema = z.union([z.int().positive(), z.literal("forever")]);

const common = { repeat: repeatSchema.optional(), usage: usageSchema.optional() };

/** The turn forms. Each is recognized by the key that only it has. */
const turnSchema = z.union([
  z.strictObject({
    text: z.string(),
    drip: z.strictObject({ chunkMs: z.int().positive(), chunks: z.int().positive().default(8) }).optional(),
    ...common,
  }),
  z.strictObject({ toolCall: toolCallSchema, text: z.string().optional(), ...common }),
  z.strictObject({
    status: z.int().min(400).max(599),
    retryAfterSeconds: z.number().nonnegative().optional(),
    body: z.unknown().optional(),
    ...common,
  }),
  z.strictObject({ hang: z.enum(["before-headers", "mid-stream"]), ...common }),
  z.strictObject({ garbage: z.enum(["body", "sse"]), ...common }),
  z.strictObject({ cut: z.literal(true), ...common }),
]);

/** A whole script file: the turns in order. */
export const turnsSchema = z.array(turnSchema).min(1);

export type Usage = z.infer<typeof usageSchema>;
export type NeutralToolCall = z.input<typeof toolCallSchema>;
/** One answer, as it is written in a script. */
export type Turn = z.input<typeof turnSchema>;
export type Repeat = z.infer<typeof repeatSchema>;
/** A list of turns in order, or a function that chooses the turn from the request and its number (from 0). */
export type Script = readonly Turn[] | ((request: ModelRequest, index: number) => Turn);
