/** A line of a screen before it is painted: spans with a tone. Colour is decided where the stream is known. */
import { styleText } from "node:util";
import { cut, displayWidth, printable } from "./text.ts";

export type Tone = "plain" | "dim" | "strong" | "good" | "warn" | "bad" | "accent";

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Span[];

/** Control characters are dropped, so that the width of the text is what a terminal shows. */
export const span = (text: string, tone: Tone = "plain"): Span => ({ text: printable(text), tone });

const formats = {
  dim: "dim",
  strong: "bold",
  good: "green",
  warn: "yellow",
  bad: "red",
  accent: "cyan",
} as const satisfies Partial<Record<Tone, Parameters<typeof styleText>[0]>>;

/**
 * The line as text; with colours if the stream shows them (`NO_COLOR` and `FORCE_COLOR` are respected). The only way from a
 * line to a stream, so the text is made printable here whoever wrote the span.
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

/** As much of the line as fits in `columns`. */
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
