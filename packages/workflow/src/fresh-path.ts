/**
 * Temporary names beside the place that something is written for. Each write has its own, because two runs, or two combinations
 * of a step, can write the same place at once. What a killed process left under such a name is removed by a later write.
 */
import { errorCode, ifMissing } from "@agentcore/contract";
import { randomUUID } from "node:crypto";
import { lstatSync, readdirSync, rmSync, statSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

const prefix = ".agentcore-new-";
/** Longer than any write takes. */
const leftoverMs = 3_600_000;

export const freshPath = (target: string): string => join(dirname(target), `${prefix}${randomUUID()}`);

/** Call after a write into the directory: its time of change says what time it is for the file system. */
export function removeLeftovers(directory: string): void {
  const names = readdirSync(directory).filter((name) => name.startsWith(prefix));
  if (names.length === 0) return;
  const now = statSync(directory).mtimeMs;
  for (const path of names.map((name) => join(directory, name))) {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && now - stats.mtimeMs > leftoverMs)
      rmSync(path, { recursive: true, force: true });
  }
}

const renamesMax = 100;

/** Puts a directory in the place of whatever is there. If several do so at once, the last one counts. */
export async function moveIntoPlace(fresh: string, target: string): Promise<void> {
  for (let renames = 1; ; renames++) {
    // Moved away first: two removals of one directory get in each other's way.
    const old = freshPath(target);
    await rename(target, old).catch(ifMissing(undefined));
    try {
      await rename(fresh, target);
      return;
    } catch (error) {
      const isTaken = ["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(errorCode(error) ?? "");
      if (!isTaken || renames === renamesMax) throw error;
    } finally {
      await rm(old, { recursive: true, force: true });
    }
  }
}
