/**
 * Results that outlive their scheduler. A runtime whose client has gone writes each result that it could not deliver, or
 * whose delivery it cannot know of, into its spool directory: one file `<permitId>.json`, complete before it appears
 * (written beside, flushed, renamed). The next scheduler applies them before it counts an attempt as lost, so that work
 * which finished is not paid for twice, and removes the file.
 */
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";
import { workerResultSchema } from "./result.ts";

export const spooledResultSchema = lazySchema(() =>
  z.strictObject({
    version: z.literal(1),
    permitId: z.string().min(1),
    jobId: z.string().min(1),
    attempt: z.int().positive(),
    result: workerResultSchema,
  }),
);
export type SpooledResult = z.infer<typeof spooledResultSchema>;
