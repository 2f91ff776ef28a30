/**
 * Proves that the worker of an attempt was never released. Before a box is made, a marker file with the machine's boot id
 * is written into the attempt's directory; it is removed just before the worker is released. A kill does not lose writes,
 * so within one boot an existing marker means that no process of the worker ran. After a power cut, the directory may show
 * an earlier state, so a marker of another boot proves nothing.
 */
import { ifMissing, ignore, readBootId } from "@agentcore/contract";
import { rmSync, writeFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { uptime } from "node:os";
import { join } from "node:path";
import { fileNameOf, readIfRegular } from "./attempt-directory.ts";

const markName = "held";
const markBytesMax = 256;

/** Call it before any process of the run starts. */
export function markHeld(attemptPath: string): void {
  writeFileSync(join(attemptPath, markName), readBootId() ?? "", { mode: 0o600 });
}

/** Call it just before the worker is released. Throws if the marker cannot be removed: then the worker must not be released. */
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
 * Whether it is proved that no worker of the attempt was ever released. Call it only when no process of the attempt runs
 * any more. `false`: a worker was released, or it is unknown.
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
    // An attempt number that was given back has several directories; a single one without a marker disproves it.
    const marks = await Promise.all(
      directories.map((path) => readIfRegular(join(path, markName), markBytesMax)),
    );
    if (marks.length > 0) return marks.every((mark) => mark === bootId);
    // The directory is made before the box: without a directory there was no box, unless a power cut removed it.
    return wasInThisBoot(claimedAt, now) && (await stat(attemptsDir)).isDirectory();
  } catch (error) {
    ignore(error, "an unreadable file proves nothing");
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

/** Maximum change of the wall clock since: a time this close to the boot counts as before it. */
const clockDriftMs = 60_000;

function wasInThisBoot(moment: number, now: number): boolean {
  return moment <= now && moment >= now - uptime() * 1000 + clockDriftMs;
}
