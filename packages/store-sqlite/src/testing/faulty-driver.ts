/**
 * A driver that goes wrong on purpose: it counts the write operations of a database (BEGIN, COMMIT and every statement that
 * changes rows) and its queries, and lets a plan look at each, before and after it is done. A plan may throw
 * {@link sqliteFailure}, kill the process, or copy the files as they are at that moment.
 */
import type { SqliteConnection, SqliteDriver, SqliteStatement, SqliteValuesStatement } from "../driver.ts";

export interface WriteOperation {
  /** From 1, across all connections of the driver. */
  readonly number: number;
  readonly sql: string;
}

export interface FaultPlan {
  before?(operation: WriteOperation): void;
  after?(operation: WriteOperation): void;
  /** Called for a query, in any transaction. Numbered separately from the writes. */
  beforeQuery?(operation: WriteOperation): void;
}

export type SqliteFailureName = "SQLITE_BUSY" | "SQLITE_IOERR" | "SQLITE_FULL";

const resultCodes: Readonly<Record<SqliteFailureName, number>> = {
  SQLITE_BUSY: 5,
  SQLITE_IOERR: 10,
  SQLITE_FULL: 13,
};

/** An error as `node:sqlite` throws it. */
export function sqliteFailure(name: SqliteFailureName): Error {
  return Object.assign(new Error(`injected ${name}`), {
    code: "ERR_SQLITE_ERROR",
    errcode: resultCodes[name],
  });
}

/** The plan ignores statements that open the database: it sees writes from `BEGIN IMMEDIATE` on. */
const writes = /^\s*(?:BEGIN IMMEDIATE|COMMIT|INSERT|UPDATE|DELETE)\b/;

export function faultyDriver(inner: SqliteDriver, plan: FaultPlan): SqliteDriver {
  let count = 0;
  let queries = 0;
  // A snapshot's BEGIN and COMMIT write nothing.
  let writing = false;

  const watched = <T>(sql: string, operate: () => T): T => {
    if (/^\s*BEGIN IMMEDIATE/.test(sql)) writing = true;
    if (/^\s*SELECT\b/.test(sql)) {
      queries += 1;
      plan.beforeQuery?.({ number: queries, sql });
      return operate();
    }
    if (!writing || !writes.test(sql)) return operate();
    count += 1;
    const operation = { number: count, sql };
    plan.before?.(operation);
    const answer = operate();
    if (/^\s*COMMIT/.test(sql)) writing = false;
    plan.after?.(operation);
    return answer;
  };

  const watchStatement = (sql: string, statement: SqliteStatement): SqliteStatement => ({
    run: (...values) => watched(sql, () => statement.run(...values)),
    get: (...values) => watched(sql, () => statement.get(...values)),
    all: (...values) => watched(sql, () => statement.all(...values)),
  });

  const watchValues = (sql: string, statement: SqliteValuesStatement): SqliteValuesStatement => ({
    get: (...values) => watched(sql, () => statement.get(...values)),
    all: (...values) => watched(sql, () => statement.all(...values)),
  });

  return {
    open(path, options) {
      const connection: SqliteConnection = inner.open(path, options);
      return {
        exec: (sql) => watched(sql, () => connection.exec(sql)),
        prepare: (sql) => watchStatement(sql, connection.prepare(sql)),
        prepareValues: (sql) => watchValues(sql, connection.prepareValues(sql)),
        backup: (target) => connection.backup(target),
        close: () => connection.close(),
      };
    },
  };
}
