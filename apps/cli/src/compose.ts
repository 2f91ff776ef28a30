/**
 * The composition: containment, ledger, store, runner and runtime of one process on one state directory, bound to the real
 * clock, chance and environment. Opening it first ends what an earlier process left running and settles what it left held.
 */
import { openContainment, type OpenedContainment, type SweepReport } from "@agentcore/containment";
import type { Log, WorkerAdapter } from "@agentcore/contract";
import {
  createMachineSignals,
  createRuntime,
  ownerIsDead,
  processOwner,
  reconcileHolds,
  systemClock,
  systemIds,
  type InProcessRuntime,
} from "@agentcore/core";
import type { JobStore } from "@agentcore/scheduler";
import { createSqliteJobStore, createSqliteLedger, openStateDatabase } from "@agentcore/store-sqlite";
import { createProcessRunner } from "@agentcore/worker-kit";
import { realpath } from "node:fs/promises";
import type { Config } from "./config/schema.ts";
import type { Environment } from "./config/env-text.ts";
import { createStateDir, type StateDir } from "./state-dir.ts";

export interface ComposeOptions {
  readonly config: Config;
  readonly state: StateDir;
  readonly adapters: readonly WorkerAdapter[];
  /** The environment that workers and credentials are taken from. */
  readonly env: Environment;
  readonly log: Log;
}

export interface Composition {
  readonly state: StateDir;
  readonly containment: OpenedContainment;
  readonly runtime: InProcessRuntime;
  readonly store: JobStore;
  /** Stops what runs, proves it gone, and lets go of the state directory. Idempotent. */
  close(): Promise<void>;
}

/** Throws `AC_STORE_…` and `AC_CONTAINMENT_UNAVAILABLE`; nothing is left open then. */
export async function compose(options: ComposeOptions): Promise<Composition> {
  const { config, state, adapters, env, log } = options;
  createStateDir(state);
  const [containment, database] = await Promise.all([
    openContainment({ stateDir: state.containment }),
    openStateDatabase({ directory: state.path }),
  ]);
  const ledger = createSqliteLedger(database);
  const signals = createMachineSignals({ stateDir: state.path });
  const runtime = createRuntime({
    config,
    adapters,
    runner: createProcessRunner({
      containment,
      clock: systemClock,
      ids: systemIds,
      hostEnv: env,
      attemptsDir: state.attempts,
    }),
    clock: systemClock,
    ids: systemIds,
    ledger,
    owner: processOwner(),
    signals,
    log,
    settings: settingsOf(config),
    realPath: realpath,
  });
  const close = async (): Promise<void> => {
    await runtime.close();
    signals.close();
    await database.close();
  };
  try {
    reportSweep(await containment.sweep(), log);
    await reconcileHolds(ledger, { ownerIsDead, now: systemClock.now() });
  } catch (error) {
    await close();
    throw error;
  }
  return { state, containment, runtime, store: createSqliteJobStore(database), close };
}

/** What an earlier process left and could not be ended is said, every time, until it is gone. */
function reportSweep(report: SweepReport, log: Log): void {
  for (const { verdict, marker, file, found, survivors } of report.runs) {
    if (verdict === "emptied") log.info({ marker, found }, "ended what an earlier process left running");
    if (verdict === "left") {
      log.error(
        { marker, file, survivors },
        "processes of an earlier run could not be ended; end them by hand",
      );
    }
  }
}

function settingsOf(config: Config): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(config.workers).map(([name, { program, home, env_pass, settings }]) => [
      name,
      {
        ...settings,
        ...(program === undefined ? {} : { program }),
        ...(home === undefined ? {} : { home }),
        ...(env_pass.length === 0 ? {} : { env_pass }),
      },
    ]),
  );
}
