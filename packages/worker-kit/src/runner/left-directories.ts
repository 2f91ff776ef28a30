/**
 * Removes directories that a worker creates in its workspace for its own purposes and leaves empty when it is interrupted.
 * They are not part of its work: if they did not exist before, they are removed when the worker is gone.
 */
import { lstat, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { ignore } from "@agentcore/contract";

/** The names that do not exist in the workspace yet. */
export async function absentFrom(workspace: string, names: readonly string[]): Promise<readonly string[]> {
  const absent: string[] = [];
  for (const name of names) {
    const found = await lstat(join(workspace, name)).catch((error: NodeJS.ErrnoException) => error.code);
    if (found === "ENOENT") absent.push(name);
  }
  return absent;
}

/** Only what is an empty directory goes; never rejects. */
export async function removeEmpty(workspace: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    try {
      await rmdir(join(workspace, name));
    } catch (error) {
      ignore(error, "not there, not empty, or no directory: then it stays");
    }
  }
}
