/** Migrates a database to the schema version of this code. */
import { rollBack } from "./commit-batch.ts";
import type { SqliteConnection } from "./driver.ts";
import { type Migration, migrations, newest } from "./schema.ts";
import type { Sql } from "./sql.ts";

/** Makes the tables of a new database. */
export function createTables(connection: SqliteConnection, sql: Sql, now: number): void {
  inOneTransaction(connection, sql, () => apply(connection, sql, newest, now));
}

/** All missing migrations, or none. The version is read inside the transaction: another process may have been quicker. */
export function applyMigrations(
  connection: SqliteConnection,
  sql: Sql,
  now: number,
  all: readonly Migration[] = migrations,
): void {
  inOneTransaction(connection, sql, () => {
    const current = currentVersion(sql);
    for (const migration of all) if (migration.version > current) apply(connection, sql, migration, now);
  });
}

function inOneTransaction(connection: SqliteConnection, sql: Sql, write: () => void): void {
  connection.exec("BEGIN IMMEDIATE");
  try {
    write();
    connection.exec("COMMIT");
  } catch (error) {
    rollBack(sql);
    throw error;
  }
}

function apply(
  connection: SqliteConnection,
  sql: Sql,
  { version, name, sql: text }: Migration,
  now: number,
): void {
  connection.exec(text);
  sql.run("INSERT INTO schema_version (version, name, applied_at) VALUES (?, ?, ?)", version, name, now);
}

function currentVersion(sql: Sql): number {
  return Number(sql.get("SELECT max(version) AS version FROM schema_version")?.version ?? 0);
}
