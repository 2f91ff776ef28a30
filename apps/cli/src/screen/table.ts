/**
 * Formats columns of text, aligned by their width on the screen. On a terminal, a table fits its width: columns that may go are
 * left out if there is little room, then the widest of the others shrink, and cut text ends in an ellipsis. Ids and figures are
 * never cut. Elsewhere nothing is cut, for programs that read it.
 */
import { fitting, span, type Line, type Span } from "./line.ts";
import { cut, displayWidth } from "./text.ts";

export interface Column {
  readonly title: string;
  /** Figures are on the right. They are never cut. */
  readonly align?: "left" | "right";
  /** Never cut, like an id. */
  readonly isWhole?: boolean;
  /** Left out where there is little room; the last such column first. */
  readonly mayGo?: boolean;
}

const gap = "  ";
/** A narrower column is useless. */
const columnMin = 3;
/** With less room for a text, columns that may go do. */
const textMin = 16;

/** A head line and one line per row. The last column is not padded, so that long text may continue. */
export function table(columns: readonly Column[], rows: readonly (readonly Span[])[]): Line[] {
  const widths = columns.map(({ title }, index) =>
    rows.reduce((width, row) => Math.max(width, displayWidth(row[index]?.text ?? "")), displayWidth(title)),
  );
  const head = columns.map(({ title }) => span(title, "dim"));
  return [head, ...rows].map((cells) =>
    fitting(lay(cells, columns, widths), (width) => {
      const kept = keptColumns(columns, widths, width);
      const of = <T>(all: readonly T[]): readonly T[] => all.filter((_, index) => kept.has(index));
      return [lay(of(cells), of(columns), shrunk(of(columns), of(widths), width))];
    }),
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

const isFirm = ({ align, isWhole }: Column): boolean => align === "right" || isWhole === true;

const totalOf = (widths: readonly number[]): number =>
  widths.reduce((sum, each) => sum + each, gap.length * (widths.length - 1));

/** The columns for which there is room. */
function keptColumns(
  columns: readonly Column[],
  widths: readonly number[],
  width: number,
): ReadonlySet<number> {
  const kept = new Set(columns.keys());
  const going = [...kept].filter((index) => columns[index]?.mayGo === true);
  const needed = (): number =>
    totalOf(
      [...kept].map((index) => {
        const [column, natural = 0] = [columns[index], widths[index]];
        return column === undefined || isFirm(column) ? natural : Math.min(natural, textMin);
      }),
    );
  while (needed() > width && going.length > 0) kept.delete(going.pop() ?? -1);
  return kept;
}

/** The widths that fit. The widest column shrinks first; of equal ones, the last. Whole ones only if nothing else is left. */
function shrunk(columns: readonly Column[], natural: readonly number[], width: number): readonly number[] {
  const widths = [...natural];
  let excess = totalOf(widths) - width;
  for (const mayCutFirm of [false, true]) {
    while (excess > 0) {
      const open = widths.map((each, index) => {
        const column = columns[index];
        return column !== undefined && (mayCutFirm || !isFirm(column)) ? each : 0;
      });
      const widest = Math.max(...open);
      if (widest <= columnMin) break;
      widths[open.lastIndexOf(widest)] = widest - 1;
      excess -= 1;
    }
  }
  return widths;
}
