/**
 * Results that outlive their scheduler. If a runtime's client is gone, the runtime writes each result that it could not
 * deliver, or whose delivery is uncertain, into its spool directory: one file `<permitId>.json`, which is written
 * elsewhere, flushed and renamed, so it is complete when it appears. The next scheduler applies these results before it
 * counts an attempt as lost, so that finished work is not paid for twice, and removes the files.
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
