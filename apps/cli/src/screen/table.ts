/** Columns of text, aligned by what they take on the screen. */
import { span, type Line, type Span } from "./line.ts";
import { displayWidth } from "./text.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** A head line and one line per row; the last column is not padded, so that long text in it can run on. */
export function table(columns: readonly Column[], rows: readonly (readonly Span[])[]): Line[] {
  const widths = columns.map(({ title }, index) =>
    Math.max(displayWidth(title), ...rows.map((row) => displayWidth(row[index]?.text ?? ""))),
  );
  const lay = (cells: readonly Span[]): Line =>
    cells.flatMap(({ text, tone }, index) => {
      const padding = " ".repeat(Math.max(0, (widths[index] ?? 0) - displayWidth(text)));
      const gap = index === 0 ? "" : "  ";
      if (columns[index]?.align === "right") return [span(gap + padding), { text, tone }];
      return index === columns.length - 1
        ? [span(gap), { text, tone }]
        : [span(gap), { text, tone }, span(padding)];
    });
  return [lay(columns.map(({ title }) => span(title, "dim"))), ...rows.map(lay)];
}
