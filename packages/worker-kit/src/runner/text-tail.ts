/** The last lines of a stream, bounded, for the summary of a run that failed without giving a reason. */
import { boundedText } from "../event-text.ts";

export interface TextTail {
  add(line: string): void;
  /** The lines, joined by newlines; each cut at `lineCharsMax`. */
  text(): string;
}

/** Default: 20 lines of at most 300 characters. */
export function createTextTail(linesMax = 20, lineCharsMax = 300): TextTail {
  const lines: string[] = [];
  let next = 0;
  return {
    add(line) {
      // A short line is kept by reference. A longer one is cut now, so that no huge text stays in memory.
      const kept = line.length <= lineCharsMax ? line : `${boundedText(line, lineCharsMax).text}…`;
      lines[next] = kept;
      next = (next + 1) % linesMax;
    },
    text() {
      const ordered = [...lines.slice(next), ...lines.slice(0, next)];
      return ordered.filter((line) => line.trim() !== "").join("\n");
    },
  };
}
