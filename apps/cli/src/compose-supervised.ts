/**
 * Composes a scheduler in this process with a runtime in a supervised child process, which is restarted when it dies. The
 * child is `agentcore runtime --stdio` with the same state directory and the configuration as decided here.
 */
import { type Log, systemClock, type WorkerAdapter } from "@agentcore/contract";
import { runtimeProcess, superviseRuntime } from "@agentcore/scheduler";
import { openState, type Composition } from "./compose.ts";
import type { Environment } from "@agentcore/yaml-file";
import { handoverOf } from "./config/handover.ts";
import type { LoadedConfig } from "./config/load.ts";
import { withStore } from "./config/shared-store.ts";
import { proveGoneBySweep } from "./queue/start-scheduler.ts";
import type { LogLevel } from "./log.ts";
import type { StateDir } from "./state/state-dir.ts";
import { packageVersion } from "./version.ts";

export interface ComposeSupervisedOptions {
  readonly state: StateDir;
  /** For reading the output of lost attempts. */
  readonly adapters: readonly WorkerAdapter[];
  /** The configuration, which the runtime process also receives. */
  readonly loaded: LoadedConfig;
  readonly cwd: string;
  readonly env: Environment;
  readonly log: Log;
  /** Of the log of the runtime process. */
  readonly logLevel: LogLevel;
  /** Receives the stderr of the runtime process: its log. */
  readonly onStderr: (chunk: Buffer) => void;
}

export async function composeSupervised(options: ComposeSupervisedOptions): Promise<Composition> {
  const { state, loaded, cwd, env, log, logLevel, onStderr } = options;
  const open = await openState({ ...options, config: loaded.config });
  const args = [
    ...process.execArgv,
    process.argv[1] ?? "",
    "runtime",
    "--stdio",
    "--state-dir",
    state.path,
    "--handed-config",
    "--log-level",
    logLevel,
  ];
  const start = runtimeProcess({
    command: process.execPath,
    args,
    env: definedOnly(withStore(env, state.store)),
    cwd,
    onStderr,
    handover: handoverOf(loaded),
  });
  let starts = 0;
  const runtime = superviseRuntime({
    start: (...args) => {
      starts += 1;
      return start(...args);
    },
    proveGone: proveGoneBySweep(open.containment),
    spendingOfLost: open.spendingOfLost,
    neverBegan: open.neverBegan,
    client: { name: "agentcore", version: packageVersion() },
    clock: systemClock,
    log,
  });
  return {
    ...open,
    runtime,
    retire: () => runtime.retire(),
    restarts: () => Math.max(0, starts - 1),
    close: async () => {
      await runtime.close();
      await open.stores.close();
    },
  };
}

function definedOnly(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
