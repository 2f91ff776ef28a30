/**
 * The state of AgentCore on disk: one SQLite file, `state.db`, that several processes of one machine share. Write-ahead
 * log with a full sync at each commit, so that what was acknowledged survives a power cut; writes of one turn of the event
 * loop share a commit. `createSqliteJobStore` and `createSqliteLedger` are built on it.
 */
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { AgentCoreError, type Clock, type Random, systemClock, systemRandom } from "@agentcore/contract";
import { type WriteSql, inSnapshot } from "./commit-batch.ts";
import { createFile } from "./create-file.ts";
import { type SqliteConnection, type SqliteDriver, nodeSqliteDriver } from "./driver.ts";
import { type StartCheck, decideOpening, inspectFile, integrityFlaws } from "./inspect-file.ts";
import { keepAside } from "./keep-aside.ts";
import { type LockWait, retryWhileLocked } from "./lock-wait.ts";
import { applyMigrations } from "./migrate.ts";
import { newest, oldestVersion } from "./schema.ts";
import { type Sql, createSql } from "./sql.ts";
import { storeErrorOf } from "./sqlite-error.ts";
import { createWriteQueue } from "./write-queue.ts";

export interface StateDatabaseOptions {
  /** Directory of `state.db`; created if missing, readable by its owner only. Must be on a local disk. */
  readonly directory: string;
  /**
   * Longest wait in ms for another process's lock while nobody commits. While others commit, a call waits longer, at most ten
   * times as long. Default 30,000.
   */
  readonly lockTimeoutMs?: number;
  /** How thoroughly the file is checked when it is opened. Default `quick`. */
  readonly startCheck?: StartCheck;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: the system's. */
  readonly random?: Random;
  /** Default: `node:sqlite`. */
  readonly driver?: SqliteDriver;
}

export interface StateDatabase {
  readonly path: string;
  /** Whether the last write of this handle could not be made durable, such as on a full disk. */
  readonly isFailing: boolean;
  /**
   * Runs `write` in a transaction and resolves with its return value once that is durable. `write` may run more than once, and
   * must only read and write through `sql`. If it throws, the promise rejects and only its own writes are undone. If the commit
   * itself failed, `confirm` reads whether it took effect all the same, and returns what `write` returned then.
   */
  write<T>(write: (sql: WriteSql) => T, confirm?: (sql: Sql) => T | undefined): Promise<T>;
  /** Runs `query` on one consistent view that includes every earlier call of `write`. It cannot change anything. */
  read<T>(query: (sql: Sql) => T): Promise<T>;
  /** Calls `listener` after each commit of this handle. It must not throw. Returns a function that unsubscribes. */
  onCommit(listener: () => void): () => void;
  /** Reads every page and compares every index. Returns the problems; empty if there are none. Blocks the event loop. */
  checkIntegrity(): Promise<readonly string[]>;
  /** Copies a consistent view to a file that must not exist yet. Writes continue meanwhile. */
  backup(path: string): Promise<void>;
  /** Waits for earlier writes, then closes the file. Idempotent; other calls afterwards reject. */
  close(): Promise<void>;
}

/**
 * Opens, creates or migrates `state.db`. Rejects with `AC_STORE_UNAVAILABLE` (cannot be read or written, or stays locked),
 * `AC_STORE_NEWER`, `AC_STORE_OLDER` or `AC_STORE_CORRUPT`. In the last three cases the file does not change, and a damaged one
 * is copied.
 */
export async function openStateDatabase(options: StateDatabaseOptions): Promise<StateDatabase> {
  const { directory, startCheck = "quick", driver = nodeSqliteDriver } = options;
  const { clock = systemClock, random = systemRandom, lockTimeoutMs = 30_000 } = options;
  const wait: LockWait = { clock, random, lockTimeoutMs };
  const path = join(directory, "state.db");
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const facts = await retryWhileLocked(wait, null, () => inspectFile(driver, path, startCheck));
    const decision = decideOpening(facts, newest.version, oldestVersion);
    switch (decision.kind) {
      case "refuse-newer":
        throw newerError(path, decision.schemaVersion);
      case "refuse-older":
        throw olderError(path, decision.schemaVersion);
      case "refuse-damaged":
        throw damagedError(path, decision.reason, keepAside(path));
      case "create":
        await retryWhileLocked(wait, null, () => createFile(driver, path, clock.now(), uniqueSuffix(random)));
        break;
      case "migrate":
      case "open":
        break;
    }
    const connection = await retryWhileLocked(wait, null, () => connect(driver, path));
    const sql = createSql(connection);
    if (decision.kind === "migrate") {
      await retryWhileLocked(wait, sql, () => applyMigrations(connection, sql, clock.now()));
    }
    const openSource = (): SqliteConnection => driver.open(path, { readOnly: true });
    return createHandle({ path, connection, sql, openSource }, wait);
  } catch (error) {
    throw storeErrorOf(error, path, true);
  }
}

