/** What can be found out about a database without changing anything in it. */
import { type Clock, storePlace, systemClock } from "@agentcore/contract";
import { Client } from "pg";
import { newest } from "../schema/schema.ts";
import { connectionUrl } from "../store/connection-url.ts";
import { serverVersionMin } from "../store/postgres-store.ts";
import { storeErrorOf } from "../store/postgres-error.ts";

export interface PostgresProbe {
  /** Such as `15.18`. */
  readonly serverVersion: string;
  /** The oldest that is enough, such as `14`. */
  readonly oldestServer: number;
  /** Of the tables; null: they are not made yet. */
  readonly tablesVersion: number | null;
  /** Of the tables that this code makes. */
  readonly knownVersion: number;
  /** The shortest of some round trips, in ms. */
  readonly roundTripMs: number;
  /** How far the clock of the server is ahead of ours, in ms; exact to half a round trip. */
  readonly clockAheadMs: number;
  /** Whether a pooler such as PgBouncer is between. */
  readonly isPooled: boolean;
}

export interface ProbeOptions {
  readonly url: string;
  /** Default `agentcore`. */
  readonly schema?: string;
  /** Default: the system's. */
  readonly clock?: Clock;
}

const roundTrips = 5;

/** Rejects with `AC_STORE_REFUSED` or `AC_STORE_UNAVAILABLE` if it cannot be connected to. */
export async function probePostgres(options: ProbeOptions): Promise<PostgresProbe> {
  try {
    return await probe(options);
  } catch (error) {
    throw storeErrorOf(error, storePlace(options.url), true);
  }
}

async function probe({
  url,
  schema = "agentcore",
  clock = systemClock,
}: ProbeOptions): Promise<PostgresProbe> {
  const client = new Client({
    connectionString: connectionUrl(url),
    connectionTimeoutMillis: 5000,
    query_timeout: 5000,
    application_name: "agentcore doctor",
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const table = `SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'schema_version'`;
    const hasTables = (await client.query(table, [schema])).rowCount === 1;
    const versions = hasTables
      ? await client.query<{ version: number }>(
          `SELECT max(version) AS version FROM ${schema}.schema_version`,
        )
      : null;
    const { rows } = await client.query<{ server_version: string }>("SHOW server_version");
    return {
      serverVersion: rows[0]?.server_version.split(" ")[0] ?? "",
      oldestServer: serverVersionMin,
      tablesVersion: versions?.rows[0]?.version ?? null,
      knownVersion: newest.version,
      ...(await timesOf(client, clock)),
    };
  } finally {
    await client.end().catch(() => undefined);
  }
}

interface Times {
  readonly now: number;
  readonly pid: number;
}

async function timesOf(client: Client, clock: Clock) {
  const times =
    "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now, pg_backend_pid() AS pid";
  let best = { roundTripMs: Infinity, clockAheadMs: 0 };
  let isPooled = false;
  for (let count = 0; count < roundTrips; count += 1) {
    const startMs = clock.monotonicMs();
    const { rows } = await client.query<Times>(times);
    const roundTripMs = clock.monotonicMs() - startMs;
    const { now, pid } = rows[0]!;
    if (roundTripMs < best.roundTripMs)
      best = { roundTripMs, clockAheadMs: Math.round(now - (clock.now() - roundTripMs / 2)) };
    // A pooler tells its clients numbers of its own.
    isPooled ||= pid !== (client as unknown as { readonly processID: number | null }).processID;
  }
  return { ...best, isPooled };
}
