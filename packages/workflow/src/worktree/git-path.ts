/**
 * File names in git: bytes, which need not be UTF-8 and may contain anything except NUL. In the program they are strings
 * with one character per byte; git reads and prints the quoted form, which is plain ASCII.
 */

/** One character for each byte; relative to the top level, with slashes. */
export type GitPath = string;

const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

/** From git's output with `core.quotePath` on. */
export function unquotePath(text: string): GitPath {
  if (!text.startsWith('"')) return text;
  return text.slice(1, -1).replaceAll(/\\([0-7]{3}|[^])/g, (_whole, sign: string) => {
    if (sign.length === 3) return String.fromCharCode(Number.parseInt(sign, 8));
    const code = escapes[sign];
    return code === undefined ? sign : String.fromCharCode(code);
  });
}

/** As git reads it in newline-separated lists. */
export function quotePath(path: GitPath): string {
  const octal = (sign: string): string => `\\${sign.charCodeAt(0).toString(8).padStart(3, "0")}`;
  return `"${path.replaceAll(/[^ !#-[\]-~]/g, octal)}"`;
}

/** For the file system. `directory` is an ordinary path. */
export function absolutePath(directory: string, path: GitPath): Buffer {
  return Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, "latin1")]);
}

/** For people. */
export function shownPath(path: GitPath): string {
  return JSON.stringify(Buffer.from(path, "latin1").toString()).slice(1, -1);
}

/** The directories above it, from the top. */
export function directoriesAbove(path: GitPath): readonly GitPath[] {
  const parts = path.split("/");
  return parts.slice(1).map((_part, index) => parts.slice(0, index + 1).join("/"));
}
