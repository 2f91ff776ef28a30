/** What a thrown value says: its text, and the code that the system gave it. Pure. */

/** The message of an error; of anything else that was thrown, its text. */
export function errorText(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The code of an error of the system or of Node, such as `ENOENT`; undefined where there is none. */
export function errorCode(thrown: unknown): string | undefined {
  return thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
}

/** Whether there is nothing at the path: it does not exist, or what should be a folder above it is a file. */
export function isMissing(thrown: unknown): boolean {
  const code = errorCode(thrown);
  return code === "ENOENT" || code === "ENOTDIR";
}
