/**
 * The state of AgentCore in a PostgreSQL database that several hosts share. What a call decides, it decides in JavaScript by the
 * same functions as on any other store; a transaction reads, then writes, under one lock of the whole store.
 */
import { randomUUID } from "node:crypto";
import {
  AgentCoreError,
  type Clock,
  type Random,
  ignore,
  storePlace,
  storeUrlProblem,
  systemClock,
  systemRandom,
} from "@agentcore/contract";
import { type CustomTypesConfig, Pool, types } from "pg";
import { connectionUrl } from "./connection-url.ts";
import { migrate } from "./migrate.ts";
import { storeErrorOf } from "./postgres-error.ts";
import { type Patience, retryWhilePassing } from "./retry.ts";
import { type Session, inSnapshot, inTransaction, statementTimeoutMs } from "./session.ts";
import type { Sql, WriteSql } from "./sql.ts";
import { type WriteQueue, createWriteQueue } from "./write-queue.ts";

export interface PostgresStoreOptions {
  /** `postgres://USER@HOST:PORT/DATABASE`. A password comes from it, or from `PGPASSWORD` or `PGPASSFILE`. */
  readonly url: string;
  /** Namespace of the tables in the database; created if missing. Lower-case letters, digits and `_`. Default `agentcore`. */
  readonly schema?: string;
  /** How long in ms a call waits for a server that restarts or cannot be reached. Default 30,000. */
  readonly timeoutMs?: number;
  /** The same for opening. Default 5000. */
  readonly openTimeoutMs?: number;
  /** Most connections at once. Default 6. */
  readonly connectionsMax?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: the system's. */
  readonly random?: Random;
}

/** Writes that exclude each other, and reads that see them. */
export interface PostgresLane {
  /**
   * Runs `write` in a transaction and resolves with its return value once that is durable; calls of one turn of the event loop
   * share a transaction. `write` may run more than once, and must only read and write through `sql`, soon: after 2 s without a
   * statement the transaction ends and begins again. If it throws, the promise rejects and only its own writes are undone.
   */
  write<T>(write: (sql: WriteSql) => Promise<T>): Promise<T>;
  /** Runs `query` on one consistent view that includes every earlier call of `write`. It cannot change anything. */
  read<T>(query: (sql: Sql) => Promise<T>): Promise<T>;
}

export interface PostgresStore extends PostgresLane {
  /** The URL without its password, for messages. */
  readonly place: string;
  /** Whether the database could not be used at the last try to write. */
  readonly isFailing: boolean;
  /** A lane of this handle alone: its writes exclude each other, and nothing of other lanes or other hosts. */
  lane(name: string): PostgresLane;
  /** Calls `listener` after each commit of `write`. It must not throw. Returns a function that unsubscribes. */
  onCommit(listener: () => void): () => void;
  /** A number that differs from that of the call before if another handle committed a `write`, which its lanes do not count for. */
  externalVersion(): Promise<number>;
  /** Waits for earlier writes, then closes the connections. Idempotent; other calls afterwards reject. */
  close(): Promise<void>;
}

/**
 * Connects, and makes or migrates the tables. Rejects with `AC_CONFIG_INVALID` (not such a URL), `AC_STORE_UNAVAILABLE` (cannot be
 * reached), `AC_STORE_REFUSED` (its user, password, database or version, or the schema has other tables), or `AC_STORE_NEWER`.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const { url, schema = "agentcore", timeoutMs = 30_000, openTimeoutMs = 5000, connectionsMax = 6 } = options;
  const { clock = systemClock, random = systemRandom } = options;
  assertUrl(url);
  const place = storePlace(url);
  assertSchemaName(schema);
  const pool = new Pool({
    connectionString: connectionUrl(url),
    max: connectionsMax,
    connectionTimeoutMillis: 5000,
    // Of an answer: of a server that does not end the statement, or a network that lost it.
    query_timeout: statementTimeoutMs + 2000,
    keepAlive: true,
    application_name: "agentcore",
    types: { getTypeParser },
  });
  // A connection that breaks also tells its statement, if it has one; without listeners, the process would end.
  const passedOn = (error: Error): void => ignore(error, "the next call gets another connection");
  pool.on("error", passedOn);
  pool.on("connect", (client) => client.on("error", passedOn));
  const session: Session = { pool, schema };
  try {
    await retryWhilePassing({ clock, random, timeoutMs: openTimeoutMs }, async () => {
      await assertServerVersion(pool, place);
      await migrate(session, place, clock.now());
    });
  } catch (error) {
    await pool.end();
    throw storeErrorOf(error, place, true);
  }
  return createHandle(session, place, { clock, random, timeoutMs });
}

/** The oldest that its makers still maintain. */
export const serverVersionMin = 14;

