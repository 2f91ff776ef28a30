/**
 * Versions that a program answered with, kept across processes in files below a directory of our own. A program that was
 * replaced has another key; a file that another user could have written is not read.
 */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { lstat, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ignore, readPlacedFile, type Ids } from "@agentcore/contract";

/** What names one installed program; null where it is gone. */
export function programKey(path: string, versionArgs: readonly string[]): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return null;
  // Packages of npm all have the same modification time: the times of the inode tell them apart.
  const { size, ino, mtimeMs, ctimeMs } = found;
  return createHash("sha256")
    .update([path, size, ino, mtimeMs, ctimeMs, ...versionArgs].join("\0"))
    .digest("hex");
}

const fileBytesMax = 200;

/** Null: not known. Never rejects. */
export async function knownVersion(directory: string, key: string): Promise<string | null> {
  try {
    if (!isOurs(await lstat(directory))) return null;
    const rules = { bytesMax: fileBytesMax, ownOnly: true };
    const version = (await readPlacedFile(join(directory, key), rules)).trim();
    return version === "" ? null : version;
  } catch (error) {
    ignore(error, "not known yet, or not readable: the program is asked");
    return null;
  }
}

/** Never rejects: the next process asks again where it cannot be kept. */
export async function rememberVersion(
  directory: string,
  key: string,
  version: string,
  ids: Ids,
): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (!isOurs(await lstat(directory))) return;
    const fresh = join(directory, `.${ids.next()}`);
    await writeFile(fresh, `${version}\n`, { mode: 0o600, flag: "wx" });
    await rename(fresh, join(directory, key));
  } catch (error) {
    ignore(error, "the next process asks the program again");
  }
}

function isOurs({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  return uid === process.geteuid?.() && (mode & 0o022) === 0;
}
