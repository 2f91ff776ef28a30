/**
 * Commits a batch of independent writes as one transaction: one sync of the disk for all of them. The batch first runs
 * without savepoints, because a write that fails is rare; where one does, everything is rolled back and run again with a
 * savepoint around each, so that only the failing one is refused. A write may therefore run more than once, and must do
 * nothing but read and write this database.
 *
 * Throws the driver's error where the file is the problem and no write of the batch was done. After a failed COMMIT it is
 * not known whether they are durable: the callers are told that the store is unavailable, and ask again with the same ids.
 */
import { ignore } from "@agentcore/contract";
import type { Sql } from "./sql.ts";
import { failureOf } from "./sqlite-error.ts";

export type Write = (sql: Sql) => unknown;

export type Settlement =
  | { readonly ok: true; readonly value: unknown }
  /** The write's own fault; it left no trace, and the others are committed. */
  | { readonly ok: false; readonly error: unknown };

/**
 * Takes part in every transaction of writes. `begin` may come again without a commit: the earlier one was rolled back. A write
 * that has a savepoint of its own is like a transaction to the part.
 */
export interface TransactionPart {
  begin(): void;
  /** May still write. Must not fail for a reason of its own. */
  beforeCommit(sql: Sql): void;
}

export function commitBatch(
  sql: Sql,
  writes: readonly Write[],
  parts: Iterable<TransactionPart> = [],
): readonly Settlement[] {
  try {
    return inTransaction(sql, () =>
      withParts(sql, parts, () => writes.map((write) => ({ ok: true, value: write(sql) }))),
    );
  } catch (error) {
    if (failureOf(error) !== "statement") throw error;
    return inTransaction(sql, () => writes.map((write) => applyWithSavepoint(sql, write, parts)));
  }
}

function inTransaction(sql: Sql, apply: () => readonly Settlement[]): readonly Settlement[] {
  sql.run("BEGIN IMMEDIATE");
  try {
    const settlements = apply();
    sql.run("COMMIT");
    return settlements;
  } catch (error) {
    rollBack(sql);
    throw error;
  }
}

function withParts<T>(sql: Sql, parts: Iterable<TransactionPart>, apply: () => T): T {
  for (const part of parts) part.begin();
  const answer = apply();
  for (const part of parts) part.beforeCommit(sql);
  return answer;
}

function applyWithSavepoint(sql: Sql, write: Write, parts: Iterable<TransactionPart>): Settlement {
  sql.run("SAVEPOINT one_write");
  try {
    const value = withParts(sql, parts, () => write(sql));
    sql.run("RELEASE one_write");
    return { ok: true, value };
  } catch (error) {
    // A failure of the file concerns the whole batch; SQLite may have ended the transaction already.
    if (failureOf(error) !== "statement") throw error;
    sql.run("ROLLBACK TO one_write");
    sql.run("RELEASE one_write");
    return { ok: false, error };
  }
}

/** Ends a transaction that failed. Exported for reads, which have one too. */
export function rollBack(sql: Sql): void {
  try {
    sql.run("ROLLBACK");
  } catch (error) {
    ignore(error, "SQLite had already rolled back by itself");
  }
}
