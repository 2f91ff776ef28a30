/**
 * Opens a file in a directory that a worker can write to. Its name may have become a link, or a pipe on which `open` would
 * block without end, so only a regular file below the given root is opened, and no link is followed.
 */
import { readlink, realpath, type FileHandle } from "node:fs/promises";
import { sep } from "node:path";
import { ignore, openPlacedFile } from "@agentcore/contract";

/** `root`: a real path, without links. Null if the file does not exist or may not be read. */
export async function openRegularFile(path: string, root: string): Promise<FileHandle | null> {
  let file: FileHandle;
  try {
    file = await openPlacedFile(path);
  } catch (error) {
    ignore(error, "missing, no regular file, or not readable");
    return null;
  }
  try {
    const isOurs = (await placeOf(file, path)).startsWith(root + sep);
    if (isOurs) return file;
  } catch (error) {
    ignore(error, "gone in the meantime");
  }
  await file.close();
  return null;
}

/** The real path of the open file: a directory above it may be a link. */
async function placeOf(file: FileHandle, path: string): Promise<string> {
  try {
    return await readlink(`/proc/self/fd/${file.fd}`);
  } catch (error) {
    ignore(error, "no /proc on this system");
    return realpath(path);
  }
}
