/**
 * The proof that the worker of an attempt was never let go. Before a box is made, a mark with the machine's boot lies in the
 * attempt's directory; it is taken away just before the worker is let go. What a kill leaves behind is what was written, so
 * within one boot a mark that is there means that nothing of the worker ran. After a power cut the directory may show an earlier
 * state: a mark of another boot proves nothing.
 */
import { ifMissing, ignore, PlacedFileError, readBootId, readPlacedFile } from "@agentcore/contract";
import { rmSync, writeFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { uptime } from "node:os";
import { join } from "node:path";
import { fileNameOf } from "./attempt-directory.ts";

const markName = "held";
const markBytesMax = 256;

/** Call it before anything of the run starts. */
export function markHeld(attemptPath: string): void {
  writeFileSync(join(attemptPath, markName), readBootId() ?? "", { mode: 0o600 });
}

/** Call it just before the worker is let go. Throws where the mark cannot be taken away: then it must not be let go. */
export function unmarkHeld(attemptPath: string): void {
  rmSync(join(attemptPath, markName));
}

export interface ClaimedAttempt {
  readonly jobId: string;
  readonly attempt: number;
  /** Wall clock, in ms since the epoch. */
  readonly claimedAt: number;
}

/**
 * Whether it is proved that no worker of the attempt was ever let go. Ask only once nothing of the attempt runs any more.
 * `false`: it was, or nobody can tell.
 */
export async function neverBegan(
  attemptsDir: string,
  { jobId, attempt, claimedAt }: ClaimedAttempt,
  now: number,
): Promise<boolean> {
  const bootId = readBootId();
  if (bootId === null) return false;
  try {
    const directories = await directoriesOf(attemptsDir, jobId, attempt);
    // Of a number that was given back there are several: one without a mark is one too many.
    const marks = await Promise.all(directories.map((path) => readMark(path)));
    if (marks.length > 0) return marks.every((mark) => mark === bootId);
    // The directory is made before the box: without one there was no box, unless a power cut took it away.
    return wasInThisBoot(claimedAt, now) && (await stat(attemptsDir)).isDirectory();
  } catch (error) {
    ignore(error, "what cannot be read proves nothing");
    return false;
  }
}

async function directoriesOf(attemptsDir: string, jobId: string, attempt: number): Promise<string[]> {
  const jobDirectory = join(attemptsDir, fileNameOf(jobId));
  const names = await readdir(jobDirectory).catch(ifMissing([]));
  return names
    .filter((name) => name === String(attempt) || name.startsWith(`${attempt}-`))
    .map((name) => join(jobDirectory, name));
}

async function readMark(directory: string): Promise<string | null> {
  try {
    return await readPlacedFile(join(directory, markName), { bytesMax: markBytesMax });
  } catch (error) {
    if (error instanceof PlacedFileError) return null;
    return ifMissing(null)(error);
  }
}

/** How far the wall clock may have been set since: a moment this close to the boot counts as before it. */
const clockDriftMs = 60_000;

function wasInThisBoot(moment: number, now: number): boolean {
  return moment <= now && moment >= now - uptime() * 1000 + clockDriftMs;
}
