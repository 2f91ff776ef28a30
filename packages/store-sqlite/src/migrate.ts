/** Brings a database to the version of this code: all missing migrations in one transaction, or none. */
import { rollBack } from "./commit-batch.ts";
import type { SqliteConnection } from "./driver.ts";
import { type Migration, migrations } from "./schema.ts";
import type { Sql } from "./sql.ts";

export const schemaVersion = migrations.at(-1)!.version;
/** The oldest version that the migrations lead on from. */
export const schemaVersionMin = migrations[0]!.version;

/** `from`: version found before; read again inside the transaction, because another process may have been quicker. */
export function applyMigrations(
  connection: SqliteConnection,
  sql: Sql,
  from: number,
  now: number,
  all: readonly Migration[] = migrations,
): void {
  connection.exec("BEGIN IMMEDIATE");
  try {
    const current = from === 0 ? 0 : currentVersion(sql);
    for (const { version, name, sql: text } of all.filter((migration) => migration.version > current)) {
      connection.exec(text);
      sql.run("INSERT INTO schema_version (version, name, applied_at) VALUES (?, ?, ?)", version, name, now);
    }
    connection.exec("COMMIT");
  } catch (error) {
    rollBack(sql);
    throw error;
  }
}

function currentVersion(sql: Sql): number {
  return Number(sql.get("SELECT max(version) AS version FROM schema_version")?.version ?? 0);
}
