/** Reads text and system code of a thrown value. Pure. */

/** The message of an error; for any other thrown value, its text. */
export function errorText(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The code of an error of the system or of Node, such as `ENOENT`; undefined if there is none. */
export function errorCode(thrown: unknown): string | undefined {
  return thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
}

/** Whether the error means that nothing exists at the path. */
export function isMissing(thrown: unknown): boolean {
  return errorCode(thrown) === "ENOENT";
}

/** The same, or a directory above it is a file. For paths that somebody else names or changes. */
export function isMissingOrBelowFile(thrown: unknown): boolean {
  return isMissing(thrown) || errorCode(thrown) === "ENOTDIR";
}

/** A handler for `catch`: returns the value if nothing exists at the path, and throws any other error again. */
export function ifMissing<T>(value: T): (thrown: unknown) => T {
  return (thrown) => {
    if (isMissing(thrown)) return value;
    throw thrown;
  };
}
