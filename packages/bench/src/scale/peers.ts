/** The peers on servers that run, with the settings that they recommend for many short jobs. */
import { bullmqOn, type AppendFsync, type BullMq } from "../queue/bullmq.ts";
import { maxAttempts, payload, priorityOf, type OpenQueue } from "../queue/contender.ts";
import { installPeers } from "../queue/install-peers.ts";
import { pgBossOn } from "../queue/pg-boss.ts";
import { leaseSeconds, type ScaleContender } from "./contender.ts";

export const pgBoss: ScaleContender = {
  name: "pg-boss",
  server: "postgres",
  durability: "synced by PostgreSQL before each answer",
  place: "pg-boss",
  lease: `its heartbeat of ${leaseSeconds} s, its shortest`,
  open: ({ server }) => pgBossOn(server, leaseSeconds),
};

/** As much of graphile-worker as is used here. */
interface Graphile {
  makeWorkerUtils(
    this: void,
    options: object,
  ): Promise<{
    migrate(): Promise<void>;
    addJobs(jobs: readonly object[]): Promise<unknown>;
    release(): Promise<void>;
  }>;
  run(
    this: void,
    options: object,
  ): Promise<{
    readonly events: { on(event: "job:complete", listener: () => void): void };
    stop(): Promise<void>;
  }>;
  readonly Logger: new (factory: () => () => void) => object;
}

export const graphile: ScaleContender = {
  name: "graphile-worker",
  server: "postgres",
  durability: "synced by PostgreSQL before each answer",
  place: "graphile-worker",
  // A job of a worker that died is locked for 4 hours.
  lease: "4 h, which cannot be set",
  async open({ server }): Promise<OpenQueue> {
    const { makeWorkerUtils, run, Logger } = installPeers()("graphile-worker") as Graphile;
    const shared = { connectionString: server, logger: new Logger(() => () => {}) };
    const utils = await makeWorkerUtils(shared);
    await utils.migrate();
    const submitMany = (from: number, count: number): Promise<unknown> =>
      utils.addJobs(
        Array.from({ length: count }, (_, at) => ({
          identifier: "job",
          payload: { payload },
          // Its lowest number goes first.
          priority: 10 - priorityOf(from + at),
          maxAttempts,
        })),
      );
    return {
      submit: (index) => submitMany(index, 1),
      submitMany,
      async work(concurrency, { started, done }) {
        const runner = await run({
          ...shared,
          noHandleSignals: true,
          taskList: { job: async () => void (await started()) },
          preset: {
            worker: {
              concurrentJobs: concurrency,
              maxPoolSize: 12,
              localQueue: { size: concurrency + 1 },
              completeJobBatchDelay: 0,
            },
          },
        });
        runner.events.on("job:complete", done);
        return { stop: () => runner.stop() };
      },
      close: () => utils.release(),
    };
  },
};

export function bullmq(appendfsync: AppendFsync): ScaleContender {
  return {
    name: `BullMQ, Redis ${appendfsync}`,
    server: `redis ${appendfsync}`,
    durability:
      appendfsync === "always"
        ? "synced by Redis before each answer"
        : "synced by Redis once a second: a power cut may take a second of acknowledged jobs",
    place: `BullMQ ${appendfsync}`,
    lease: `its lock of ${leaseSeconds} s, looked at each ${leaseSeconds / 2} s`,
    open: async ({ server, queue }) => {
      const peer = installPeers()("bullmq") as BullMq;
      return bullmqOn(peer, server, { name: queue, leaseMs: leaseSeconds * 1000 });
    },
  };
}
