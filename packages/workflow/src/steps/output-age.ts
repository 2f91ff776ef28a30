/**
 * Checks whether a step's outputs are its own work: a file left by a failed attempt is not an output of the next one. Each
 * further attempt records the state of the declared outputs at its start, and their state before the first attempt is
 * known. A file that changed since the first attempt but not since this one is stale. A file from before the step counts,
 * even if the step does not change it.
 */
import { readPlacedFile, lazySchema } from "@agentcore/contract";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { replaceFile } from "../own-place.ts";
import { pathInside, stepDir } from "../places.ts";

const looksSchema = lazySchema(() => z.record(z.string(), z.string()));
const noteSchema = lazySchema(() =>
  z.object({
    run: z.string(),
    iteration: z.number(),
    /** By path: how each looked before the first attempt of the iteration, and before the last one. */
    first: looksSchema,
    last: looksSchema,
  }),
);
type Note = z.output<typeof noteSchema>;

export interface OutputsOf {
  readonly contextDir: string;
  readonly stepId: string;
  readonly workspace: string;
  /** Relative to the workspace. */
  readonly paths: readonly string[];
}

/** Directories with more entries are no longer compared. */
const entriesMax = 10_000;

/** Far more than the longest note: a larger file is not a note of this program. */
const noteBytesMax = 4 * 1024 * 1024;

export async function noteOutputs(
  outputs: OutputsOf,
  { run, iteration }: Pick<Note, "run" | "iteration">,
): Promise<void> {
  if (outputs.paths.length === 0) return;
  const before = await readNote(outputs);
  const last = Object.fromEntries(
    await Promise.all(
      outputs.paths.map(async (path): Promise<[string, string]> => [path, await lookOf(outputs, path)]),
    ),
  );
  // Files that earlier iterations left are valid: those succeeded. A retry of the run begins again at the first.
  const isKnown = before?.run === run && (iteration === 1 || before.iteration === iteration);
  const note: Note = { run, iteration, first: isKnown ? before.first : last, last };
  await replaceFile(noteFile(outputs), JSON.stringify(note));
}

/** `begunAgainAt`: when the job's last attempt began, if an earlier one of the same job was lost; in ms since the epoch. */
export async function staleOutputs(
  outputs: OutputsOf,
  run: string,
  begunAgainAt: number | null,
): Promise<readonly string[]> {
  const note = outputs.paths.length === 0 ? null : await readNote(outputs);
  if (note === null || note.run !== run) return [];
  const stale: string[] = [];
  for (const path of outputs.paths) {
    const look = await lookOf(outputs, path);
    if (look === absent || look === note.first[path]) continue;
    const isOld = begunAgainAt !== null && changedAt(look) < begunAgainAt - clockSlackMs;
    if (look === note.last[path] || isOld) stale.push(path);
  }
  return stale;
}

/** File systems keep time in coarser steps than the clock does. */
const clockSlackMs = 100;

const noteFile = ({ contextDir, stepId }: OutputsOf): string =>
  join(stepDir(contextDir, stepId), "_outputs.json");

async function readNote(outputs: OutputsOf): Promise<Note | null> {
  try {
    return noteSchema.parse(JSON.parse(await readPlacedFile(noteFile(outputs), { bytesMax: noteBytesMax })));
  } catch {
    // Missing, or not a note of this program: nothing is known about earlier attempts.
    return null;
  }
}

const absent = "absent";
const changedAt = (look: string): number => Number(look.split(" ")[0]);

/** `CHANGED_MS ENTRIES BYTES`, with the latest change of the file or of any entry in the directory. */
async function lookOf({ workspace }: OutputsOf, path: string): Promise<string> {
  const waiting = [await pathInside(workspace, path)];
  let [changed, entries, bytes] = [0, 0, 0];
  for (let at = waiting.pop(); at !== undefined && entries < entriesMax; at = waiting.pop()) {
    const found = await lstat(at).catch(() => null);
    if (found === null) continue;
    entries += 1;
    changed = Math.max(changed, found.ctimeMs);
    bytes += found.isDirectory() ? 0 : found.size;
    if (!found.isDirectory()) continue;
    for (const name of await readdir(at).catch(() => [])) waiting.push(join(at, name));
  }
  return entries === 0 ? absent : `${changed} ${entries} ${bytes}`;
}
