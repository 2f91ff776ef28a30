/**
 * Commits a batch of independent writes as one transaction, with one disk sync for all of them. The batch first runs
 * without savepoints, because failing writes are rare. If one fails, everything is rolled back and run again with a
 * savepoint around each write, so that only the failing one is rejected. A write may therefore run more than once: it must
 * only read and write this database, and update memory through `afterCommit`.
 *
 * Throws the driver's error if the file is the problem and no write took effect, and {@link CommitFailure} if COMMIT itself
 * failed.
 */
import { ignore } from "@agentcore/contract";
import type { Sql } from "./sql.ts";
import { CommitFailure, failureOf } from "./sqlite-error.ts";

/** What a write uses. */
export interface WriteSql extends Sql {
  /** Performs an action in memory after the transaction is committed, in the order of the calls; never after a rollback. */
  afterCommit(action: () => void): void;
}

export type Write = (sql: WriteSql) => unknown;

export type WriteOutcome =
  | { readonly ok: true; readonly value: unknown }
  /** An error of this write alone. It changed nothing, and the other writes are committed. */
  | { readonly ok: false; readonly error: unknown };

export type CommitBatch = (writes: readonly Write[]) => readonly WriteOutcome[];

export function createCommitBatch(sql: Sql): CommitBatch {
  let remembered: (() => void)[] = [];
  const writeSql: WriteSql = { ...sql, afterCommit: (action) => void remembered.push(action) };
  const inTransaction = (apply: () => readonly WriteOutcome[]): readonly WriteOutcome[] => {
    remembered = [];
    const outcomes = transaction(sql, "BEGIN IMMEDIATE", apply);
    for (const action of remembered.splice(0)) action();
    return outcomes;
  };
  const applyWithSavepoint = (write: Write): WriteOutcome => {
    const kept = remembered.length;
    sql.run("SAVEPOINT one_write");
    try {
      const value = write(writeSql);
      sql.run("RELEASE one_write");
      return { ok: true, value };
    } catch (error) {
      // A failure of the file concerns the whole batch. SQLite may have ended the transaction already.
      if (failureOf(error) !== "statement") throw error;
      sql.run("ROLLBACK TO one_write");
      sql.run("RELEASE one_write");
      remembered = remembered.slice(0, kept);
      return { ok: false, error };
    }
  };
  return (writes) => {
    try {
      return inTransaction(() => writes.map((write) => ({ ok: true, value: write(writeSql) })));
    } catch (error) {
      if (failureOf(error) !== "statement") throw error;
      return inTransaction(() => writes.map(applyWithSavepoint));
    }
  };
}

/** Runs a query on one consistent view. */
export function inSnapshot<T>(sql: Sql, query: (sql: Sql) => T): T {
  return transaction(sql, "BEGIN", () => query(sql));
}

/** Throws what `work` throws, or {@link CommitFailure}; then nothing was done. */
export function transaction<T>(sql: Sql, begin: "BEGIN" | "BEGIN IMMEDIATE", work: () => T): T {
  sql.run(begin);
  try {
    const answer = work();
    commit(sql);
    return answer;
  } catch (error) {
    rollBack(sql);
    throw error;
  }
}

function commit(sql: Sql): void {
  try {
    sql.run("COMMIT");
  } catch (error) {
    throw new CommitFailure(error);
  }
}

function rollBack(sql: Sql): void {
  try {
    sql.run("ROLLBACK");
  } catch (error) {
    ignore(error, "SQLite had already rolled back");
  }
}
