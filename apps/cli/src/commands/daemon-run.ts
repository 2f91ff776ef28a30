/**
 * `agentcored FILE`: runs the daemon in the foreground until SIGTERM or Ctrl-C. SIGHUP reads the file again. A second SIGTERM
 * or Ctrl-C ends the grace period, a third one exits at once.
 */
import { errorText, isAgentCoreError, systemClock, type Log } from "@agentcore/contract";
import type { DaemonDefinition } from "@agentcore/triggers";
import { formatProblem } from "@agentcore/yaml-file";
import { requireAdapters } from "../adapters.ts";
import { sharedStoreOf } from "../config/shared-store.ts";
import { requireDaemonFile } from "../daemon/load-daemon-file.ts";
import { Daemon } from "../daemon/open-daemon.ts";
import { isPageBuilt, pageNotBuilt } from "../daemon/page-files.ts";
import { notifyServiceManager, reloadingStates, watchdogOf } from "../daemon/service-manager.ts";
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
  const { logLevel = "info" } = options;
  const log = createLog(logLevel);
  const read = async () => {
    const { definition, warnings } = await requireDaemonFile(file, io, workers);
    for (const warning of warnings) log.warn({}, `${formatProblem(warning)} (a warning)`);
    return definition;
  };
  const definition = await read();
  const graceMs = options.grace ?? graceMsDefault;
  const signals = new Signals();
  const endAsked = Promise.withResolvers<string>();
  const daemon = await Daemon.open({
    definition,
    loaded,
    state: stateDirAt(definition.stateDir, sharedStoreOf(io.env, [definition.store, loaded.config.store])),
    adapters: await requireAdapters(loaded),
    cwd: io.cwd,
    env: io.env,
    log,
    logLevel,
    onStderr: (chunk) => io.stderr.write(chunk.toString()),
    graceMs,
    onEndAsked: () => endAsked.resolve("the API"),
  });
  const notify = (...states: readonly string[]) => notifyServiceManager(io.env, log, ...states);
  const reloads = new Reloads(daemon, read, notify, log);
  const stopWatching = options.watch === true ? watchFile(definition.file, () => reloads.ask()) : () => {};
  const stopBeating = watchdogOf(io.env, log);
  log.info(factsOf(definition, daemon), "the daemon is ready");
  const { url } = daemon.parts.api;
  if (url !== null) announcePage(url, definition.stateDir, log);
  await notify("READY=1");
  signals.serve({ reload: () => reloads.ask(), hurry: () => daemon.hurry() });
  const why = await Promise.race([signals.end, endAsked.promise, daemon.broken]);
  stopWatching();
  log.info(
    { why: typeof why === "string" ? why : why.code, graceMs },
    "the daemon is stopping; runs may go on for the grace period",
  );
  await notify("STOPPING=1");
  await daemon.stop();
  stopBeating();
  await log.flush();
  if (typeof why !== "string") throw why;
  return exitCodes.succeeded;
}

function announcePage(url: string, stateDir: string, log: Log): void {
  const made = `agentcore token create NAME --scope operate --state-dir ${stateDir} makes a token for it`;
  log.info({ page: url }, isPageBuilt() ? `the page is at ${url}; ${made}` : pageNotBuilt);
}

function factsOf({ name, triggers, sources, stateDir, server }: DaemonDefinition, { parts }: Daemon) {
  const webhooks = [...sources].flatMap(([id, { type }]) =>
    type === "webhook" ? [[id, parts.sources.webhookPort(id)]] : [],
  );
  return {
    daemon: name,
    stateDir,
    triggers: triggers.size,
    sources: sources.size,
    socket: server.socket,
    url: parts.api.url,
    webhooks: Object.fromEntries(webhooks) as Record<string, number>,
  };
}

/** Reads the file again, one request at a time. A file that is not valid changes nothing. */
class Reloads {
  readonly #daemon: Daemon;
  readonly #read: () => Promise<DaemonDefinition>;
  readonly #notify: (...states: readonly string[]) => Promise<void>;
  readonly #log: Log;
  #isAsked = false;
  #isWorking = false;

  constructor(
    daemon: Daemon,
    read: () => Promise<DaemonDefinition>,
    notify: (...states: readonly string[]) => Promise<void>,
    log: Log,
  ) {
    this.#daemon = daemon;
    this.#read = read;
    this.#notify = notify;
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
      await this.#notify(...reloadingStates());
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
      await this.#notify("READY=1");
    }
    this.#isWorking = false;
  }
}

/** A wrapper or a terminal can send the same signal several times. */
const echoMs = 500;

interface SignalHandlers {
  readonly reload: () => void;
  /** End the grace period. */
  readonly hurry: () => void;
}

/** The signals of the process, from its start on: SIGHUP would end one that does not listen. */
class Signals {
  readonly #end = Promise.withResolvers<string>();
  #handlers: SignalHandlers | null = null;
  #isReloadAsked = false;
  #count = 0;
  #lastMs = -Infinity;

  constructor() {
    process.on("SIGHUP", () => {
      if (this.#handlers === null) this.#isReloadAsked = true;
      else this.#handlers.reload();
    });
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => this.#stop(signal));
  }

  /** Resolves with the name of the first signal that ends the daemon. */
  get end(): Promise<string> {
    return this.#end.promise;
  }

  /** Once the daemon is ready. A reload that was asked for before begins now. */
  serve(handlers: SignalHandlers): void {
    this.#handlers = handlers;
    if (this.#isReloadAsked) handlers.reload();
    if (this.#count > 1) handlers.hurry();
  }

  #stop(signal: string): void {
    const nowMs = systemClock.monotonicMs();
    if (nowMs - this.#lastMs < echoMs) return;
    this.#lastMs = nowMs;
    this.#count += 1;
    this.#end.resolve(signal);
    if (this.#count === 2) this.#handlers?.hurry();
    if (this.#count > 2) process.exit(exitCodes.cancelled);
  }
}
