/** Rows as they are read: plain text that a column cannot hold as it is becomes itself again. */
import { fromColumn, toColumn } from "../store/plain-text.ts";
import type { SqlRow } from "../store/sql.ts";

export function plainRow(row: SqlRow): SqlRow {
  const plain = Object.entries(row).map(([name, value]) => [
    name,
    typeof value === "string" && !name.endsWith("_json") ? fromColumn(value) : value,
  ]);
  return Object.fromEntries(plain) as SqlRow;
}

/** One array for each column, for `unnest`. Columns of text are made storable, those with JSON are. */
export const textColumn = <T>(
  rows: readonly T[],
  of: (row: T) => string | null,
): readonly (string | null)[] => rows.map((row) => toColumn(of(row)));
