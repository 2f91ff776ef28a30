/**
 * Codex prints a command as the shell line it started, `/bin/bash -lc '…'`, quoted in the way of a POSIX shell. What
 * people asked for, and what an observation should hold, is the text inside.
 */

/** The script of a `bash -lc` line; the line itself where it is anything else. */
export function innerCommand(line: string): string {
  const quoted = /^\S*\b(?:ba|z|da)?sh -l?c ([\s\S]+)$/.exec(line)?.[1];
  return (quoted === undefined ? null : unquoteWord(quoted)) ?? line;
}

/** The value of one shell word made of '…', "…" and plain characters; null where it is not exactly one. */
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
