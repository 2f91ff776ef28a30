/**
 * A lock that one process holds and the kernel gives back when that process ends, however it ends: an open write transaction
 * on a small database of its own. A file with a pid could not be both taken and proved stale in one step.
 */
import { nodeSqliteDriver } from "./driver.ts";
import { failureOf } from "./sqlite-error.ts";

export interface ProcessLock {
  release(): void;
}

/** Null if another process holds it. Throws the error of SQLite if the file cannot be used. */
export function takeProcessLock(path: string): ProcessLock | null {
  const connection = nodeSqliteDriver.open(path, { readOnly: false });
  try {
    connection.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
  } catch (error) {
    connection.close();
    if (failureOf(error) === "busy") return null;
    throw error;
  }
  return { release: () => connection.close() };
}
