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
import { createRuntime, runtimeConfigSchema } from "@agentcore/core";
import { createScheduler, QueueClient } from "@agentcore/scheduler";
import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
import { resultOfNothing } from "../result-of-nothing.ts";
import { type Contender, maxAttempts, payload, priorityOf } from "./contender.ts";

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

function runnerThat(started: () => void): WorkerRunner {
  return {
    containmentLevel: "sealed",
    start() {
      started();
      return { result: Promise.resolve(resultOfNothing) };
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
      async work(concurrency, { started, done }) {
        const runtime = createRuntime({
          config: runtimeConfigSchema.parse({ limits: { global: { concurrency } } }),
          adapters: [adapter],
          runner: runnerThat(started),
          clock: systemClock,
          ids: systemIds,
        });
        const scheduler = await createScheduler({ store, runtime, concurrency });
        door = scheduler;
        const unsubscribe = scheduler.subscribe(({ type }) => {
          if (type === "job_ended") done();
        });
        return {
          async stop() {
            door = client;
            unsubscribe();
            await scheduler.close();
            await runtime.close();
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