function uniqueSuffix(random: Random): string {
  return `${process.pid}-${random.next().toString(36).slice(2)}`;
}

function connect(driver: SqliteDriver, path: string): SqliteConnection {
  const connection = driver.open(path, { readOnly: false });
  try {
    // SQLite checkpoints after each 4 MiB of log. From then on it overwrites the log, and a sync of a file that does not grow
    // takes half the time. The log is truncated to 64 MiB after a burst. We wait for locks ourselves (see lock-wait.ts).
    connection.exec(`
      PRAGMA busy_timeout = 0;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      PRAGMA trusted_schema = OFF;
      PRAGMA temp_store = MEMORY;
      PRAGMA cache_size = -16384;
      PRAGMA journal_size_limit = 67108864;
    `);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

interface OpenFile {
  readonly path: string;
  readonly connection: SqliteConnection;
  readonly sql: Sql;
  /** Another connection, for a backup: SQLite refuses to copy from a connection during a write. */
  readonly openSource: () => SqliteConnection;
}

function createHandle({ path, connection, sql, openSource }: OpenFile, wait: LockWait): StateDatabase {
  const listeners = new Set<() => void>();
  const opened = identityOf(path);
  /** SQLite continues to use a file that was removed, and everything written to it would be lost. */
  const assertInPlace = (): void => {
    if (identityOf(path) !== opened) throw goneError(path);
  };
  const queue = createWriteQueue(sql, {
    ...wait,
    path,
    beforeUse: assertInPlace,
    onCommit: () => {
      for (const listener of listeners) listener();
    },
  });
  let closing: Promise<void> | undefined;
  const assertOpen = (): void => {
    if (closing !== undefined) throw closedError(path);
  };
  const read = async <T>(query: (sql: Sql) => T): Promise<T> => {
    assertOpen();
    // After the waiting writes, so that it sees them.
    if (queue.size > 0) return queue.addRead(query);
    try {
      assertInPlace();
      return await retryWhileLocked(wait, sql, () => inSnapshot(sql, query));
    } catch (error) {
      throw storeErrorOf(error, path);
    }
  };
  return {
    path,
    get isFailing() {
      return queue.isFailing;
    },
    write: (write, confirm) =>
      closing === undefined ? queue.add(write, confirm) : Promise.reject(closedError(path)),
    read,
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    checkIntegrity: () => read(() => integrityFlaws(connection, "integrity_check")),
    async backup(target) {
      assertOpen();
      try {
        const source = openSource();
        try {
          await source.backup(target);
        } finally {
          source.close();
        }
      } catch (error) {
        throw storeErrorOf(error, target);
      }
    },
    close() {
      closing ??= queue.idle().then(() => connection.close());
      return closing;
    },
  };
}

/** Device and inode number of the file; they differ if another file has its name. */
function identityOf(path: string): string | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? null : `${stats.dev}:${stats.ino}`;
}

function goneError(path: string): AgentCoreError {
  return new AgentCoreError(
    "AC_STORE_GONE",
    `${path} was removed or replaced while it was in use; put the state directory back, or start again on a new one`,
    { evidence: { path } },
  );
}

function closedError(path: string): AgentCoreError {
  return new AgentCoreError("AC_STORE_UNAVAILABLE", `${path} was closed; open it again`);
}

function newerError(path: string, found: number): AgentCoreError {
  return new AgentCoreError(
    "AC_STORE_NEWER",
    `${path} has schema version ${found} and this version of AgentCore knows ${newest.version}; update AgentCore, or use another state directory`,
    { evidence: { path, found, known: newest.version } },
  );
}

function olderError(path: string, found: number): AgentCoreError {
  return new AgentCoreError(
    "AC_STORE_OLDER",
    `${path} has schema version ${found} and this version of AgentCore reads versions from ${oldestVersion} on; use another state directory, or the version of AgentCore that wrote it`,
    { evidence: { path, found, oldest: oldestVersion } },
  );
}

function damagedError(path: string, reason: string, copy: string | null): AgentCoreError {
  const kept = copy === null ? "it was left as it is" : `it was left as it is, and a copy is kept at ${copy}`;
  return new AgentCoreError(
    "AC_STORE_CORRUPT",
    `${path} is damaged: ${reason}; ${kept}; move it away and restore a backup in its place, or use another state directory`,
    { evidence: { path, reason, copy } },
  );
}
