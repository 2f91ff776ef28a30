/**
 * The last run or submit that was refused. No job is stored for it, so that `@last` would name an older one: a small file in the
 * state directory remembers it.
 */
import { errorText, ignore, lazySchema, systemClock } from "@agentcore/contract";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { StateDir } from "../state/state-dir.ts";

const refusalSchema = lazySchema(() =>
  z.object({
    at: z.number(),
    /** The job that was refused; it may be stored all the same, as one that would have had to wait. Null: none was made. */
    jobId: z.string().nullable(),
    command: z.enum(["run", "submit"]),
    code: z.string(),
    message: z.string(),
  }),
);
export type Refusal = z.infer<typeof refusalSchema>;

const fileOf = ({ path }: StateDir): string => join(path, "last-refusal.json");

export function noteRefusal(state: StateDir, refusal: Omit<Refusal, "at">): void {
  try {
    const text = JSON.stringify({ at: systemClock.now(), ...refusal });
    writeFileSync(fileOf(state), `${text}\n`, { mode: 0o600 });
  } catch (error) {
    ignore(error, "the refusal itself was reported; only `@last` does not know it");
  }
}

/** Null if there was none, or the file cannot be read. */
export function lastRefusal(state: StateDir): Refusal | null {
  try {
    const parsed = refusalSchema.safeParse(JSON.parse(readFileSync(fileOf(state), "utf8")));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    ignore(errorText(error), "nothing was refused yet, or the file was cut off");
    return null;
  }
}
