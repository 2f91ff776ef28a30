/**
 * BullMQ on a redis-server of its own with an append-only file. `always` syncs before each answer, as we do; `everysec` may
 * lose a second of acknowledged jobs in a power cut.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Contender, Unavailable, maxAttempts, payload, priorityOf } from "./contender.ts";
import { installPeers } from "./install-peers.ts";
import { startServer } from "./server.ts";

interface JobOptions {
  readonly priority: number;
  readonly attempts: number;
  readonly backoff: { readonly type: "exponential"; readonly delay: number };
}

/** As much of BullMQ as is used here. */
interface BullMq {
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

export function bullmq(appendfsync: "everysec" | "always"): Contender {
  return {
    name: `BullMQ, Redis ${appendfsync}`,
    async open() {
      if (spawnSync(serverProgram, ["--version"]).error !== undefined) {
        throw new Unavailable("redis-server is not installed: apt-get install redis-server");
      }
      const { Queue, Worker } = installPeers()("bullmq") as BullMq;
      const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
      const socket = join(directory, "redis.sock");
      const settings = ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "yes"];
      const server = await startServer(
        serverProgram,
        [...settings, "--appendfsync", appendfsync, "--dir", directory],
        { isReady: () => answers(socket), cwd: directory },
      );
      const connection = { path: socket, maxRetriesPerRequest: null };
      const queue = new Queue("bench", { connection });
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
          const handler = async (): Promise<void> => started();
          const worker = new Worker("bench", handler, { connection, concurrency });
          worker.on("completed", done);
          await worker.waitUntilReady();
          return { stop: () => worker.close() };
        },
        async close() {
          await queue.close();
          await server.stop();
          rmSync(directory, { recursive: true });
        },
      };
    },
  };
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
