/** A line of a screen before colors are applied: spans with a tone. The stream decides whether there are colors. */
import { styleText } from "node:util";
import { cut, displayWidth, printable } from "./text.ts";

export type Tone = "plain" | "dim" | "strong" | "good" | "warn" | "bad" | "accent";

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Span[] & {
  /** The lines for a terminal of this width; undefined if the line looks the same at any width. */
  readonly fit?: (columns: number) => readonly Line[];
};

/** Drops control characters, so that the width of the text is what a terminal shows. */
export const span = (text: string, tone: Tone = "plain"): Span => ({ text: printable(text), tone });

export function fitting(line: readonly Span[], fit: (columns: number) => readonly Line[]): Line {
  return Object.defineProperty([...line], "fit", { value: fit });
}

/** A line whose last span is prose: on a terminal it wraps between words, aligned with the start of that span. */
export function paragraph(line: readonly Span[]): Line {
  return fitting(line, (columns) => wrapped(line, columns));
}

function wrapped(line: readonly Span[], columns: number): readonly Line[] {
  const head = line.slice(0, -1);
  const last = line.at(-1);
  const indent = displayWidth(textOf(head));
  if (last === undefined || indent > columns / 2) return [line];
  const [first = "", ...rest] = wordsIn(last.text, columns - indent);
  const below = span(" ".repeat(indent));
  return [[...head, span(first, last.tone)], ...rest.map((text) => [below, span(text, last.tone)])];
}

/** Lines of whole words. A word that is wider than a line gets its own line, for the terminal to break. */
function wordsIn(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let width = 0;
  for (const word of text.split(" ")) {
    const more = displayWidth(word);
    if (lines.length > 0 && width + 1 + more <= columns) {
      lines.push(`${lines.pop()} ${word}`);
      width += 1 + more;
    } else {
      lines.push(word);
      width = more;
    }
  }
  return lines;
}

const formats = {
  dim: "dim",
  strong: "bold",
  good: "green",
  warn: "yellow",
  bad: "red",
  accent: "cyan",
} as const satisfies Partial<Record<Tone, Parameters<typeof styleText>[0]>>;

/**
 * The line as text, with colors if the stream shows them (`NO_COLOR` and `FORCE_COLOR` are respected). This is the only way from
 * a line to a stream, so it makes the text of every span printable.
 */
export function paint(line: Line, stream: NodeJS.WritableStream | null): string {
  return line
    .map(({ text: written, tone }) => {
      const text = printable(written);
      return tone === "plain" || stream === null
        ? text
        : styleText(formats[tone], text, { stream, validateStream: true });
    })
    .join("");
}

/** The part of the line that fits in `columns`. */
export function cutLine(line: Line, columns: number): Line {
  const kept: Span[] = [];
  let left = columns;
  for (const { text, tone } of line) {
    if (left <= 0) break;
    kept.push({ text: cut(text, left), tone });
    left -= displayWidth(text);
  }
  return kept;
}

/** Text of the line without tones. */
export const textOf = (line: Line): string => line.map(({ text }) => text).join("");
