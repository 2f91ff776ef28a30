/**
 * Caches versions of programs across processes, in files below a directory of AgentCore. A replaced program has another
 * key; a file that another user could have written is not read.
 */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { lstat, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ignore, readPlacedFile, type Ids } from "@agentcore/contract";

/** Identifies one installed program; null if it is gone. */
export function programKey(path: string, versionArgs: readonly string[]): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return null;
  // All files of npm packages have the same modification time; the inode's times distinguish them.
  const { size, ino, mtimeMs, ctimeMs } = found;
  return createHash("sha256")
    .update([path, size, ino, mtimeMs, ctimeMs, ...versionArgs].join("\0"))
    .digest("hex");
}

const fileBytesMax = 200;

/** Null: unknown. Never rejects. */
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

/** Never rejects: if the version cannot be stored, the next process asks again. */
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
