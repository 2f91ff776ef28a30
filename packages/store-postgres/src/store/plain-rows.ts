/** Plain text of whole rows, see `plain-text.ts`. Columns with JSON are not touched: JSON has no such characters. */
import { fromColumn, toColumn } from "./plain-text.ts";
import type { SqlRow } from "./sql.ts";

type Value = string | number | null;

export function toColumns(values: readonly Value[]): readonly Value[] {
  return values.map((value) => (typeof value === "string" ? toColumn(value) : value));
}

export function fromColumns(row: SqlRow): SqlRow {
  const columns = Object.entries(row).map(([name, value]) => [
    name,
    typeof value === "string" ? fromColumn(value) : value,
  ]);
  return Object.fromEntries(columns) as SqlRow;
}
