/** Makes the tables of a schema, or migrates them to the version of this code. */
import { AgentCoreError } from "@agentcore/contract";
import { type Migration, migrations, newest } from "../schema/schema.ts";
import { type Session, inTransaction } from "./session.ts";
import type { Sql } from "./sql.ts";

/**
 * All missing steps in one transaction, or none. Several hosts may start at once: one of them does it. Rejects with
 * `AC_STORE_NEWER` for tables of a later version, and with `AC_STORE_REFUSED` for a schema that has other tables; nothing changes
 * then.
 */
export async function migrate(session: Session, place: string, now: number): Promise<void> {
  const { schema } = session;
  await inTransaction(session, { lock: "migrate" }, async (sql) => {
    const found = await versionIn(sql, schema);
    if (found === newest.version) return;
    if (found > newest.version) throw newerError(place, found);
    // Who may create nothing in the database can still use a schema that somebody made for him.
    if (!(await exists(sql, "SELECT FROM pg_namespace WHERE nspname = $1", schema))) {
      await sql.run(`CREATE SCHEMA ${schema}`);
    }
    if (found > 0) {
      for (const migration of migrations) if (migration.version > found) await apply(sql, migration, now);
      return;
    }
    if (await exists(sql, "SELECT FROM pg_tables WHERE schemaname = $1", schema))
      throw foreignError(place, schema);
    await apply(sql, newest, now);
  });
}

/** 0 if there is none. */
async function versionIn(sql: Sql, schema: string): Promise<number> {
  const table = "SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'schema_version'";
  if (!(await exists(sql, table, schema))) return 0;
  return Number((await sql.get("SELECT max(version) AS version FROM schema_version"))?.["version"] ?? 0);
}

async function exists(sql: Sql, query: string, schema: string): Promise<boolean> {
  return (await sql.get(query, schema)) !== undefined;
}

async function apply(sql: Sql, { version, name, sql: statements }: Migration, now: number): Promise<void> {
  // Without values, several statements are one message.
  await sql.run(statements);
  await sql.run(
    "INSERT INTO schema_version (version, name, applied_at) VALUES ($1, $2, $3)",
    version,
    name,
    now,
  );
}

function newerError(place: string, found: number): AgentCoreError {
  return new AgentCoreError(
    "AC_STORE_NEWER",
    `${place} has schema version ${found} and this version of AgentCore knows ${newest.version}; update AgentCore, or use another database`,
    { evidence: { place, found, known: newest.version } },
  );
}

function foreignError(place: string, schema: string): AgentCoreError {
  return new AgentCoreError(
    "AC_STORE_REFUSED",
    `the schema ${schema} of ${place} has tables that are not those of AgentCore; use another schema or another database`,
    { evidence: { place, schema } },
  );
}
