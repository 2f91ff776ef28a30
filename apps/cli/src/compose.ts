/**
 * Composes everything that one process needs to run jobs on a state directory, bound to the real clock, randomness and
 * environment. Opening it first ends what an earlier process left running and settles its holds.
 */
import {
  createLeaseGuard,
  openContainment,
  type OpenedContainment,
  type RunLimits,
  type SweepReport,
} from "@agentcore/containment";
import {
  omitUndefined,
  systemClock,
  systemIds,
  type AgentCoreError,
  type Denial,
  type Log,
  type Runtime,
  type WorkerAdapter,
} from "@agentcore/contract";
import {
  createMachineSignals,
  createRuntime,
  ownerIsDead,
  processOwner,
  reconcileHolds,
  type InProcessRuntime,
} from "@agentcore/core";
import {
  openSpoolDirectory,
  type JobStore,
  type NeverBegan,
  type SpendingOfLost,
} from "@agentcore/scheduler";
import { createProcessRunner, neverBegan as provedUnbegun } from "@agentcore/worker-kit";
import { realpath } from "node:fs/promises";
import type { Environment } from "@agentcore/yaml-file";
import { composeSpendGate, providersWithCredential, spendGateModes } from "./compose-spend-gate.ts";
import type { Config } from "./config/schema.ts";
import { withoutStoreSecret } from "./config/shared-store.ts";
import { lackOfWorker } from "./queue/lack-of-worker.ts";
import { createMeteredSpending } from "./queue/metered-spending.ts";
import { createRecordedSpending } from "./queue/recorded-spending.ts";
import { Quarantine } from "./state/quarantine.ts";
import {
  createStateDir,
  hiddenDirectories,
  makeTrustDirectory,
  sharedPlaceOf,
  type StateDir,
} from "./state/state-dir.ts";
import { openStores, type StateStores } from "./state/stores.ts";
import { createTranscriptSpending } from "./queue/transcript-spending.ts";
import { watchStore } from "./queue/watch-store.ts";

/** What is open on a state directory, regardless of which process runs the workers. */
export interface OpenState {
  readonly state: StateDir;
  readonly containment: OpenedContainment;
  readonly stores: StateStores;
  /** The jobs of `stores`, watched; see `broken`. */
  readonly store: JobStore;
  /** From the output of lost attempts. */
  readonly spendingOfLost: SpendingOfLost;
  /** From the mark of a worker that is held back. */
  readonly neverBegan: NeverBegan;
  /** Why this machine cannot run the jobs of a worker that another one may have; null: it can, or it shares no store. */
  readonly lack: (worker: string) => Denial | null;
  /** Settles what dead owners hold, here and on machines that no longer have a scheduler in the store. */
  readonly settleHolds: () => Promise<void>;
  /** Resolves when the store will not work again; see `watchStore`. */
  readonly broken: Promise<AgentCoreError>;
}

export interface Composition extends OpenState {
  readonly runtime: Runtime;
  /** Call before an orderly end: a runtime that dies from now on is not started again. */
  retire(): void;
  /** How often the process of the runtime was started again. */
  restarts(): number;
  /** Stops all runs, proves them gone, and releases the state directory. Idempotent. */
  close(): Promise<void>;
}

export interface ComposeOptions {
  readonly config: Config;
  readonly state: StateDir;
  readonly adapters: readonly WorkerAdapter[];
  /** The environment for workers and credentials. */
  readonly env: Environment;
  readonly log: Log;
}

