/**
 * BullMQ on a redis-server of its own with an append-only file. `always` syncs before each answer, as we do; `everysec` may
 * lose a second of acknowledged jobs in a power cut.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  readonly attempts: number;
  readonly backoff: { readonly type: "exponential"; readonly delay: number };
}

/** As much of BullMQ as is used here. */
export interface BullMq {
  readonly Queue: new (
    name: string,
    options: object,
  ) => {
    add(name: string, data: object, options: JobOptions): Promise<unknown>;
    addBulk(jobs: readonly { name: string; data: object; opts: JobOptions }[]): Promise<unknown>;
    close(): Promise<void>;
  };
  readonly Worker: new (
    name: string,
    handler: () => Promise<void>,
    options: object,
  ) => {
    on(event: "completed", listener: () => void): void;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  };
}

// BullMQ's lowest number goes first, and 0 would be no priority at all.
const optionsOf = (index: number): JobOptions => ({
  priority: 10 - priorityOf(index),
  attempts: maxAttempts,
  backoff: { type: "exponential", delay: 1000 },
});

const serverProgram = "redis-server";

export function bullmq(appendfsync: AppendFsync): Contender {
  return {
    name: `BullMQ, Redis ${appendfsync}`,
    async open() {
      requireRedis();
      const { Queue, Worker } = installPeers()("bullmq") as BullMq;
      const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
      const { socket, ...server } = await startRedis(appendfsync, directory);
      const queue = bullmqOn({ Queue, Worker }, socket);
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
}

export interface BullMqOptions {
  /** Name of the queue. Default `bench`. */
  readonly name?: string;
  /** After so long without a beat of its worker, a job is given to another. Default: that of BullMQ, 30 s. */
  readonly leaseMs?: number;
}

/** On a server that runs. */
export function bullmqOn(
  { Queue, Worker }: BullMq,
  socket: string,
  { name = "bench", leaseMs }: BullMqOptions = {},
): OpenQueue {
  const connection = { path: socket, maxRetriesPerRequest: null };
  const lease = leaseMs === undefined ? {} : { lockDuration: leaseMs, stalledInterval: leaseMs / 2 };
  const queue = new Queue(name, { connection });
  return {
    submit: (index) => queue.add("job", { payload }, optionsOf(index)),
    submitMany: (from, count) =>
      queue.addBulk(
        Array.from({ length: count }, (_, at) => ({
          name: "job",
          data: { payload },
          opts: optionsOf(from + at),
        })),
      ),
    async work(concurrency, { started, done }) {
      const handler = async (): Promise<void> => void (await started());
      const worker = new Worker(name, handler, { connection, concurrency, ...lease });
      worker.on("completed", done);
      await worker.waitUntilReady();
      return { stop: () => worker.close() };
    },
    close: () => queue.close(),
  };
}

export type AppendFsync = "everysec" | "always";

/** Its version. Throws {@link Unavailable}. */
export function requireRedis(): string {
  const { error, stdout } = spawnSync(serverProgram, ["--version"], { encoding: "utf8" });
  if (error !== undefined)
    throw new Unavailable("redis-server is not installed: apt-get install redis-server");
  return /v=(\S+)/.exec(stdout)?.[1] ?? "unknown version";
}

/** Below the directory, on a socket there. */
export async function startRedis(
  appendfsync: AppendFsync,
  directory: string,
): Promise<Server & { readonly socket: string }> {
  const socket = join(directory, "redis.sock");
  const settings = ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "yes"];
  const server = await startServer(
    serverProgram,
    [...settings, "--appendfsync", appendfsync, "--dir", directory],
    { isReady: () => answers(socket), cwd: directory },
  );
  return { ...server, socket };
}

/** The socket is there a moment before anybody listens at it. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(path);
    connection.once("error", () => resolve(false));
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
  });
}
