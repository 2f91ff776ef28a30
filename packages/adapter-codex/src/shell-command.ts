/**
 * Extracts the script from a command of Codex, which prints the shell line that it started: `/bin/bash -lc '…'`, quoted
 * like in a POSIX shell.
 */

/** The script of a `bash -lc` line; any other line unchanged. */
export function innerCommand(line: string): string {
  const quoted = /^\S*\b(?:ba|z|da)?sh -l?c ([\s\S]+)$/.exec(line)?.[1];
  return (quoted === undefined ? null : unquoteWord(quoted)) ?? line;
}

/** The value of one shell word made of '…', "…" and plain characters; null for anything else. */
function unquoteWord(text: string): string | null {
  const part = /'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+)/y;
  let value = "";
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    if (match === null) return null;
    const [, single, double, escaped, plain] = match;
    value += single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? plain ?? "";
  }
  return value;
}
