/**
 * `agentcored FILE`: runs the daemon in the foreground until SIGTERM or Ctrl-C. SIGHUP reads the file again. A second SIGTERM
 * or Ctrl-C ends the grace period, a third one exits at once.
 */
import { errorText, isAgentCoreError, systemClock, type Log } from "@agentcore/contract";
import type { DaemonDefinition } from "@agentcore/triggers";
import { requireAdapters } from "../adapters.ts";
import { requireDaemonFile } from "../daemon/load-daemon-file.ts";
import { Daemon } from "../daemon/open-daemon.ts";
import { notifyServiceManager, watchdogOf } from "../daemon/service-manager.ts";
import { watchFile } from "../daemon/watch-file.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { lookUpWorkers } from "../workflow/known-workers.ts";
import { createLog, type LogLevel } from "../log.ts";
import { announcementOf, loadOptionsConfig, type StateOptions } from "../queue/open-queue.ts";
import { stateDirAt } from "../state/state-dir.ts";

export interface DaemonRunOptions extends StateOptions {
  readonly logLevel?: LogLevel;
  /** Reload when the file changes. */
  readonly watch?: boolean;
  /** In ms. */
  readonly grace?: number;
}

const graceMsDefault = 30_000;

export async function runDaemon(file: string, options: DaemonRunOptions, io: Io): Promise<number> {
  const loaded = await loadOptionsConfig(options, io, announcementOf(options));
  const workers = lookUpWorkers(async () => loaded);
  const read = () => requireDaemonFile(file, io, workers);
  const definition = await read();
  const log = createLog(options.logLevel ?? "info");
  const daemon = await Daemon.open({
    definition,
    loaded,
    state: stateDirAt(definition.stateDir),
    adapters: await requireAdapters(loaded),
    cwd: io.cwd,
    env: io.env,
    log,
    onStderr: (chunk) => io.stderr.write(chunk.toString()),
  });
  const reloads = new Reloads(daemon, read, log);
  const stopWatching = options.watch === true ? watchFile(definition.file, () => reloads.ask()) : () => {};
  const stopBeating = watchdogOf(io.env, log);
  const signal = waitForSignals(reloads, daemon);
  log.info(factsOf(definition, daemon), "the daemon is ready");
  await notifyServiceManager(io.env, "READY=1");
  const why = await Promise.race([signal, daemon.broken]);
  stopWatching();
  log.info({ why: typeof why === "string" ? why : why.code }, "the daemon is stopping");
  await notifyServiceManager(io.env, "STOPPING=1");
  await daemon.stop(options.grace ?? graceMsDefault);
  stopBeating();
  await log.flush();
  if (typeof why !== "string") throw why;
  return exitCodes.succeeded;
}

function factsOf({ name, triggers, sources, stateDir }: DaemonDefinition, { parts }: Daemon) {
  const webhooks = [...sources].flatMap(([id, { type }]) =>
    type === "webhook" ? [[id, parts.sources.webhookPort(id)]] : [],
  );
  return {
    daemon: name,
    stateDir,
    triggers: triggers.size,
    sources: sources.size,
    webhooks: Object.fromEntries(webhooks) as Record<string, number>,
  };
}

/** Reads the file again, one request at a time. A file that is not valid changes nothing. */
class Reloads {
  readonly #daemon: Daemon;
  readonly #read: () => Promise<DaemonDefinition>;
  readonly #log: Log;
  #isAsked = false;
  #isWorking = false;

  constructor(daemon: Daemon, read: () => Promise<DaemonDefinition>, log: Log) {
    this.#daemon = daemon;
    this.#read = read;
    this.#log = log;
  }

  ask(): void {
    this.#isAsked = true;
    if (!this.#isWorking) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    while (this.#isAsked) {
      this.#isAsked = false;
      try {
        await this.#daemon.reload(await this.#read());
        this.#log.info({}, "the daemon file was read again");
      } catch (error) {
        const code = isAgentCoreError(error) ? error.code : "AC_INTERNAL";
        this.#log.error(
          { code },
          `the daemon file was refused, and the one before stays: ${errorText(error)}`,
        );
      }
    }
    this.#isWorking = false;
  }
}

/** A wrapper or a terminal can send the same signal several times. */
const echoMs = 500;

/** Resolves with the name of the first signal that ends the daemon. */
function waitForSignals(reloads: Reloads, daemon: Daemon): Promise<string> {
  let count = 0;
  let lastMs = -Infinity;
  const first = Promise.withResolvers<string>();
  process.on("SIGHUP", () => reloads.ask());
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      const nowMs = systemClock.monotonicMs();
      if (nowMs - lastMs < echoMs) return;
      lastMs = nowMs;
      count += 1;
      first.resolve(signal);
      if (count === 2) daemon.hurry();
      if (count > 2) process.exit(exitCodes.cancelled);
    });
  }
  return first.promise;
}
