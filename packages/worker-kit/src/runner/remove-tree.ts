/**
 * Removes directories in which a worker could write: a worker can remove its own access rights, and nest directories deeper
 * than the longest path. Call it only when no process of the worker runs.
 */
import { ifMissing, ignore } from "@agentcore/contract";
import { chmod, lstat, readdir, rename, rm, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";

/** Removes a tree; links are removed, not followed. Rejects if something cannot be removed. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
    return;
  } catch (error) {
    ignore(error, "tried again with rights given back, one level at a time");
  }
  const found = await lstat(path).catch(ifMissing(null));
  if (found === null) return;
  if (found.isDirectory()) await removeFlat(path);
  else await unlink(path);
}

/** Moves entries from two levels down one level up before their parent is removed, so that no path gets too long. */
async function removeFlat(top: string): Promise<void> {
  await chmod(top, 0o700);
  let moved = 0;
  for (let entries = await readdir(top, { withFileTypes: true }); entries.length > 0;) {
    for (const entry of entries) {
      const path = join(top, entry.name);
      if (!entry.isDirectory()) {
        await unlink(path);
        continue;
      }
      await chmod(path, 0o700);
      for (const inner of await readdir(path, { withFileTypes: true })) {
        const innerPath = join(path, inner.name);
        if (!inner.isDirectory()) {
          await unlink(innerPath);
          continue;
        }
        // A directory without write permission cannot be moved.
        await chmod(innerPath, 0o700);
        moved += 1;
        await rename(innerPath, await freeName(top, moved));
      }
      await rmdir(path);
    }
    entries = await readdir(top, { withFileTypes: true });
  }
  await rmdir(top);
}

/** A worker may have used any name. */
async function freeName(top: string, number: number): Promise<string> {
  for (let suffix = ""; ; suffix += "_") {
    const path = join(top, `moved-${number}${suffix}`);
    if ((await lstat(path).catch(() => null)) === null) return path;
  }
}
