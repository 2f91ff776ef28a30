/** Stops a process, but not in the middle of a commit: that would keep the file locked, and nobody could write until it goes on. */
import { setTimeout as pause } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";

export async function stopBetweenCommits(
  signal: (name: NodeJS.Signals) => void,
  path: string,
): Promise<void> {
  const other = new DatabaseSync(path, { timeout: 0 });
  try {
    while (!stoppedOutside(other, signal)) await pause(5);
  } finally {
    other.close();
  }
}

function stoppedOutside(database: DatabaseSync, signal: (name: NodeJS.Signals) => void): boolean {
  signal("SIGSTOP");
  try {
    database.exec("BEGIN IMMEDIATE; ROLLBACK");
    return true;
  } catch (error) {
    const isLocked = error instanceof Error && "errcode" in error && error.errcode === 5;
    if (!isLocked) throw error;
    signal("SIGCONT");
    return false;
  }
}
