/**
 * Prepares text for a terminal: removes control characters (a worker's output could otherwise move the cursor, set the
 * title or hide lines), joins it to one line, and cuts it to a width in columns.
 */
import { escapeUnprintable, unprintable } from "@agentcore/contract";
import { stripVTControlCharacters } from "node:util";

/** The text on one line, without escape sequences and control characters; white space keeps its width. */
export function printable(text: string): string {
  if (plainAscii.test(text)) return text;
  return stripVTControlCharacters(text)
    .replaceAll(/[\s\u2028\u2029]/gu, " ")
    .replaceAll(unprintable, "");
}

/** As {@link printable}, but keeps line ends and tabs. */
export function printableLines(text: string): string {
  if (plainLines.test(text)) return text;
  return text
    .split(/\r\n|\n/)
    .map((line) => line.split("\t").map(printable).join("\t"))
    .join("\n");
}

/** JSON text with every control and format character escaped: the same value, without effect on a terminal. */
export function printableJson(json: string): string {
  if (plainAscii.test(json)) return json;
  return escapeUnprintable(json);
}

/** One printable line: escape sequences and control characters gone, white space runs folded. */
export function oneLine(text: string): string {
  if (plainAscii.test(text)) return text.replaceAll(/ {2,}/g, " ").trim();
  return stripVTControlCharacters(text).replaceAll(/\s+/gu, " ").replaceAll(unprintable, "").trim();
}

// East Asian wide and fullwidth blocks, and pictographs: two columns each in practically every terminal.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const zeroWidth = /^\p{M}+$/u;
let segmenter: Intl.Segmenter | undefined;
const plainAscii = /^[\x20-\x7e]*$/;
const plainLines = /^[\x20-\x7e\n\t]*$/;
// One letter, one column: Latin, and the punctuation, arrows, lines and marks that this program prints itself.
const narrow = /^[\x20-\x7e\u00a1-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u257f\u2713\u2717\u2800-\u28ff]*$/;

/** Created when a line first needs it, because that takes longer than the whole start of the program. */
function graphemesOf(line: string): Iterable<{ readonly segment: string }> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  return segmenter.segment(line);
}

function graphemeWidth(grapheme: string): number {
  if (zeroWidth.test(grapheme)) return 0;
  return wide.test(grapheme) ? 2 : 1;
}

/** Columns of a line without control characters. */
export function displayWidth(line: string): number {
  if (narrow.test(line)) return line.length;
  let width = 0;
  for (const { segment } of graphemesOf(line)) width += graphemeWidth(segment);
  return width;
}

/** The line, or the part of it that fits in `columns` with an ellipsis. */
export function cut(line: string, columns: number): string {
  if (columns <= 0) return "";
  if (narrow.test(line)) return line.length <= columns ? line : `${line.slice(0, columns - 1)}…`;
  if (displayWidth(line) <= columns) return line;
  let width = 0;
  let kept = "";
  for (const { segment } of graphemesOf(line)) {
    width += graphemeWidth(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
