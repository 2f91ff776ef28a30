/**
 * Caches prepared statements by their text, once per connection. The texts are constants of this package, so the cache is
 * bounded; values are always parameters.
 */
import type {
  SqlRow,
  SqlValue,
  SqlValues,
  SqliteConnection,
  SqliteStatement,
  SqliteValuesStatement,
} from "./driver.ts";

export interface Sql {
  /** Runs a statement and returns how many rows it changed. */
  run(text: string, ...values: SqlValue[]): number;
  /** Inserts at most one row, and returns its rowid; undefined if a conflict or a condition prevented it. */
  insert(text: string, ...values: SqlValue[]): number | undefined;
  /** First row, or `undefined`. Callers name its type with `as`; the table's definition guarantees it. */
  get(text: string, ...values: SqlValue[]): SqlRow | undefined;
  all(text: string, ...values: SqlValue[]): readonly SqlRow[];
  /** As `get`, without names, in the order of the text's columns: for values that are read with every job. */
  values(text: string, ...values: SqlValue[]): SqlValues | undefined;
  allValues(text: string, ...values: SqlValue[]): readonly SqlValues[];
}

export function createSql(connection: SqliteConnection): Sql {
  const statementOf = once<SqliteStatement>((text) => connection.prepare(text));
  const valuesOf = once<SqliteValuesStatement>((text) => connection.prepareValues(text));
  return {
    run: (text, ...values) => statementOf(text).run(...values).changes,
    insert(text, ...values) {
      const { changes, lastInsertRowid } = statementOf(text).run(...values);
      return changes === 0 ? undefined : lastInsertRowid;
    },
    get: (text, ...values) => statementOf(text).get(...values),
    all: (text, ...values) => statementOf(text).all(...values),
    values: (text, ...values) => valuesOf(text).get(...values),
    allValues: (text, ...values) => valuesOf(text).all(...values),
  };
}

function once<S>(prepare: (text: string) => S): (text: string) => S {
  const prepared = new Map<string, S>();
  return (text) => {
    let statement = prepared.get(text);
    if (statement === undefined) {
      statement = prepare(text);
      prepared.set(text, statement);
    }
    return statement;
  };
}
