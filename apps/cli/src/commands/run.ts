/** `agentcore run`: one task now, shown while it runs; the exit code says how it ended. */
import { ignore } from "@agentcore/contract";
import { systemClock } from "@agentcore/core";
import type { JobHandle } from "@agentcore/scheduler";
import { requireWorker } from "../adapters.ts";
import { compose } from "../compose.ts";
import { onInterrupt } from "../interrupt.ts";
import type { Io } from "../io.ts";
import { jobFromOptions, readInstructions, type TaskOptions } from "../job-from-options.ts";
import { createLog } from "../log.ts";
import { loadOptionsConfig } from "../open-queue.ts";
import { jsonLines } from "../present/json-lines.ts";
import { people } from "../present/people.ts";
import type { Presenter } from "../present/presenter.ts";
import { runJob } from "../run-job.ts";
import { startScheduler } from "../start-scheduler.ts";
import { resolveStateDir } from "../state-dir.ts";

export interface RunOptions extends TaskOptions {
  readonly json?: boolean;
  /** False with `--no-wait`. */
  readonly wait: boolean;
}

export async function run(instructions: string | undefined, options: RunOptions, io: Io): Promise<number> {
  const loaded = await loadOptionsConfig(options, io);
  const text = await readInstructions(instructions, io);
  const job = jobFromOptions(text, { interactive: true, ...options }, loaded, io.cwd);
  const adapter = await requireWorker(job.task.worker, job.task.capabilities ?? [], loaded);
  const log = createLog("warn");
  const state = resolveStateDir(options.stateDir, loaded, io.cwd, io.env);
  const composition = await compose({ config: loaded.config, state, adapters: [adapter], env: io.env, log });
  const presenter =
    options.json === true
      ? jsonLines(io.stdout, io.stderr)
      : people(io.stdout, systemClock, {
          maxAttempts: job.limits?.maxAttempts ?? 1,
          maxCostUsd: job.limits?.maxCostUsd ?? null,
        });
  const stops = stopOnRequest(io, presenter);
  try {
    const scheduler = await startScheduler(composition, { log, concurrency: 1, claims: "own" });
    const { wait } = options;
    const outcome = await runJob(job, {
      scheduler,
      store: composition.store,
      presenter,
      wait,
      onSubmitted: stops.watch,
    });
    presenter.end(outcome.result, outcome.refused);
    await scheduler.close();
    return outcome.exitCode;
  } finally {
    presenter.close();
    await composition.close();
    await log.flush();
    stops.release();
  }
}

/**
 * Ctrl-C, and a reader of our output that went away: nobody sees any more what is paid for, so the run is cancelled as the
 * shell would end any other program in a pipe. A request that comes before the job is there is kept for it.
 */
function stopOnRequest(io: Io, presenter: Presenter) {
  let handle: JobHandle | undefined;
  let asked: { readonly message: string; readonly immediate: boolean } | undefined;
  const cancel = (message: string, immediate: boolean): void => {
    asked = { message, immediate };
    handle?.cancel(asked).catch((error: unknown) => {
      ignore(error, "the store does not answer; the third Ctrl-C needs none");
      presenter.remark(`the cancel could not be written: ${String(error)}; once more ends this process`);
    });
  };
  const interruption = onInterrupt((count, signal) => {
    if (count === 1) presenter.remark("stopping; once more to kill it at once");
    cancel(count === 1 ? `stopped by ${signal}` : `killed by a second ${signal}`, count === 2);
  });
  io.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    cancel("the reader of the output went away", false);
  });
  return {
    watch: (submitted: JobHandle): void => {
      handle = submitted;
      if (asked !== undefined) cancel(asked.message, asked.immediate);
    },
    release: () => interruption.release(),
  };
}
