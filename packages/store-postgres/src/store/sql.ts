/** Statements of one transaction. Values are bound; tables are named without a schema, which the transaction sets. */
import type { ClientBase } from "pg";

type Scalar = string | number | boolean | null;
/** An array is for `unnest($1::text[])` and `= ANY ($1)`. */
export type SqlValue = Scalar | readonly Scalar[];

export type SqlRow = Readonly<Record<string, unknown>>;

export interface Sql {
  /** Rows of a query, or of a statement with `RETURNING`. Callers name their type with `as`; the table's definition guarantees it. */
  all(text: string, ...values: SqlValue[]): Promise<readonly SqlRow[]>;
  /** First row, or `undefined`. */
  get(text: string, ...values: SqlValue[]): Promise<SqlRow | undefined>;
  /** Changes rows, and returns how many. */
  run(text: string, ...values: SqlValue[]): Promise<number>;
}

/** Statements are not named: a prepared one belongs to a session, and a pooler such as PgBouncer may change that between transactions. */
export function createSql(client: Pick<ClientBase, "query">): Sql {
  const query = (text: string, values: SqlValue[]) => client.query<SqlRow>(text, values);
  return {
    all: async (text, ...values) => (await query(text, values)).rows,
    get: async (text, ...values) => (await query(text, values)).rows[0],
    run: async (text, ...values) => (await query(text, values)).rowCount ?? 0,
  };
}
