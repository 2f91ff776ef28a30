/**
 * `agentcore runtime --stdio`: serves the runtime alone, for a scheduler in another process or language. It exits when its
 * stdin ends, or on `shutdown` over the wire. It ignores SIGINT, SIGTERM and SIGHUP, which a terminal or a service manager
 * sends to scheduler and runtime: a runtime that exited first would lose the results.
 */
import { systemClock } from "@agentcore/contract";
import { serveRuntime } from "@agentcore/core";
import { requireAdapters } from "../adapters.ts";
import { compose } from "../compose.ts";
import { readHandedConfig } from "../config/handover.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { createLog, type LogLevel } from "../log.ts";
import { loadOptionsConfig, type StateOptions } from "../queue/open-queue.ts";
import { resolveStateDir } from "../state/state-dir.ts";
import { packageVersion } from "../version.ts";

export interface RuntimeOptions extends StateOptions {
  /** The process that started this one provides the configuration, and has decided about its trust. */
  readonly handedConfig?: boolean;
  readonly logLevel?: LogLevel;
}

export async function runtime(options: RuntimeOptions, io: Io): Promise<number> {
  const log = createLog(options.logLevel ?? "warn");
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => log.debug({ signal }, "left to the scheduler"));
  const loaded =
    options.handedConfig === true
      ? await readHandedConfig(io)
      : await loadOptionsConfig(options, io, "always");
  const state = resolveStateDir(options.stateDir, loaded, io.cwd, io.env);
  const adapters = await requireAdapters(loaded);
  const composition = await compose({ config: loaded.config, state, adapters, env: io.env, log });
  await serveRuntime(composition.runtime, {
    input: io.stdin,
    output: io.stdout.stream,
    clock: systemClock,
    log,
    server: { name: "agentcore", version: packageVersion() },
    spoolDir: state.spool,
  });
  await composition.close();
  await log.flush();
  return exitCodes.succeeded;
}
