/** Fits help to the width of the terminal: Commander wraps only its own lists, not examples and notes. */
import { displayWidth } from "../screen/text.ts";

/** Wider help is hard to read. */
const columnsMax = 120;
const columnsDefault = 80;

export function helpColumns({
  isTTY,
  columns,
}: {
  readonly isTTY?: boolean;
  readonly columns?: number;
}): number {
  if (isTTY !== true || columns === undefined || columns <= 0) return columnsDefault;
  return Math.min(columns, columnsMax);
}

const command = /^ {2}\$ /;
/** Below `  $ agentcore`. */
const continuation = " ".repeat(6);

/** Breaks lines between words; a command goes on after a backslash, so that it can be copied. */
export function fitHelp(text: string, columns: number): string {
  return text
    .split("\n")
    .flatMap((line) => (displayWidth(line) <= columns ? [line] : broken(line, columns)))
    .join("\n");
}

function broken(line: string, columns: number): string[] {
  const isCommand = command.test(line);
  const indent = isCommand ? continuation : (/^ */.exec(line)?.[0] ?? "");
  const end = isCommand ? " \\" : "";
  const lines: string[] = [];
  let now = "";
  for (const word of wordsOf(line, isCommand)) {
    const longer = now === "" ? word : `${now} ${word}`;
    if (now.trim() === "" || displayWidth(longer) + end.length <= columns) now = longer;
    else {
      lines.push(now + end);
      now = indent + word;
    }
  }
  return [...lines, now];
}

/** A quoted argument is one word, and an option stays with its value. */
function wordsOf(line: string, isCommand: boolean): readonly string[] {
  if (!isCommand) return line.split(/(?<=\S) +/);
  return (
    line.match(/ {2}\$ \S+|--?[\w-]+ (?:"[^"]*"|'[^']*'|[^-\s<>]\S*)|"[^"]*"|'[^']*'|[<>] \S+|\S+/g) ?? [line]
  );
}
