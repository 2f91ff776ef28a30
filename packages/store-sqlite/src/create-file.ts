/**
 * Creates a new database under another name and renames it when it is complete. So a file called `state.db` is always
 * complete, and an empty or truncated one is damaged. If several processes create it at once, one wins.
 */
import { closeSync, constants, fsyncSync, linkSync, openSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { SqliteDriver } from "./driver.ts";
import { createTables } from "./migrate.ts";
import { applicationId } from "./schema.ts";
import { createSql } from "./sql.ts";

export function createFile(driver: SqliteDriver, path: string, now: number, uniqueSuffix: string): void {
  const draft = `${path}.new-${uniqueSuffix}`;
  // Jobs contain prompts and environment variables: only the owner may read them. The log files get the same mode.
  closeSync(openSync(draft, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600));
  try {
    const connection = driver.open(draft, { readOnly: false });
    try {
      connection.exec(`PRAGMA synchronous = FULL; PRAGMA application_id = ${applicationId}`);
      createTables(connection, createSql(connection), now);
      connection.exec("PRAGMA journal_mode = WAL");
    } finally {
      connection.close();
    }
    publish(draft, path);
  } finally {
    for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(draft + suffix, { force: true });
  }
}

function publish(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return;
  }
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
