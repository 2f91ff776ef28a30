/**
 * Splits byte chunks into lines. Splits only on `\n`, never on U+2028 or U+2029, which are valid inside JSON; strips one
 * `\r` before it; turns invalid UTF-8 into U+FFFD; delivers a last line without a terminator. Holds at most one line of
 * bounded length: the first part of a longer line is delivered at once as `oversized`, and the rest up to the next `\n` is
 * dropped (the log on disk keeps it). Decoding whole chunks and searching the string is the fastest known way in Node;
 * splitting bytes first is slower, because each line is then decoded separately.
 */
import { StringDecoder } from "node:string_decoder";

/** Longest line that is delivered whole: 8 Mi characters (UTF-16 units). */
export const lineCharsMax = 8 * 1024 * 1024;

export interface LineFramer {
  readonly write: (chunk: Uint8Array) => void;
  /** Delivers the rest. Do not write afterwards. */
  readonly end: () => void;
}

export function createLineFramer(
  onLine: (line: string, oversized: boolean) => void,
  charsMax = lineCharsMax,
): LineFramer {
  const decoder = new StringDecoder("utf8");
  let pending = "";
  /** Inside a line whose first part has been delivered. */
  let skipping = false;

  function take(text: string): void {
    let start = 0;
    for (let newline = text.indexOf("\n"); newline !== -1; newline = text.indexOf("\n", start)) {
      const part = text.slice(start, newline);
      start = newline + 1;
      if (skipping) skipping = false;
      else deliver(pending === "" ? part : pending + part);
      pending = "";
    }
    if (skipping || start === text.length) return;
    pending += start === 0 ? text : text.slice(start);
    if (pending.length <= charsMax) return;
    onLine(pending.slice(0, charsMax), true);
    pending = "";
    skipping = true;
  }

  function deliver(line: string): void {
    if (line.length > charsMax) onLine(line.slice(0, charsMax), true);
    else onLine(line.endsWith("\r") ? line.slice(0, -1) : line, false);
  }

  return {
    write(chunk) {
      take(decoder.write(chunk));
    },
    end() {
      take(decoder.end());
      if (pending !== "" && !skipping) deliver(pending);
      pending = "";
      skipping = false;
    },
  };
}
