/**
 * `agentcore work`: runs the queue in the foreground. The first Ctrl-C starts nothing more and waits for running jobs, the
 * second stops them cleanly, the third exits at once. SIGTERM and SIGHUP stop running jobs cleanly, as a service manager
 * expects.
 */
import { isAgentCoreError, systemClock } from "@agentcore/contract";
import { requireAdapters } from "../adapters.ts";
import { compose } from "../compose.ts";
import { composeSupervised } from "../compose-supervised.ts";
import { exitCodes } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import type { Io } from "../io.ts";
import { createLog, type LogLevel } from "../log.ts";
import { announcementOf, loadOptionsConfig, type StateOptions } from "../queue/open-queue.ts";
import { pruneAttemptsRegularly } from "../state/prune-attempts.ts";
import { closeScheduler, startScheduler } from "../queue/start-scheduler.ts";
import { tellWaits } from "../queue/tell-waits.ts";
import { workPresenter } from "./work-presenter.ts";
import { resolveStateDir } from "../state/state-dir.ts";

export interface WorkOptions extends StateOptions {
  /** End when no job is queued, delayed or running. */
  readonly drain?: boolean;
  readonly concurrency?: number;
  /** Run the runtime in this process instead of in a supervised child process. */
  readonly inProcess?: boolean;
  readonly logLevel?: LogLevel;
  /** Lines instead of the live screen. */
  readonly plain?: boolean;
}

export async function work(options: WorkOptions, io: Io): Promise<number> {
  const loaded = await loadOptionsConfig(options, io, announcementOf(options));
  const presenter = workPresenter(options, io);
  const runtimeText = new TextDecoder();
  const { logLevel = "warn" } = options;
  const log = createLog(logLevel, presenter.stderr);
  const adapters = await requireAdapters(loaded);
  const state = resolveStateDir(options.stateDir, loaded, io.cwd, io.env);
  const composition = await (options.inProcess === true
    ? compose({ config: loaded.config, state, adapters, env: io.env, log })
    : composeSupervised({
        state,
        adapters,
        loaded,
        cwd: io.cwd,
        env: io.env,
        log,
        logLevel,
        onStderr: (chunk) => presenter.stderr.write(runtimeText.decode(chunk, { stream: true })),
      }));
  let stopPruning: (() => void) | undefined;
  let stopTelling: (() => void) | undefined;
  try {
    const { keep_ended: keepEndedMs, limits } = loaded.config;
    const { concurrency = limits.global.concurrency } = options;
    const host = { name: loaded.config.host.name, workers: adapters.map(({ name }) => name) };
    const starting = startScheduler(composition, { log, concurrency, keepEndedMs, claims: "any", host });
    const scheduler = await Promise.race([starting, composition.broken]);
    if (isAgentCoreError(scheduler)) throw scheduler;
    const { store } = composition;
    const kept = { attemptsDir: state.attempts, store, keepMs: keepEndedMs };
    stopPruning = pruneAttemptsRegularly({ ...kept, clock: systemClock, log });
    scheduler.subscribe((event) => presenter.event(event));
    stopTelling = tellWaits({ scheduler, store, clock: systemClock, tell: (text) => presenter.wait(text) });
    const signals = listenForSignals((text) => presenter.remark(text));
    presenter.open(scheduler);
    const idle = options.drain === true ? scheduler.whenIdle().then(() => "finish" as const) : signals.first;
    const how = await Promise.race([signals.first, idle, composition.broken]);
    composition.retire();
    stopTelling?.();
    if (isAgentCoreError(how)) {
      await closeScheduler(scheduler);
      throw how;
    }
    void signals.second.then(() => composition.runtime.close());
    const closed = scheduler.close({ finishRunning: how === "finish" });
    // If running jobs do not end, a second signal ends the wait: the next start accounts for them.
    await Promise.race([closed, signals.second.then(() => closeScheduler(scheduler))]);
    return exitCodes.succeeded;
  } finally {
    stopPruning?.();
    stopTelling?.();
    presenter.close();
    await composition.close();
    await log.flush();
  }
}

function listenForSignals(remark: (text: string) => void) {
  const first = Promise.withResolvers<"finish" | "stop">();
  const second = Promise.withResolvers<void>();
  onInterrupt(({ force }, signal) => {
    if (force) {
      remark("stopping running jobs; press Ctrl-C again to exit at once");
      second.resolve();
    } else if (signal === "SIGINT") {
      remark("finishing running jobs; press Ctrl-C again to stop them");
      first.resolve("finish");
    } else {
      remark("stopping what runs");
      first.resolve("stop");
    }
  });
  return { first: first.promise, second: second.promise };
}
