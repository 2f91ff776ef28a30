/**
 * Classifies errors of PostgreSQL and of the connection to it: `passing` is waited for and tried again, `unavailable` and
 * `corrupt` are reported at once, and any other error concerns a single statement.
 */
import { AgentCoreError, errorText, isAgentCoreError } from "@agentcore/contract";
import { DatabaseError } from "pg";

export type PostgresFailure =
  /** Goes away: a lost connection, a server that starts, a failover, a deadlock, a timeout. The transaction took no effect. */
  | "passing"
  /** The database cannot be used until somebody changes something: rights, password, disk space. */
  | "unavailable"
  /** The schema or its tables are not there any more. */
  | "gone"
  /** The server found damaged data. */
  | "corrupt"
  /** An error of this statement alone. */
  | "statement";

/** By SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html; two characters are a class. */
const failureOfState: Readonly<Record<string, PostgresFailure>> = {
  "08": "passing", // connection exceptions
  "0A000": "passing", // BEGIN READ WRITE on a standby that is not promoted yet
  "25P03": "passing", // the session was idle in its transaction for too long
  "28": "unavailable", // user or password
  "3D": "unavailable", // no such database
  "3F": "gone", // no such schema
  "40": "passing", // deadlock, serialization failure
  "42501": "unavailable", // no right
  "42P01": "gone", // no such table
  "53300": "passing", // too many connections
  "53": "unavailable", // disk full, out of memory
  "55P03": "passing", // lock timeout
  "57": "passing", // shutdown, crash, start, statement timeout
  "58": "unavailable", // input/output error
  XX001: "corrupt",
  XX002: "corrupt",
};

/** COMMIT was sent and its answer was lost. */
export class CommitUnknown extends Error {
  constructor(cause: unknown) {
    super(errorText(cause), { cause });
    this.name = "CommitUnknown";
  }
}

/** The SQLSTATE of an error that the server sent. */
const stateOf = (error: unknown): string | undefined =>
  error instanceof DatabaseError ? error.code : undefined;

/** Of a file that the URL names: a certificate or a key. */
const isOfFile = (error: unknown): boolean =>
  error instanceof Error &&
  "syscall" in error &&
  (error.syscall === "open" || error.syscall === "read") &&
  "path" in error;

/** Node's codes, such as ECONNREFUSED. */
const isOfSystem = (error: unknown): boolean =>
  error instanceof Error && "syscall" in error && !isOfFile(error);

/** `pg` gives no code for these. */
const ofConnection =
  /^(?:Connection terminated|Query read timeout|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed)/;

/** Whether nothing more can come from the connection. */
export function isConnectionLost(error: unknown): boolean {
  const state = stateOf(error);
  if (state !== undefined) return /^(?:08|57P0|25P03)/.test(state);
  return error instanceof AggregateError || isOfSystem(error) || ofConnection.test(errorText(error));
}

export function failureOf(error: unknown): PostgresFailure {
  if (error instanceof CommitUnknown) return "passing";
  const state = stateOf(error);
  if (state !== undefined) return failureOfState[state] ?? failureOfState[state.slice(0, 2)] ?? "statement";
  return isConnectionLost(error) ? "passing" : "statement";
}

/** What `pg` and Node say of a missing password, and of encryption. */
const ofHandshake = /\b(?:SASL|SSL|TLS|certificate)\b/;

/** The server ends a connection that it does not take, such as for wrong `options`, with any SQLSTATE. */
const isRefusedConnection = (error: unknown): boolean =>
  error instanceof DatabaseError && error.severity === "FATAL" && failureOf(error) === "statement";

/** What `pg` says where the server asks for a password. */
const ofNoPassword = /client password must be a/;

/**
 * User, password, rights, encryption, or no such database, or none that takes connections: waiting does not help a process
 * that begins.
 */
function isRefusal(error: unknown): boolean {
  const state = stateOf(error);
  if (state !== undefined) return /^(?:28|3D|42501)/.test(state) || isRefusedConnection(error);
  return isOfFile(error) || ofHandshake.test(errorText(error));
}

/** What the system says about a connection to several addresses is in the errors that it collected. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(errorText).join("; ");
  if (ofNoPassword.test(errorText(error)))
    return "no password is given, neither in the URL nor by PGPASSWORD or PGPASSFILE";
  return errorText(error);
}

/** The error for callers, in place of the driver's: a code of the catalog, the database, and what to do. */
export function storeErrorOf(error: unknown, place: string, whileOpening = false): AgentCoreError {
  if (isAgentCoreError(error)) return error;
  if (error instanceof CommitUnknown) return storeErrorOf(error.cause, place, whileOpening);
  const reason = reasonOf(error);
  const options = { evidence: { place, reason, state: stateOf(error) ?? null }, cause: error };
  if (whileOpening && isRefusal(error))
    return new AgentCoreError(
      "AC_STORE_REFUSED",
      `${place} cannot be opened: ${reason}; correct the user, the password, the database, its rights or \`sslmode\``,
      options,
    );
  switch (failureOf(error)) {
    case "passing":
      return new AgentCoreError(
        "AC_STORE_UNAVAILABLE",
        whileOpening
          ? `${place} cannot be reached: ${reason}; start PostgreSQL or correct the address, then try again`
          : `${place} cannot be reached just now: ${reason}; it is tried again with the next call`,
        options,
      );
    case "unavailable":
      return new AgentCoreError(
        "AC_STORE_UNAVAILABLE",
        `${place} cannot be used: ${reason}; correct the user, the password, the rights or the disk space of the database, then try again`,
        options,
      );
    case "gone":
      return new AgentCoreError(
        "AC_STORE_GONE",
        `the tables of AgentCore in ${place} were removed while they were in use (${reason}); restore them, or start again on a new schema`,
        options,
      );
    case "corrupt":
      return new AgentCoreError(
        "AC_STORE_CORRUPT",
        `${place} is damaged: ${reason}; restore a backup`,
        options,
      );
    case "statement":
      return new AgentCoreError("AC_INTERNAL", `a call on ${place} failed: ${reason}`, options);
  }
}
