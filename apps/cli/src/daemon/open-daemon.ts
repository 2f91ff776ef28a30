/**
 * The daemon: the scheduler with a supervised runtime, workflow runs, and the triggers of one file with their sources, on one
 * state directory.
 */
import {
  AgentCoreError,
  settledWithin,
  sleep,
  storePlace,
  systemClock,
  systemIds,
  systemRandom,
  type Log,
  type WorkerAdapter,
} from "@agentcore/contract";
import type { ServedApi } from "@agentcore/api";
import { processOwner } from "@agentcore/core";
import type { Journal, Scheduler } from "@agentcore/scheduler";
import { TriggerEngine, type DaemonDefinition, type TriggerStore } from "@agentcore/triggers";
import { workflowConcurrencyKey } from "@agentcore/workflow";
import { hostname } from "node:os";
import { isDeepStrictEqual } from "node:util";
import type { Composition } from "../compose.ts";
import { composeSupervised } from "../compose-supervised.ts";
import type { Environment } from "@agentcore/yaml-file";
import type { LogLevel } from "../log.ts";
import type { LoadedConfig } from "../config/load.ts";
import { openWorkflows, type Workflows } from "../library/workflows.ts";
import { closeScheduler, startScheduler } from "../queue/start-scheduler.ts";
import { pruneAttemptsRegularly } from "../state/prune-attempts.ts";
import { createStateDir, type StateDir } from "../state/state-dir.ts";
import { portsOf } from "../workflow/open-engine.ts";
import { DaemonEvents, serveDaemonApi } from "./serve-daemon-api.ts";
import { DaemonLease, whileHeld } from "./daemon-lease.ts";
import { Closers } from "./closers.ts";
import { publishDaemon, takeDaemonPlace, withdrawDaemon } from "./daemon-place.ts";
import { OpenSources } from "./open-sources.ts";
import { pruneEventsRegularly } from "./prune-events.ts";
import { resumeRuns } from "./resume-runs.ts";
import { WorkflowRunner } from "./workflow-runner.ts";

export interface DaemonOptions {
  readonly definition: DaemonDefinition;
  readonly loaded: LoadedConfig;
  readonly state: StateDir;
  readonly adapters: readonly WorkerAdapter[];
  readonly cwd: string;
  readonly env: Environment;
  readonly log: Log;
  /** Of the log of the runtime process. */
  readonly logLevel: LogLevel;
  /** Receives the log of the runtime process. */
  readonly onStderr: (chunk: Buffer) => void;
  /** How long runs may go on once the daemon is to end, in ms. */
  readonly graceMs: number;
  /** Called when the API asks for the end of the daemon. */
  readonly onEndAsked: () => void;
}

export interface DaemonParts {
  readonly composition: Composition;
  /** Null: the state directory is its own store, and its lock is enough. */
  readonly lease: DaemonLease | null;
  readonly scheduler: Scheduler;
  readonly journal: Journal;
  readonly workflows: Workflows;
  readonly store: TriggerStore;
  readonly runner: WorkflowRunner;
  readonly engine: TriggerEngine;
  readonly sources: OpenSources;
}

interface OpenParts extends DaemonParts {
  readonly api: ServedApi;
}

/** What a reload cannot change. */
const keptFromStart = ["name", "workspace", "stateDir", "store", "agentsFile", "server"] as const;

/** After the grace period: how long what is being stopped may take. The next daemon accounts for what is left. */
const stopMsMax = 30_000;
/** How long a store that takes no write is waited for then. */
const storeWaitMs = 3_000;
const lookMs = 100;

export class Daemon {
  readonly parts: OpenParts;
  readonly #closers: Closers;
  readonly #graceMs: number;
  readonly #log: Log;
  readonly #broken: Promise<AgentCoreError>;
  readonly #hurry = Promise.withResolvers<void>();
  #stopping: Promise<void> | null = null;

  private constructor(parts: OpenParts, closers: Closers, { graceMs, log }: DaemonOptions) {
    this.parts = parts;
    this.#closers = closers;
    this.#graceMs = graceMs;
    this.#log = log;
    const { composition, lease } = parts;
    // What runs here runs there, too.
    void lease?.lost.then(() => this.hurry());
    this.#broken = Promise.race([composition.broken, ...(lease === null ? [] : [lease.lost])]);
  }

  /**
   * Opens everything and continues what an earlier daemon left. Rejects with `AC_DAEMON_RUNNING`, `AC_STORE_…` or the error of a
   * source that cannot start; nothing stays open then.
   */
  static async open(options: DaemonOptions): Promise<Daemon> {
    const closers = new Closers();
    try {
      const parts = await openParts(options, closers);
      return new Daemon(parts, closers, options);
    } catch (error) {
      await closers.close();
      throw error;
    }
  }

  /** Resolves when the store will not work again, or the daemon of another machine took over. */
  get broken(): Promise<AgentCoreError> {
    return this.#broken;
  }

  /**
   * The new definition counts from the next event on. Rejects with `AC_DAEMON_FILE` if it changes what only a start can, and
   * with the error of a source that cannot start; the old one then stays.
   */
  async reload(definition: DaemonDefinition): Promise<void> {
    const before = this.parts.engine.state.definition;
    const changed = keptFromStart.filter((key) => !isDeepStrictEqual(before[key], definition[key]));
    if (changed.length > 0)
      throw new AgentCoreError("AC_DAEMON_FILE", `restart the daemon to change ${changed.join(", ")}`);
    await this.parts.engine.reload(definition, () => this.parts.sources.replace(definition));
  }

