/** The servers of the benchmark: PostgreSQL with full sync, and two of Redis. */
import { startPostgres } from "@agentcore/store-postgres/testing";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { requireRedis, startRedis, type AppendFsync } from "../queue/bullmq.ts";
import { Unavailable } from "../queue/contender.ts";
import type { Place, ScaleContender, ServerName } from "./contender.ts";

export interface Servers {
  /** Why there is none, by the name of the server. */
  readonly missing: ReadonlyMap<ServerName, string>;
  /** What takes part, for the heading. */
  readonly versions: readonly { readonly name: string; readonly value: string }[];
  /** An empty queue of the contender's. */
  newPlace(contender: ScaleContender): Promise<Place>;
  /** What the server would do in the minutes after many jobs came: statistics and visibility of its tables. */
  tidy(at: Place, contender: ScaleContender): Promise<void>;
  stop(): Promise<void>;
}

async function queryPostgres(
  url: string,
  text: string,
): Promise<readonly Readonly<Record<string, string>>[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query<Readonly<Record<string, string>>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function versions(postgresUrl: string | undefined, redis: string): Promise<Servers["versions"]> {
  const peers = JSON.parse(readFileSync(new URL("../../peers/package.json", import.meta.url), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const [postgres] = postgresUrl === undefined ? [] : await queryPostgres(postgresUrl, "SHOW server_version");
  return [
    { name: "PostgreSQL", value: postgres?.["server_version"] ?? "absent" },
    ...["pg-boss", "graphile-worker", "bullmq"].map((name) => ({
      name,
      value: peers.dependencies[name] ?? "",
    })),
    { name: "redis-server", value: redis },
  ];
}

export async function startServers(): Promise<Servers> {
  const missing = new Map<ServerName, string>();
  const redis = new Map<ServerName, string>();
  let redisVersion = "absent";
  const stops: (() => Promise<void>)[] = [];
  const postgres = await startPostgres({
    fsync: "on",
    full_page_writes: "on",
    shared_buffers: "256MB",
  }).catch(
    (error: unknown) => void missing.set("postgres", error instanceof Error ? error.message : String(error)),
  );
  if (postgres !== undefined) stops.push(postgres.stop);
  for (const appendfsync of ["always", "everysec"] satisfies AppendFsync[]) {
    const name = `redis ${appendfsync}` as const;
    try {
      redisVersion = requireRedis();
      const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
      const { socket, stop } = await startRedis(appendfsync, directory);
      redis.set(name, socket);
      stops.push(async () => {
        await stop();
        rmSync(directory, { recursive: true });
      });
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      missing.set(name, error.message);
    }
  }
  let places = 0;
  return {
    missing,
    versions: await versions(postgres?.url, redisVersion),
    async newPlace({ server }) {
      places += 1;
      const queue = `bench-${places}`;
      if (server === "postgres") return { server: await postgres!.newDatabase(), queue };
      return { server: redis.get(server)!, queue };
    },
    async tidy({ server }, contender) {
      if (contender.server === "postgres") await queryPostgres(server, "VACUUM (ANALYZE)");
    },
    async stop() {
      for (const stop of stops) await stop();
    },
  };
}
