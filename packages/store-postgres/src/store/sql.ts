/**
 * Statements of one transaction. Values are bound; tables are named without a schema, which the transaction sets. Nothing here names
 * the driver, so users of the types of this package need none of the driver's.
 */

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

/** What a write uses. */
export interface WriteSql extends Sql {
  /** Performs an action in memory after the transaction is committed, in the order of the calls; never after a rollback. */
  afterCommit(action: () => void): void;
}
