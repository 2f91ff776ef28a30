/**
 * Classifies errors of SQLite by result code: `busy` is waited for, `unavailable` is reported and retried by the next call,
 * `corrupt` stops the use of the file, and any other error concerns a single statement.
 */
import { AgentCoreError, errorText, isAgentCoreError } from "@agentcore/contract";

export type SqliteFailure =
  /** Another connection holds the lock. */
  | "busy"
  /** The file or its directory cannot be read or written now: full disk, permissions, input/output error. */
  | "unavailable"
  /** The file is damaged, or is not a database. */
  | "corrupt"
  /** An error of this statement alone; others in the transaction are not affected. */
  | "statement";

/** Primary result codes, from https://www.sqlite.org/rescode.html. */
const failureOfCode: Readonly<Record<number, SqliteFailure>> = {
  5: "busy", // SQLITE_BUSY
  6: "busy", // SQLITE_LOCKED
  7: "unavailable", // SQLITE_NOMEM
  8: "unavailable", // SQLITE_READONLY
  10: "unavailable", // SQLITE_IOERR
  11: "corrupt", // SQLITE_CORRUPT
  13: "unavailable", // SQLITE_FULL
  14: "unavailable", // SQLITE_CANTOPEN
  15: "busy", // SQLITE_PROTOCOL: lost a race for the write-ahead log's locks
  22: "unavailable", // SQLITE_NOLFS: the file is too large for this system
  26: "corrupt", // SQLITE_NOTADB
};

/** COMMIT failed. According to the file, SQLite has rolled back the transaction; after a power cut the disk may say otherwise. */
export class CommitFailure extends Error {
  constructor(cause: unknown) {
    super(errorText(cause), { cause });
    this.name = "CommitFailure";
  }
}

/** Classifies an error of the driver or the file system. Any other error is the statement's own. */
export function failureOf(error: unknown): SqliteFailure {
  if (error instanceof CommitFailure) return failureOf(error.cause);
  if (error instanceof Error && "syscall" in error) return "unavailable";
  const code = resultCodeOf(error);
  return code === undefined ? "statement" : (failureOfCode[code & 0xff] ?? "statement");
}

function resultCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}

/**
 * The error for callers, in place of the driver's: a code of the catalog, the file, and what to do. `whileOpening`: nothing is
 * retried automatically afterwards.
 */
export function storeErrorOf(error: unknown, path: string, whileOpening = false): AgentCoreError {
  if (isAgentCoreError(error)) return error;
  if (error instanceof CommitFailure) return storeErrorOf(error.cause, path, whileOpening);
  const reason = errorText(error);
  const evidence = { path, reason, resultCode: resultCodeOf(error) ?? null };
  switch (failureOf(error)) {
    case "busy":
      return new AgentCoreError(
        "AC_STORE_UNAVAILABLE",
        `${path} is locked by another process (${reason}); ${whileOpening ? "try again when that has ended" : "it is tried again with the next call"}`,
        { evidence, cause: error },
      );
    case "unavailable":
      return new AgentCoreError(
        "AC_STORE_UNAVAILABLE",
        whileOpening
          ? `${path} cannot be opened: ${reason}; correct the permissions of its directory or free disk space, then start again`
          : `${path} cannot be used just now: ${reason}; free disk space or correct the permissions, then repeat the call; processes that run jobs go on then`,
        { evidence, cause: error },
      );
    case "corrupt":
      return new AgentCoreError("AC_STORE_CORRUPT", `${path} is damaged: ${reason}; restore a backup`, {
        evidence,
        cause: error,
      });
    case "statement":
      return new AgentCoreError("AC_INTERNAL", `a call on ${path} failed: ${reason}`, {
        evidence,
        cause: error,
      });
  }
}
