/**
 * Statements by their text, prepared once per connection. The texts are constants of this package, so the cache is
 * bounded by the code itself; values always come as parameters.
 */
import type { SqlRow, SqlValue, SqliteConnection, SqliteStatement } from "./driver.ts";

export interface Sql {
  /** Runs a statement and returns how many rows it changed. */
  run(text: string, ...values: SqlValue[]): number;
  /** Inserts at most one row, and returns its rowid; undefined where a conflict or a condition left it out. */
  insert(text: string, ...values: SqlValue[]): number | undefined;
  /** First row, or `undefined`. Callers name its type with `as`, which the table's definition vouches for. */
  get(text: string, ...values: SqlValue[]): SqlRow | undefined;
  all(text: string, ...values: SqlValue[]): readonly SqlRow[];
}

export function createSql(connection: SqliteConnection): Sql {
  const prepared = new Map<string, SqliteStatement>();
  const statementOf = (text: string): SqliteStatement => {
    let statement = prepared.get(text);
    if (statement === undefined) {
      statement = connection.prepare(text);
      prepared.set(text, statement);
    }
    return statement;
  };
  return {
    run: (text, ...values) => statementOf(text).run(...values).changes,
    insert(text, ...values) {
      const { changes, lastInsertRowid } = statementOf(text).run(...values);
      return changes === 0 ? undefined : lastInsertRowid;
    },
    get: (text, ...values) => statementOf(text).get(...values),
    all: (text, ...values) => statementOf(text).all(...values),
  };
}