async function assertServerVersion(pool: Pool, place: string): Promise<void> {
  const { rows } = await pool.query<{ server_version_num: string }>("SHOW server_version_num");
  const version = Math.floor(Number(rows[0]?.server_version_num) / 10_000);
  if (version >= serverVersionMin) return;
  throw new AgentCoreError(
    "AC_STORE_REFUSED",
    `${place} is PostgreSQL ${version}; AgentCore needs ${serverVersionMin} or later: update the server`,
    { evidence: { place, version, oldest: serverVersionMin } },
  );
}

function assertUrl(url: string): void {
  const problem = storeUrlProblem(url);
  if (problem !== null) throw new AgentCoreError("AC_CONFIG_INVALID", `the address of the store ${problem}`);
}

function assertSchemaName(schema: string): void {
  if (/^[a-z_][a-z0-9_]{0,50}$/.test(schema) && !schema.startsWith("pg_")) return;
  throw new AgentCoreError(
    "AC_CONFIG_INVALID",
    `"${schema}" cannot be the schema of the store; use at most 51 lower-case letters, digits and "_", such as "agentcore"`,
  );
}

/** `int8` and `numeric`, which are sums of it: our amounts are safe integers. */
const wholeNumbers: readonly number[] = [20, 1700];

const getTypeParser: CustomTypesConfig["getTypeParser"] = (id, format) =>
  wholeNumbers.includes(id) ? Number : types.getTypeParser(id, format);

function createHandle(session: Session, place: string, patience: Patience): PostgresStore {
  const handle = randomUUID();
  const listeners = new Set<() => void>();
  const queues = new Map<string, WriteQueue>();
  let closing: Promise<void> | undefined;

  const queueOf = (name: string): WriteQueue => {
    let queue = queues.get(name);
    if (queue === undefined) {
      queue = createWriteQueue({
        session,
        patience,
        place,
        writer: `${handle}/${name}`,
        lock: name === shared ? shared : `${handle}/${name}`,
        ...(name === shared && {
          ending: "UPDATE store_version SET number = number + 1",
          onCommit: () => {
            for (const listener of listeners) listener();
          },
        }),
      });
      queues.set(name, queue);
    }
    return queue;
  };

  const lane = (name: string): PostgresLane => ({
    write: async (write) => {
      if (closing !== undefined) throw closedError(place);
      return queueOf(name).add(write);
    },
    async read(query) {
      if (closing !== undefined) throw closedError(place);
      await queues.get(name)?.settled();
      try {
        return await retryWhilePassing(patience, () => inSnapshot(session, query));
      } catch (error) {
        throw storeErrorOf(error, place);
      }
    },
  });

  const close = async (): Promise<void> => {
    await Promise.all([...queues.values()].map((queue) => queue.settled()));
    if (queues.size > 0) await forgetWriters(session, handle);
    await session.pool.end();
  };

  const store = lane(shared);
  return {
    ...store,
    place,
    get isFailing() {
      return [...queues.values()].some((queue) => queue.isFailing);
    },
    lane: (name) => lane(`lane ${name}`),
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    externalVersion: () => store.read((sql) => changesOfOthers(sql, `${handle}/${shared}`)),
    close: () => (closing ??= close()),
  };
}

/** The lane of `PostgresStore.write`. */
const shared = "store";
/** After this time without a commit of any lane of it, a handle is no longer there. */
const writerKeptMs = 7 * 86_400_000;

async function changesOfOthers(sql: Sql, writer: string): Promise<number> {
  const row = await sql.get(
    "SELECT number - coalesce((SELECT changes FROM writers WHERE writer = $1), 0) AS others FROM store_version",
    writer,
  );
  return Number(row?.["others"]);
}

/** Rows of processes that were killed are removed once they are old. Best effort: a row that stays is only a few bytes. */
async function forgetWriters(session: Session, handle: string): Promise<void> {
  try {
    await inTransaction(session, { lock: handle }, (sql) =>
      sql.run(
        "DELETE FROM writers WHERE writer LIKE $1 || '/%' OR used_at < (SELECT max(used_at) FROM writers) - $2",
        handle,
        writerKeptMs,
      ),
    );
  } catch (error) {
    ignore(error, "the rows are removed later, as those of a killed process");
  }
}

function closedError(place: string): AgentCoreError {
  return new AgentCoreError("AC_STORE_UNAVAILABLE", `${place} was closed; open it again`);
}
