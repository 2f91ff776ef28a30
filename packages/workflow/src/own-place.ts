/**
 * Writes into the context directory. It is in the workspace, so a worker can place a link, a pipe or a directory where the
 * run is about to write, even between a check and the write. So the directory is opened first and verified, all operations
 * go through that descriptor, and files are written elsewhere and renamed into place.
 */
import { AgentCoreError, ignore } from "@agentcore/contract";
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { open, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { freshPath, removeLeftovers } from "./fresh-path.ts";

export interface OwnPlace {
  /** Leads to this very directory, even if its name leads elsewhere by now. */
  readonly at: string;
  close(): void;
}

/** Creates the directory if it does not exist. Throws `AC_WORKFLOW_CONTEXT` if a part of its path is a link. */
export function openPlace(directory: string): OwnPlace {
  refuseLinks(directory);
  mkdirSync(directory, { recursive: true });
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    return { at: provedPath(descriptor, directory), close: () => closeSync(descriptor) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function refuseLinks(directory: string): void {
  for (let at = directory; dirname(at) !== at; at = dirname(at)) {
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw linkInTheWay(at);
  }
}

function provedPath(descriptor: number, directory: string): string {
  const at = `/proc/self/fd/${descriptor}`;
  let place: string;
  try {
    place = readlinkSync(at);
  } catch (error) {
    ignore(error, "no /proc on this system: the look for links has to do");
    return directory;
  }
  if (place !== directory) throw linkInTheWay(directory);
  return at;
}

function linkInTheWay(path: string): AgentCoreError {
  const message = `the run does not write through ${path}: it is a symbolic link that was not there when the run began`;
  return new AgentCoreError("AC_WORKFLOW_CONTEXT", message, { evidence: { path } });
}

/** A long text comes in chunks. */
export type FileText = string | Buffer | AsyncIterable<Buffer>;

/** A concurrent reader finds either the old content or all of the new text. Throws as {@link openPlace}. */
export async function replaceFile(path: string, text: FileText): Promise<void> {
  const place = openPlace(dirname(path));
  try {
    await putFile(join(place.at, basename(path)), text);
  } finally {
    place.close();
  }
}

/** As {@link replaceFile}, for a directory that is known to be the right one. */
export async function putFile(target: string, text: FileText): Promise<void> {
  const fresh = freshPath(target);
  try {
    await writeFile(fresh, text, { flag: "wx" });
    if (isDirectory(target)) await rm(target, { recursive: true, force: true });
    await rename(fresh, target);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
  removeLeftovers(dirname(target));
}

/** As {@link replaceFile}, synchronous. */
export function replaceFileSync(path: string, text: string): void {
  const place = openPlace(dirname(path));
  try {
    const target = join(place.at, basename(path));
    const fresh = freshPath(target);
    try {
      writeFileSync(fresh, text, { flag: "wx" });
      if (isDirectory(target)) rmSync(target, { recursive: true, force: true });
      renameSync(fresh, target);
    } catch (error) {
      rmSync(fresh, { force: true });
      throw error;
    }
    removeLeftovers(place.at);
  } finally {
    place.close();
  }
}

/** A rename cannot put a file in the place of a directory. */
function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Without O_NONBLOCK, opening a pipe waits for a reader. */
const appendFlags =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Throws as {@link openPlace}, and if the path exists and is not a regular file. */
export async function appendToFile(path: string, text: string): Promise<void> {
  const place = openPlace(dirname(path));
  try {
    const file = await open(join(place.at, basename(path)), appendFlags);
    try {
      if (!(await file.stat()).isFile()) throw new Error(`${path} is not a regular file`);
      await file.appendFile(text);
    } finally {
      await file.close();
    }
  } finally {
    place.close();
  }
}
