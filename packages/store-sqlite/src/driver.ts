/**
 * The interface to SQLite. `node:sqlite` implements it; tests wrap it to inject faults (see `./testing`), and
 * better-sqlite3 could replace it. All calls are synchronous.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Not a static import: an old Node would refuse that before anything could say which Node is needed. */
const sqlite = process.getBuiltinModule("node:sqlite");

/** The values that SQLite stores and returns. Integers beyond 2^53 do not occur in our tables. */
export type SqlValue = string | number | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;
/** The values of a row, in the order of the selected columns. */
export type SqlValues = readonly SqlValue[];

/** Values are bound by position, to plain `?`: Node 22.13 does not support numbered ones. */
export interface SqliteStatement {
  run(...values: SqlValue[]): { readonly changes: number; readonly lastInsertRowid: number };
  get(...values: SqlValue[]): SqlRow | undefined;
  all(...values: SqlValue[]): readonly SqlRow[];
}

/** As {@link SqliteStatement}, for rows without names, which take half the time for frequent reads. */
export interface SqliteValuesStatement {
  get(...values: SqlValue[]): SqlValues | undefined;
  all(...values: SqlValue[]): readonly SqlValues[];
}

export interface SqliteConnection {
  /** Runs SQL whose result is not needed: pragmas, transaction control, definitions. */
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  prepareValues(sql: string): SqliteValuesStatement;
  /** Copies the database, as one transaction sees it, to `path`, without blocking the event loop for long. */
  backup(path: string): Promise<void>;
  close(): void;
}

export interface SqliteDriver {
  open(path: string, options: { readonly readOnly: boolean }): SqliteConnection;
}

/** Pages copied in one step of a backup: all of them, so that another process's write cannot make it start again. */
const backupPagesPerStep = 2 ** 31 - 1;

export const nodeSqliteDriver: SqliteDriver = {
  open(path, { readOnly }) {
    const database = new sqlite.DatabaseSync(path, { readOnly });
    return {
      exec: (sql) => database.exec(sql),
      prepare: (sql) => database.prepare(sql) as unknown as SqliteStatement,
      prepareValues: (sql) => prepareValues(database, sql),
      backup: async (target) => {
        // Node before 22.16 has no `backup`; VACUUM INTO produces the same file, but blocks the event loop.
        const backup = (sqlite as Partial<typeof sqlite>).backup;
        if (backup === undefined) database.prepare("VACUUM INTO ?").run(target);
        else await backup(database, target, { rate: backupPagesPerStep });
      },
      close: () => database.close(),
    };
  },
};

function prepareValues(database: DatabaseSync, sql: string): SqliteValuesStatement {
  const statement = database.prepare(sql);
  // Node before 22.16 supports only rows with names.
  if ((statement as Partial<typeof statement>).setReturnArrays === undefined) return withoutNames(statement);
  statement.setReturnArrays(true);
  return statement as unknown as SqliteValuesStatement;
}

function withoutNames(statement: StatementSync): SqliteValuesStatement {
  const valuesOf = (row: object): SqlValues => Object.values(row) as SqlValue[];
  return {
    get(...values) {
      const row = statement.get(...values);
      return row === undefined ? undefined : valuesOf(row);
    },
    all: (...values) => statement.all(...values).map(valuesOf),
  };
}
