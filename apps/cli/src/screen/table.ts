/**
 * Formats columns of text, aligned by their width on the screen. On a terminal, a table fits its width: the widest columns
 * shrink first, and cut text ends in an ellipsis. Elsewhere nothing is cut, for programs that read it.
 */
import { fitting, span, type Line, type Span } from "./line.ts";
import { cut, displayWidth } from "./text.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

const gap = "  ";
/** A narrower column is useless. */
const columnMin = 3;

/** A head line and one line per row. The last column is not padded, so that long text may continue. */
export function table(columns: readonly Column[], rows: readonly (readonly Span[])[]): Line[] {
  const widths = columns.map(({ title }, index) =>
    rows.reduce((width, row) => Math.max(width, displayWidth(row[index]?.text ?? "")), displayWidth(title)),
  );
  const head = columns.map(({ title }) => span(title, "dim"));
  return [head, ...rows].map((cells) =>
    fitting(lay(cells, columns, widths), (width) => [lay(cells, columns, shrunk(widths, width))]),
  );
}

function lay(cells: readonly Span[], columns: readonly Column[], widths: readonly number[]): Line {
  return cells.flatMap((cell, index) => {
    const width = widths[index] ?? 0;
    const text = cut(cell.text, width);
    const padding = " ".repeat(Math.max(0, width - displayWidth(text)));
    const before = index === 0 ? "" : gap;
    const kept = { text, tone: cell.tone };
    if (columns[index]?.align === "right") return [span(before + padding), kept];
    return index === columns.length - 1 ? [span(before), kept] : [span(before), kept, span(padding)];
  });
}

/** The widths that fit. The widest column shrinks first; of equal ones, the last. */
function shrunk(natural: readonly number[], width: number): readonly number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, each) => sum + each, gap.length * (widths.length - 1)) - width;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= columnMin) break;
    widths[widths.lastIndexOf(widest)] = widest - 1;
    excess -= 1;
  }
  return widths;
}
