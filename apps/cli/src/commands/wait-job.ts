/** `agentcore jobs wait JOB`: waits for its end, whichever process runs it, and exits as `run` would have. */
import { AgentCoreError, formatDuration } from "@agentcore/contract";
import { isTerminal, type JobRecord, type JobStore } from "@agentcore/scheduler";
import { systemClock } from "@agentcore/core";
import type { Io } from "../io.ts";
import { outcomeOf } from "../job-outcome.ts";
import { findJob, withStore, type StateOptions } from "../open-store.ts";
import { summaryLines } from "../screen/summary.ts";
import { plainScreen } from "../screen/terminal.ts";

/** How soon an end that another process wrote is noticed. */
const pollMs = 250;

export interface WaitOptions extends StateOptions {
  readonly timeout?: number;
}

export async function waitForJob(id: string, options: WaitOptions, io: Io): Promise<number> {
  return withStore(options, io, async ({ store }) => {
    const { job } = await findJob(store, id);
    const record = await untilEnded(store, job.id, options.timeout);
    const { result, refused, exitCode } = outcomeOf(record, await store.attempts(job.id));
    if (options.json === true) io.stdout.write(`${JSON.stringify(result)}\n`);
    else plainScreen(io.stdout).print(summaryLines(result, refused));
    return exitCode;
  });
}

async function untilEnded(store: JobStore, id: string, timeoutMs: number | undefined): Promise<JobRecord> {
  const startedMs = systemClock.monotonicMs();
  for (;;) {
    const record = await store.get(id);
    if (record === undefined) throw new AgentCoreError("AC_JOB_NOT_FOUND", `job ${id} was deleted meanwhile`);
    if (isTerminal(record.state)) return record;
    if (timeoutMs !== undefined && systemClock.monotonicMs() - startedMs >= timeoutMs) {
      throw new AgentCoreError(
        "AC_TIMEOUT",
        `job ${id} is still ${record.state.kind} after ${formatDuration(timeoutMs)}; it goes on`,
      );
    }
    await new Promise<void>((resolve) => void systemClock.setTimer(pollMs, resolve));
  }
}
