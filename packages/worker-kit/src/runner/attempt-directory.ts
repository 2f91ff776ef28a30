/**
 * The private directory of one attempt: the worker's HOME and TMPDIR, its logs, patch and outputs. Ids may be any text, so
 * only this module turns them into file names; readers of logs use it too. It also records which HOME contains which
 * session of a worker, so that a task that resumes a session gets that HOME.
 */
import { createHash } from "node:crypto";
import { mkdirSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs";
import { lstat, mkdir, readdir, realpath, rename, rm, stat, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  AgentCoreError,
  errorText,
  ifMissing,
  ignore,
  PlacedFileError,
  readPlacedFile,
} from "@agentcore/contract";
import { removeTree } from "./remove-tree.ts";

export interface AttemptDirectory {
  readonly path: string;
  /** A directory, or a link to the HOME of the run whose session is resumed. */
  readonly home: string;
  readonly tmp: string;
}

export interface AttemptName {
  readonly jobId: string;
  readonly attempt: number;
  readonly permitId: string;
}

/** Throws `AC_STORE_UNAVAILABLE` if the directory cannot be made. */
export function createAttemptDirectory(
  attemptsDir: string,
  name: AttemptName,
  resumedHome: string | null,
): AttemptDirectory {
  try {
    // Synchronous: through the thread pool, each step would take ten times as long, and the worker waits for them.
    const path = makePrivateDirectory(attemptsDir, name);
    const home = join(path, "home");
    const tmp = join(path, "tmp");
    if (resumedHome === null) mkdirSync(home, { mode: 0o700 });
    else symlinkSync(resumedHome, home);
    mkdirSync(tmp, { mode: 0o700 });
    return { path, home, tmp };
  } catch (error) {
    const reason = errorText(error);
    throw new AgentCoreError(
      "AC_STORE_UNAVAILABLE",
      `cannot make the attempt's directory below ${attemptsDir}: ${reason}`,
      { cause: error },
    );
  }
}

/** The directory of an attempt that has started. */
export async function findAttemptDirectory(attemptsDir: string, name: AttemptName): Promise<string> {
  const { usual, other } = placesOf(attemptsDir, name);
  const found = await stat(other).catch(ifMissing(null));
  return found === null ? usual : other;
}

/** The other directory is for an attempt whose number already has one, because the job's id was reused. */
function placesOf(attemptsDir: string, { jobId, attempt, permitId }: AttemptName) {
  const usual = join(attemptsDir, fileNameOf(jobId), String(attempt));
  return { usual, other: `${usual}-${fileNameOf(permitId)}` };
}

function makePrivateDirectory(attemptsDir: string, name: AttemptName): string {
  const { usual, other } = placesOf(attemptsDir, name);
  makeJobDirectory(dirname(usual), name.jobId);
  try {
    mkdirSync(usual, { mode: 0o700 });
    return usual;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    mkdirSync(other, { mode: 0o700 });
    return other;
  }
}

/** File in the directory of a job whose id is not a file name. */
const idFile = "job-id";
const idBytesMax = 64 * 1024;

function makeJobDirectory(path: string, jobId: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (basename(path) !== jobId) writeFileSync(join(path, idFile), jobId, { mode: 0o600 });
}

/** The files of all attempts of one job. */
export interface JobDirectory {
  readonly jobId: string;
  readonly path: string;
  /** Start of its latest attempt, in ms since the epoch. */
  readonly changedAt: number;
}

/** All jobs with a directory. Empty if there is none. */
export async function listJobDirectories(attemptsDir: string): Promise<readonly JobDirectory[]> {
  const names = await readdir(attemptsDir).catch(ifMissing([]));
  const listed: JobDirectory[] = [];
  for (const name of names) {
    if (name.startsWith(".")) continue;
    const path = join(attemptsDir, name);
    const found = await lstat(path).catch(ifMissing([]));
    if (!("mtimeMs" in found) || !found.isDirectory()) continue;
    listed.push({ jobId: (await storedId(path)) ?? name, path, changedAt: found.mtimeMs });
  }
  return listed;
}

/** Null where the directory has the job's own name. */
const storedId = (path: string): Promise<string | null> => readIfRegular(join(path, idFile), idBytesMax);

/** The text of a file that a worker may have replaced; null if it is gone or no regular file of that size. */
export async function readIfRegular(path: string, bytesMax: number): Promise<string | null> {
  try {
    return await readPlacedFile(path, { bytesMax });
  } catch (error) {
    if (error instanceof PlacedFileError) return null;
    return ifMissing(null)(error);
  }
}

/**
 * Removes a directory and its content. Most directories of short runs are empty: one call removes those, while listing them
 * takes several trips through the thread pool.
 */
export async function dropDirectory(path: string): Promise<void> {
  try {
    rmdirSync(path);
  } catch (error) {
    ignore(error, "not empty, a link, or gone");
    await removeTree(path);
  }
}

/** For an attempt that never started. The HOME of a resumed session is a link, and its target stays. */
export async function removeAttemptDirectory(attempt: AttemptDirectory): Promise<void> {
  try {
    await removeTree(attempt.path);
  } catch (error) {
    ignore(error, "an empty directory is left behind; why the attempt did not start matters more");
  }
}

/** The HOME that contains a session of this worker; null if unknown or gone. */
export async function homeOfSession(
  attemptsDir: string,
  worker: string,
  session: string,
): Promise<string | null> {
  try {
    const [root, home] = await Promise.all([
      realpath(attemptsDir),
      realpath(sessionLink(attemptsDir, worker, session)),
    ]);
    // Only our own link to the HOME of an attempt is used as a worker's HOME.
    return home.startsWith(`${root}/`) && (await stat(home)).isDirectory() ? home : null;
  } catch (error) {
    ignore(error, "a session of another machine, or pruned: the worker itself says that it does not know it");
    return null;
  }
}

export async function rememberSession(
  attemptsDir: string,
  worker: string,
  session: string,
  home: string,
): Promise<void> {
  const link = sessionLink(attemptsDir, worker, session);
  await mkdir(dirname(link), { recursive: true, mode: 0o700 });
  const real = await realpath(home);
  const fresh = join(dirname(link), `.${fileNameOf(real)}`);
  await rm(fresh, { force: true });
  await symlink(real, fresh);
  await rename(fresh, link);
}

function sessionLink(attemptsDir: string, worker: string, session: string): string {
  return join(attemptsDir, ".sessions", fileNameOf(worker), fileNameOf(session));
}

/** The text itself if it is a safe file name, else a digest of it. */
export function fileNameOf(text: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,119}$/.test(text)) return text;
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
