/** `agentcore jobs wait JOB`: waits for the end of a job that any process runs, and exits with the exit code of `run`. */
import { AgentCoreError, formatDuration, systemClock } from "@agentcore/contract";
import type { Io } from "../io.ts";
import { outcomeOf } from "../queue/job-outcome.ts";
import { findJob, findNamedJob, withQueue, type StateOptions } from "../queue/open-queue.ts";
import { summaryLines } from "../screen/summary.ts";
import { plainScreen } from "../screen/terminal.ts";

export interface WaitOptions extends StateOptions {
  readonly timeout?: number;
}

export async function waitForJob(id: string, options: WaitOptions, io: Io): Promise<number> {
  return withQueue(options, io, async (opened) => {
    const { store, client } = opened;
    const { job } = await findNamedJob(opened, id);
    const handle = await client.attach(job.id);
    await within(options.timeout, handle.result(), () => `job ${job.id} has not ended`);
    const { result, refused, exitCode } = outcomeOf(
      await findJob(store, job.id),
      await store.attempts(job.id),
    );
    if (options.json === true) io.stdout.json(result);
    else plainScreen(io.stdout).print(summaryLines(result, refused));
    return exitCode;
  });
}

async function within<T>(timeoutMs: number | undefined, waiting: Promise<T>, what: () => string): Promise<T> {
  if (timeoutMs === undefined) return waiting;
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = systemClock.setTimer(timeoutMs, () => {
    reject(
      new AgentCoreError("AC_TIMEOUT", `${what()} after ${formatDuration(timeoutMs)}; the job continues`),
    );
  });
  try {
    return await Promise.race([waiting, promise]);
  } finally {
    timer.cancel();
  }
}
