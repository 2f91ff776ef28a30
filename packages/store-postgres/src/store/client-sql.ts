/** Statements on a connection of the driver. */
import type { ClientBase } from "pg";
import type { Sql, SqlRow, SqlValue } from "./sql.ts";

/** Statements are not named: a prepared one belongs to a session, and a pooler such as PgBouncer may change that between transactions. */
export function createSql(client: Pick<ClientBase, "query">): Sql {
  const query = (text: string, values: SqlValue[]) => client.query<SqlRow>(text, values);
  return {
    all: async (text, ...values) => (await query(text, values)).rows,
    get: async (text, ...values) => (await query(text, values)).rows[0],
    run: async (text, ...values) => (await query(text, values)).rowCount ?? 0,
  };
}
