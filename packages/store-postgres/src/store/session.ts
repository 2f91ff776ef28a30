/**
 * One transaction on a connection of the pool. Everything that its statements rely on is set inside it: behind a pooler such as
 * PgBouncer each transaction may run in another session. Its start and its end are one message each.
 *
 * Rejects with the driver's error; nothing took effect then, or, with {@link CommitUnknown}, it is not known.
 */
import { createHash } from "node:crypto";
import { ignore } from "@agentcore/contract";
import type { Pool, PoolClient, QueryResult } from "pg";
import { createSql } from "./client-sql.ts";
import { CommitUnknown, isConnectionLost } from "./postgres-error.ts";
import type { Sql } from "./sql.ts";

/** Longest time of a statement, which includes the wait for a lock. */
export const statementTimeoutMs = 10_000;
/** A client that freezes inside a transaction holds its locks for this long; then the server ends the session. */
const idleInTransactionMs = 2000;

export interface Session {
  readonly pool: Pool;
  /** Of PostgreSQL: the namespace of our tables. */
  readonly schema: string;
}

/**
 * Runs `work` in a transaction that holds the lock of that name, which excludes every other transaction of the schema that names
 * it. `ending`: a statement that goes with the COMMIT.
 */
export function inTransaction<T>(
  session: Session,
  { lock, ending = "" }: { readonly lock: string; readonly ending?: string },
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const { schema } = session;
  const begin =
    `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; ${settings(schema, shortPlans)};` +
    `SELECT pg_advisory_xact_lock(${lockKey(schema, lock)})`;
  return run(session, begin, `${ending}; COMMIT`, work);
}

/** Runs `query` on one consistent view. */
export function inSnapshot<T>(session: Session, query: (sql: Sql) => Promise<T>): Promise<T> {
  const begin = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${settings(session.schema)}`;
  return run(session, begin, "COMMIT", query);
}

async function run<T>(
  { pool }: Session,
  begin: string,
  end: string,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let isCommitting = false;
  let answer: T;
  try {
    await client.query(begin);
    answer = await work(createSql(client));
    isCommitting = true;
    assertCommitted(await client.query(end));
  } catch (error) {
    const isLost = isConnectionLost(error);
    if (isLost) client.release(true);
    else await rollBack(client);
    throw isLost && isCommitting ? new CommitUnknown(error) : error;
  }
  client.release();
  return answer;
}

/** COMMIT of a transaction in which a statement failed succeeds and rolls back. */
function assertCommitted(results: QueryResult | QueryResult[]): void {
  const last = Array.isArray(results) ? results.at(-1) : results;
  if (last?.command !== "COMMIT") throw new TypeError("a statement failed and its error was not passed on");
}

async function rollBack(client: PoolClient): Promise<void> {
  try {
    await client.query("ROLLBACK");
    client.release();
  } catch (error) {
    ignore(error, "without its connection, the server rolls back");
    client.release(true);
  }
}

/**
 * Writes find each row by an index. Statistics must not lead the planner away from that: those of a queue that was just filled are
 * old, and a small table grows between two of them.
 */
const shortPlans = {
  enable_seqscan: "'off'",
  enable_bitmapscan: "'off'",
  enable_hashjoin: "'off'",
  enable_mergejoin: "'off'",
};

/** `jit`: compiling takes longer than any of our statements. A commit without its sync would not be durable when it is answered. */
function settings(schema: string, more: Readonly<Record<string, string>> = {}): string {
  const values = {
    search_path: `'${schema}'`,
    statement_timeout: `'${statementTimeoutMs}'`,
    idle_in_transaction_session_timeout: `'${idleInTransactionMs}'`,
    jit: "'off'",
    synchronous_commit:
      "CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END",
    ...more,
  };
  const calls = Object.entries(values).map(([name, value]) => `set_config('${name}', ${value}, true)`);
  return `SELECT ${calls.join(", ")}`;
}

/** Advisory locks are numbers, and those of a database are shared by all that use it. */
function lockKey(schema: string, lock: string): bigint {
  return createHash("sha256").update(`agentcore ${schema} ${lock}`).digest().readBigInt64BE();
}