/** Throws `AC_STORE_…` and `AC_CONTAINMENT_UNAVAILABLE`; nothing stays open then. */
export async function openState({ config, state, adapters, env, log }: ComposeOptions): Promise<OpenState> {
  createStateDir(state);
  makeTrustDirectory(env);
  const containment = await openContainment({
    stateDir: state.containment,
    hidden: hiddenDirectories(state, env),
  });
  const stores = await openStores(state);
  const { calls } = stores;
  const { store, broken } = watchStore(stores.jobs);
  const { attempt: limits } = config.limits;
  const printedByLost = createTranscriptSpending({
    attemptsDir: state.attempts,
    adapters,
    limits,
    prices: config.prices,
    unpriced: config.unpriced,
  });
  const spendingOfLost = createMeteredSpending(calls, printedByLost);
  const neverBegan: NeverBegan = (attempt) => provedUnbegun(state.attempts, attempt, systemClock.now());
  const spool = openSpoolDirectory(state.spool, log);
  const settleHolds = async (): Promise<void> => {
    await reconcileHolds(stores.ledger, {
      ownerIsDead,
      calls,
      recordedSpending: createRecordedSpending({ spool, store, spendingOfLost, neverBegan, limits }),
      onUnreadable: ({ holdId }, error) =>
        log.warn({ error, holdId }, "the records of a lost attempt cannot be read; its ceiling is charged"),
      now: systemClock.now(),
      ...(await registeredPlaces(state, store)),
    });
  };
  try {
    reportSweep(await containment.sweep(), log);
    await settleHolds();
  } catch (error) {
    await stores.close();
    throw error;
  }
  const lack = (worker: string): Denial | null =>
    state.store === null ? null : lackOfWorker(worker, { adapters, config, env });
  return { state, containment, stores, store, spendingOfLost, neverBegan, settleHolds, lack, broken };
}

/** For `reconcileHolds`, where machines share the ledger. */
async function registeredPlaces(state: StateDir, store: Pick<JobStore, "owners">) {
  const { place: own } = sharedPlaceOf(state);
  if (own === undefined) return {};
  const owners = await store.owners();
  return { places: { own, registered: new Set(owners.flatMap(({ process }) => process?.place ?? [])) } };
}

/** Composes everything in this process. */
export async function compose(options: ComposeOptions): Promise<Composition> {
  const { config, state, adapters, env, log } = options;
  const open = await openState(options);
  const workerEnv = withoutStoreSecret(env, state.store);
  const signals = createMachineSignals({ stateDir: state.path });
  const leaseGuard = createLeaseGuard(log);
  const runtime: InProcessRuntime = createRuntime({
    config,
    adapters,
    runner: createProcessRunner({
      containment: open.containment,
      clock: systemClock,
      ids: systemIds,
      hostEnv: workerEnv,
      attemptsDir: state.attempts,
      versionsDir: state.versions,
      ownDirectories: hiddenDirectories(state, env),
      prices: config.prices,
      unpriced: config.unpriced,
      runLimits: runLimitsOf(config),
      providersWithCredential: providersWithCredential(config),
    }),
    clock: systemClock,
    ids: systemIds,
    ledger: open.stores.ledger,
    owner: { ...processOwner(), ...sharedPlaceOf(state) },
    signals,
    log,
    settings: settingsOf(config),
    spendGate: composeSpendGate({ config, state, journal: open.stores.calls, env: workerEnv, log }),
    spendGateModes: spendGateModes(adapters, config),
    leaseGuard,
    realPath: realpath,
  });
  const quarantine = new Quarantine({ containment: open.containment, runtime, clock: systemClock, log });
  return {
    ...open,
    runtime,
    retire: () => {},
    restarts: () => 0,
    close: async () => {
      quarantine.close();
      await runtime.close();
      leaseGuard.close();
      signals.close();
      await open.stores.close();
    },
  };
}

/** Reports processes of earlier runs that could not be ended, at every start until they are gone. */
function reportSweep(report: SweepReport, log: Log): void {
  for (const { verdict, marker, file, found, survivors, damage } of report.runs) {
    if (verdict === "unreadable") {
      log.warn({ file, marker, reason: damage }, "set aside a damaged record; no process of its run is left");
    }
    if (verdict === "emptied") log.info({ marker, found }, "ended what an earlier process left running");
    if (verdict === "left") {
      log.error(
        { marker, file, survivors },
        "processes of an earlier run could not be killed; kill them yourself",
      );
    }
  }
}

/** The limits in the format of the containment. */
function runLimitsOf({ limits: { run } }: Config): RunLimits {
  return { processes: run.processes, memoryBytes: run.memory, fileBytes: run.file_size };
}

/** Of each worker that the configuration names, as the runner and the adapter get them. */
export function settingsOf(config: Pick<Config, "workers">): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(config.workers).map(([name, { program, home, env_pass, settings }]) => [
      name,
      {
        ...settings,
        ...omitUndefined({ program, home }),
        ...(env_pass.length === 0 ? {} : { env_pass }),
      },
    ]),
  );
}
