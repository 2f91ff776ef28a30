/** Reads text and system code of a thrown value. Pure. */

/** The message of an error; for any other thrown value, its text. */
export function errorText(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The code of an error of the system or of Node, such as `ENOENT`; undefined if there is none. */
export function errorCode(thrown: unknown): string | undefined {
  return thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
}

/** Whether the error means that nothing exists at the path: the path is missing, or a directory above it is a file. */
export function isMissing(thrown: unknown): boolean {
  const code = errorCode(thrown);
  return code === "ENOENT" || code === "ENOTDIR";
}
