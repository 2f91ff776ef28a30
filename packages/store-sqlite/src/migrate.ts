/** Migrates a database to the schema version of this code. */
import { AgentCoreError } from "@agentcore/contract";
import { processState } from "@agentcore/core";
import type { OwnerProcess } from "@agentcore/scheduler";
import { transaction } from "./commit-batch.ts";
import type { SqliteConnection } from "./driver.ts";
import { type Migration, migrations, newest } from "./schema.ts";
import type { Sql } from "./sql.ts";

/** Creates the tables of a new database. */
export function createTables(connection: SqliteConnection, sql: Sql, now: number): void {
  transaction(sql, "BEGIN IMMEDIATE", () => apply(connection, sql, newest, now));
}

/**
 * Applies all missing migrations, or none. Reads the version inside the transaction: another process may have been faster. Throws
 * `AC_STORE_UNAVAILABLE` while a scheduler of the earlier version uses the file: it could not store the ends of its runs.
 */
export function applyMigrations(
  connection: SqliteConnection,
  sql: Sql,
  now: number,
  all: readonly Migration[] = migrations,
): void {
  transaction(sql, "BEGIN IMMEDIATE", () => {
    const current = currentVersion(sql);
    if (all.some(({ version }) => version > current)) refuseWhileInUse(sql);
    for (const migration of all) if (migration.version > current) apply(connection, sql, migration, now);
  });
}

function refuseWhileInUse(sql: Sql): void {
  if (sql.values("SELECT 1 FROM sqlite_schema WHERE name = 'owners'") === undefined) return;
  for (const { process_json: json } of sql.all("SELECT process_json FROM owners")) {
    const owner = JSON.parse(String(json)) as OwnerProcess | null;
    if (owner === null || processState(owner) !== "alive") continue;
    throw new AgentCoreError(
      "AC_STORE_UNAVAILABLE",
      `an earlier version of AgentCore works on this state directory (process ${owner.pid}); end that process, then start again`,
      { evidence: { pid: owner.pid } },
    );
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
