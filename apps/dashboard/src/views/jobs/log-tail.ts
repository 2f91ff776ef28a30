/**
 * The end of a log, as lines: what is held is bounded, whatever is written. The log is read by its offsets in bytes, so that
 * nothing is read twice.
 */
import type { LogChunkDocument, Printed } from "@agentcore/contract";
import { plainText } from "../../format.ts";

export type LogChunk = Pick<
  Printed<LogChunkDocument>,
  "offset" | "nextOffset" | "sizeBytes" | "ended" | "text"
>;

export interface LogTail {
  /** Ready to be shown. */
  readonly lines: readonly string[];
  /** The line that has not ended, as it came. */
  readonly rest: string;
  /** Bytes before what is held. */
  readonly skippedBytes: number;
  readonly nextOffset: number;
  readonly sizeBytes: number;
  readonly ended: boolean;
}

/** What is read at once, and how far back a log is read when it is opened. */
export const tailBytes = 256 * 1024;
const charactersMax = 4 * tailBytes;
/** A longer line is shown as several. */
const lineCharacters = 1000;

export const emptyTail: LogTail = {
  lines: [],
  rest: "",
  skippedBytes: 0,
  nextOffset: -tailBytes,
  sizeBytes: 0,
  ended: false,
};

/** The next part to read. A log that grew by much more than is held is read from near its end. */
export function nextRead({ nextOffset, sizeBytes }: LogTail): { offset: number; limit: number } {
  const isFarBehind = nextOffset >= 0 && sizeBytes - nextOffset > 4 * tailBytes;
  return { offset: isFarBehind ? -tailBytes : nextOffset, limit: tailBytes };
}

export const isCurrent = ({ nextOffset, sizeBytes }: LogTail): boolean => nextOffset >= sizeBytes;

export function withChunk(tail: LogTail, chunk: LogChunk): LogTail {
  const { offset, nextOffset, sizeBytes, ended } = chunk;
  const follows = offset === tail.nextOffset;
  const held = follows ? tail : emptyTail;
  // What is read from the middle begins with the end of a line.
  const isCut = !follows && offset > 0;
  const text = isCut ? chunk.text.slice(chunk.text.indexOf("\n") + 1) : chunk.text;
  const isOver = ended && nextOffset >= sizeBytes;
  const parts = `${held.rest}${text}`.split("\n");
  const last = parts.pop() ?? "";
  const rest = isOver || last.length > tailBytes ? "" : last;
  if (rest === "" && last !== "") parts.push(last);
  const lines = parts.flatMap(shown);
  const skipped = follows ? held.skippedBytes : offset;
  return {
    ...bounded(held.lines.concat(lines), skipped),
    rest,
    nextOffset,
    sizeBytes,
    ended: isOver,
  };
}

/** As a terminal shows it: after a carriage return, what comes next overwrites the line. */
function shown(line: string): string[] {
  const text = plainText(line.replace(/\r+$/, "").replace(/^.*\r/s, ""));
  const pieces = [text.slice(0, lineCharacters)];
  for (let at = lineCharacters; at < text.length; at += lineCharacters)
    pieces.push(text.slice(at, at + lineCharacters));
  return pieces;
}

/** Forgets the oldest lines above the bound, a quarter at once. */
function bounded(lines: readonly string[], skippedBytes: number): Pick<LogTail, "lines" | "skippedBytes"> {
  let characters = lines.reduce((sum, line) => sum + line.length + 1, 0);
  if (characters <= charactersMax) return { lines, skippedBytes };
  const before = characters;
  let from = 0;
  while (characters > charactersMax * 0.75) characters -= (lines[from++]?.length ?? 0) + 1;
  return { lines: lines.slice(from), skippedBytes: skippedBytes + before - characters };
}

/** All lines, the unfinished one too. */
export const allLines = ({ lines, rest }: LogTail): readonly string[] =>
  rest === "" ? lines : [...lines, ...shown(rest)];

/** Which lines are drawn, and how much room the others take above. */
export function visibleLines(
  count: number,
  view: { readonly top: number; readonly height: number; readonly lineHeight: number },
): { from: number; to: number } {
  const spare = 10;
  const from = Math.max(0, Math.floor(view.top / view.lineHeight) - spare);
  const to = Math.min(count, Math.ceil((view.top + view.height) / view.lineHeight) + spare);
  return { from: Math.min(from, count), to };
}
