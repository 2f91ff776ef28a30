/** An error of a file or of one that it names, with its place; and the port for reading files. */

export interface Problem {
  /** Path as the file was opened. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** The text of a file by absolute path; null if it does not exist. Rejects with the file system's error for any other failure. */
export type ReadFile = (path: string) => Promise<string | null>;

/** `file:line:column: message`, as compilers print it and editors open it. */
export function formatProblem({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}
