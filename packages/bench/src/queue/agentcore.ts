/**
 * Ours, whole: the scheduler on its SQLite store with full sync, feeding the real runtime in this process, with permits and
 * workspace locks. Only the worker is none: its run ends as soon as it begins.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  adapterContractVersion,
  capabilities,
  type JobSubmission,
  silentLog,
  systemClock,
  systemIds,
  type WorkerAdapter,
  type WorkerRunner,
} from "@agentcore/contract";
import { createRuntime, type Ledger, runtimeConfigSchema } from "@agentcore/core";
import { createScheduler, type JobStore, QueueClient } from "@agentcore/scheduler";
import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
import { resultOfNothing } from "../result-of-nothing.ts";
import { type Contender, type WorkObserver, maxAttempts, payload, priorityOf } from "./contender.ts";

const unused = (): never => {
  throw new TypeError("no worker is started here");
};

const adapter: WorkerAdapter = {
  contractVersion: adapterContractVersion,
  name: "none",
  title: "No worker",
  provider: null,
  capabilities,
  program: { command: "true", versionArgs: [], install: "", credentialEnv: [], loginPaths: [] },
  plan: unused,
  createReader: unused,
};

function runnerThat(started: WorkObserver["started"]): WorkerRunner {
  return {
    containmentLevel: "sealed",
    start() {
      return { result: Promise.resolve(started()).then(() => resultOfNothing) };
    },
  };
}

/** Jobs take turns in these; one runs in each at a time. */
const workspaces = 100;

function jobOf(index: number): JobSubmission {
  return {
    priority: { value: priorityOf(index) },
    task: { worker: "none", workspace: `/projects/${index % workspaces}`, instructions: payload },
    limits: { maxAttempts },
  };
}

export const agentcore: Contender = {
  name: "AgentCore",
  async open() {
    const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
    const store = createSqliteJobStore(await openStateDatabase({ directory }));
    const client = new QueueClient({ store, clock: systemClock, ids: systemIds, log: silentLog });
    // Where the worker is in the process that submits, a user has the scheduler itself to submit to.
    let door: Pick<QueueClient, "submit" | "submitAll"> = client;
    return {
      submit: (index) => door.submit(jobOf(index)),
      submitMany: (from, count) => door.submitAll(Array.from({ length: count }, (_, at) => jobOf(from + at))),
      async work(concurrency, observer) {
        const worker = await startWorker({ store, concurrency, observer });
        door = worker.scheduler;
        return {
          async stop() {
            door = client;
            await worker.stop();
          },
        };
      },
      async close() {
        await store.close();
        rmSync(directory, { recursive: true });
      },
    };
  },
};

export interface WorkerOptions {
  readonly store: JobStore;
  readonly concurrency: number;
  readonly observer: WorkObserver;
  /** Besides the concurrency. Default: none. */
  readonly limits?: object;
  /** Default: in memory. */
  readonly ledger?: Ledger;
  /** Name of the worker of the jobs. Default `none`. */
  readonly worker?: string;
  /** The worker calls it, so that each attempt holds money. Default: none. */
  readonly provider?: string;
  /** Name of the host. Default: that of this machine. */
  readonly host?: string;
}

/** A scheduler with a runtime whose worker is none. */
export async function startWorker(options: WorkerOptions) {
  const {
    store,
    concurrency,
    observer,
    limits = {},
    ledger,
    worker = "none",
    provider = null,
    host,
  } = options;
  const runtime = createRuntime({
    config: runtimeConfigSchema.parse({
      limits: { ...limits, global: { concurrency, ...globalOf(limits) } },
      // The starts of real workers at one provider are spread in time.
      pacing: { provider_interval: "0ms" },
    }),
    adapters: [{ ...adapter, name: worker, provider }],
    runner: runnerThat(observer.started),
    clock: systemClock,
    ids: systemIds,
    ...(ledger === undefined ? {} : { ledger }),
  });
  const process_ = { bootId: null, pid: process.pid, startTicks: null };
  const scheduler = await createScheduler({
    store,
    runtime,
    concurrency,
    // Nothing runs in a process of its own, so what a dead host ran is gone with it.
    proveGone: () => Promise.resolve(true),
    ...(host === undefined ? {} : { process: { host, ...process_ } }),
  });
  const unsubscribe = scheduler.subscribe(({ type }) => {
    if (type === "job_ended") observer.done();
  });
  return {
    scheduler,
    async stop() {
      unsubscribe();
      await scheduler.close();
      await runtime.close();
    },
  };
}

const globalOf = (limits: object): object => ("global" in limits ? (limits.global as object) : {});
