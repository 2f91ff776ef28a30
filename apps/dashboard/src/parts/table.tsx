import type { ComponentChildren, JSX } from "preact";
import { Empty } from "./notes.tsx";

export interface Column<Row> {
  readonly header: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** `end` for numbers. Default `start`. */
  readonly align?: "start" | "end" | undefined;
  /** Left out on phones. */
  readonly narrow?: boolean | undefined;
}

export interface TableProps<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  /** Shown instead of a table without rows. */
  readonly empty: ComponentChildren;
  /** For those who do not see it. */
  readonly caption: string;
}

/** A real table. On a small screen it scrolls inside its own box. */
export function Table<Row>({ columns, rows, rowKey, empty, caption }: TableProps<Row>): JSX.Element {
  if (rows.length === 0) return <Empty>{empty}</Empty>;
  return (
    <div class="table-box" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.header} scope="col" class={classOf(column)}>
                {column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => (
                <td key={column.header} class={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function classOf<Row>({ align, narrow }: Column<Row>): string | undefined {
  const classes = [align === "end" ? "end" : "", narrow === true ? "wide-only" : ""].filter(Boolean);
  return classes.length === 0 ? undefined : classes.join(" ");
}
