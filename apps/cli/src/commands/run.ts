/** `agentcore run`: one task now, shown while it runs; the exit code says how it ended. */
import { loadOptionsConfig } from "../open-queue.ts";
import { openEngine } from "../engine/open-engine.ts";
import { exitCodeOf } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import type { Io } from "../io.ts";
import { jobFromOptions, readInstructions, type TaskOptions } from "../job-from-options.ts";
import { jsonLines } from "../present/json-lines.ts";
import { people } from "../present/people.ts";
import type { Presenter } from "../present/presenter.ts";
import { systemClock } from "@agentcore/core";
import { requireWorker } from "../adapters.ts";

export interface RunOptions extends TaskOptions {
  readonly json?: boolean;
  /** False with `--no-wait`. */
  readonly wait: boolean;
}

export async function run(instructions: string | undefined, options: RunOptions, io: Io): Promise<number> {
  const loaded = await loadOptionsConfig(options, io);
  const text = await readInstructions(instructions, io);
  const job = jobFromOptions(text, { interactive: true, ...options }, loaded, io.cwd);
  await requireWorker(job.task.worker, job.task.capabilities ?? [], loaded);
  const engine = await openEngine(job.task.worker, {
    loaded,
    io,
    ...(options.stateDir === undefined ? {} : { stateDir: options.stateDir }),
  });
  const presenter =
    options.json === true
      ? jsonLines(io.stdout, io.stderr)
      : people(io.stdout, systemClock, {
          maxAttempts: job.limits?.maxAttempts ?? 1,
          maxCostUsd: job.limits?.maxCostUsd ?? null,
        });
  try {
    const running = engine.run(job, { onEvent: (event) => presenter.event(event), wait: options.wait });
    const release = stopOnRequest(io, presenter, (message, immediate) => running.cancel(message, immediate));
    const { result, refused } = await running.ended;
    presenter.end(result, refused);
    release();
    return exitCodeOf(result.outcome, refused);
  } finally {
    presenter.close();
    await engine.close();
  }
}

/**
 * Ctrl-C, and a reader of our output that went away: nobody sees any more what is paid for, so the run is cancelled as the
 * shell would end any other program in a pipe.
 */
function stopOnRequest(
  io: Io,
  presenter: Presenter,
  cancel: (message: string, immediate: boolean) => void,
): () => void {
  const interruption = onInterrupt((count, signal) => {
    if (count === 1) presenter.remark("stopping; once more to kill it at once");
    cancel(count === 1 ? `stopped by ${signal}` : `killed by a second ${signal}`, count === 2);
  });
  const onOutputError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== "EPIPE") throw error;
    cancel("the reader of the output went away", false);
  };
  io.stdout.on("error", onOutputError);
  return () => interruption.release();
}
