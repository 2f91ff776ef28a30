/**
 * What works on the runs of workflows in a process: a runtime and a scheduler of their own, on the same state directory as
 * the rest. Steps of a workflow share their workspace by design, so their runtime does not lock it, unlike that of other jobs.
 */
import { settledWithin, systemClock, systemIds } from "@agentcore/contract";
import { processOwner } from "@agentcore/core";
import type { Journal } from "@agentcore/scheduler";
import { createSqliteJournal } from "@agentcore/store-sqlite";
import { createContainedGit } from "@agentcore/worker-kit";
import { workflowConcurrencyKey, type RunHandle, type RunOptions } from "@agentcore/workflow";
import { hostname } from "node:os";
import { compose, type ComposeOptions } from "../compose.ts";
import { startScheduler } from "../queue/start-scheduler.ts";

/** Most steps in flight. The workflow's own concurrency and the runtime's limits apply in addition. */
const stepsAtOnceMax = 64;

/** Longest wait for runs that were interrupted. The next process on the state directory accounts for the others. */
const closeMsMax = 60_000;

export interface OpenedEngine {
  readonly ports: RunOptions;
  close(): Promise<void>;
}

/** Opens the engine at the first run, and closes it with all runs. */
export class WorkflowEngine {
  readonly #open: () => Promise<OpenedEngine>;
  #opened: Promise<OpenedEngine> | null = null;
  readonly #running = new Map<string, RunHandle>();

  constructor(open: () => Promise<OpenedEngine>) {
    this.#open = open;
  }

  /** The ports of runs; opened at the first call. */
  async ports(): Promise<RunOptions> {
    this.#opened ??= this.#open();
    return (await this.#opened).ports;
  }

  /** Of a run that this process works on. */
  handle(id: string): RunHandle | undefined {
    return this.#running.get(id);
  }

  /** Keeps the handle until the run has ended. */
  follow(handle: RunHandle): void {
    this.#running.set(handle.id, handle);
    const forget = (): void => void this.#running.delete(handle.id);
    handle.result().then(forget, forget);
  }

  /** Interrupts what runs; it can be resumed. */
  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => null);
    if (opened === undefined || opened === null) return;
    const handles = [...this.#running.values()];
    for (const handle of handles) handle.interrupt({ reason: "the library was closed" });
    const ends = Promise.allSettled(handles.map((handle) => handle.result()));
    await settledWithin(systemClock, ends, closeMsMax);
    await opened.close();
  }
}

/** On a state directory. */
export async function openEngine(options: ComposeOptions): Promise<OpenedEngine> {
  const { config, env, log } = options;
  const composition = await compose({ ...options, config: { ...config, workspace_lock: false } });
  const { containment, database } = composition;
  const scheduler = await startScheduler(composition, {
    log,
    concurrency: stepsAtOnceMax,
    keepEndedMs: config.keep_ended,
    claims: "own",
    policy: { concurrencyKey: workflowConcurrencyKey },
  });
  const journal: Journal = createSqliteJournal(database);
  const git = createContainedGit({ containment, clock: systemClock, ids: systemIds, hostEnv: env });
  const cache = {
    directory: options.state.stepCache,
    bytesMax: config.cache.max_bytes,
    keepMs: config.keep_ended,
  };
  const owner = { host: hostname(), ...processOwner() };
  return {
    ports: { scheduler, journal, git, owner, log, cache, clock: systemClock, ids: systemIds },
    close: async () => {
      await scheduler.close();
      await composition.close();
    },
  };
}