  /**
   * Takes no more events, lets runs and jobs end within the grace period, then interrupts the runs, which the next daemon resumes,
   * stops the jobs, and gives the state directory back. Idempotent.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Ends the grace period of `stop`. */
  hurry(): void {
    this.#hurry.resolve();
  }

  async #stop(): Promise<void> {
    const { sources, engine, runner, scheduler, composition } = this.parts;
    const over = new AbortController();
    void this.#hurry.promise.then(() => over.abort());
    const graceIsOver = sleep(systemClock, this.#graceMs, over.signal);
    composition.retire();
    await sources.close();
    // A store that takes no write keeps the engine from deciding, and must not keep the daemon from ending.
    const drained = engine.drain().then(() => engine.whenQuiet());
    drained.catch(() => {});
    await Promise.race([drained, graceIsOver]);
    runner.interrupt();
    await engine.close();
    const areRunsStored = await this.#isStored(engine.whenQuiet());
    const finished = scheduler.close({ finishRunning: true, storeWaitMs });
    finished.catch(() => {});
    await Promise.race([finished, graceIsOver]);
    over.abort();
    const areJobsStored = await this.#isStored(scheduler.close());
    if (!areRunsStored || !areJobsStored) this.#tellLeft();
    await this.#closers.close();
  }

  /** Resolves to false if it takes too long, or needs a store that takes no write. */
  async #isStored(what: Promise<unknown>): Promise<boolean> {
    const { composition, lease } = this.parts;
    const takesNoWrite = (): boolean => composition.stores.isFailing || lease?.isHeld === false;
    const startMs = systemClock.monotonicMs();
    let failingFromMs: number | null = null;
    while (!(await settledWithin(systemClock, what, lookMs))) {
      const nowMs = systemClock.monotonicMs();
      failingFromMs = takesNoWrite() ? (failingFromMs ?? nowMs) : null;
      if (nowMs - startMs >= stopMsMax || nowMs - (failingFromMs ?? nowMs) >= storeWaitMs) return false;
    }
    return true;
  }

  #tellLeft(): void {
    const { engine, composition } = this.parts;
    const runs = [...engine.state.open.values()].flatMap(({ state }) =>
      state.kind === "running" ? [state.run] : [],
    );
    const store = composition.stores.isFailing
      ? "the store takes no write"
      : "some of it did not end in time";
    this.#log.error(
      { runs },
      `not all that was stopped is stored, because ${store}; the next daemon accounts for it`,
    );
  }
}

/** The triggers of a shared store are decided by one daemon. Rejects with `AC_DAEMON_RUNNING`. */
async function takeTriggers(
  { stores, state }: Composition,
  { log }: DaemonOptions,
): Promise<{ readonly lease: DaemonLease | null; readonly triggers: TriggerStore }> {
  const { journal, triggers } = stores;
  if (state.store === null) return { lease: null, triggers };
  const place = storePlace(state.store);
  const holder = { host: hostname(), ...processOwner() };
  const lease = await DaemonLease.take({ journal, holder, place, clock: systemClock, log });
  return { lease, triggers: whileHeld(triggers, lease, place) };
}

async function openParts(options: DaemonOptions, closers: Closers): Promise<OpenParts> {
  const { definition, loaded, state, adapters, env, log } = options;
  const { config } = loaded;
  const events = new DaemonEvents();
  createStateDir(state);
  const place = await takeDaemonPlace(state.path);
  closers.add(() => place.release());

  const composition = await composeSupervised(options);
  closers.add(() => composition.close());
  const { lease, triggers: store } = await takeTriggers(composition, options);
  closers.add(() => lease?.release());
  const scheduler = await startScheduler(composition, {
    log,
    concurrency: config.limits.global.concurrency,
    keepEndedMs: config.keep_ended,
    claims: "any",
    host: { name: config.host.name, workers: adapters.map(({ name }) => name) },
    policy: { concurrencyKey: workflowConcurrencyKey },
  });
  closers.add(() => closeScheduler(scheduler));

  const { journal } = composition.stores;
  const ports = portsOf(composition, { config, state, env, log }, scheduler);
  const opened = openWorkflows({
    place: { adapters, config, env, log },
    journal,
    store: composition.store,
    open: async () => ({ ports, close: async () => {} }),
    isDaemon: true,
    onEvent: (event) => events.workflow(event),
  });
  const { api: workflows } = opened;
  closers.add(() => opened.close());

  const { workspace, agentsFile } = definition;
  const runner = new WorkflowRunner({ workflows, scheduler, journal, workspace, agentsFile, log });
  const engine = await TriggerEngine.open({
    definition,
    store,
    runner,
    clock: systemClock,
    random: systemRandom,
    ids: systemIds,
    log,
    onChange: (changes) => events.triggers(changes),
  });
  closers.add(() => engine.close());
  await resumeRuns({ workflows, journal, engine, log });

  const { containment } = composition;
  const { stateDir } = definition;
  const sources = new OpenSources({ host: engine, containment, workspace, stateDir, env, log });
  closers.add(() => sources.close());
  await sources.replace(definition);
  const parts = { composition, lease, scheduler, journal, workflows, store, runner, engine, sources };
  const api = await serveDaemonApi({ ...options, parts, events });
  closers.add(() => api.close());

  const keep = { keepMs: config.keep_ended, clock: systemClock, log };
  closers.add(pruneAttemptsRegularly({ attemptsDir: state.attempts, store: composition.store, ...keep }));
  closers.add(pruneEventsRegularly({ store, ...keep }));
  publishDaemon(state.path, {
    pid: process.pid,
    name: definition.name,
    file: definition.file,
    socket: definition.server.socket,
    startedAt: new Date().toISOString(),
  });
  closers.add(() => withdrawDaemon(state.path));
  return { ...parts, api };
}
