/** `agentcore jobs wait JOB`: waits for the end of a job that any process runs, and exits with the exit code of `run`. */
import { AgentCoreError, formatDuration, systemClock } from "@agentcore/contract";
import type { JobResult } from "@agentcore/scheduler";
import type { Io } from "../io.ts";
import { withExitCode } from "../queue/job-outcome.ts";
import type { JobFacts } from "../screen/job-screen.ts";
import { summaryLines } from "../screen/summary.ts";
import { plainScreen } from "../screen/terminal.ts";
import { findNamedJob } from "../target/find-job.ts";
import { withTarget } from "../target/open-target.ts";
import type { TargetOptions } from "../target/target.ts";

export interface WaitOptions extends TargetOptions {
  readonly timeout?: number;
}

export async function waitForJob(id: string, options: WaitOptions, io: Io): Promise<number> {
  return withTarget({ ...options, isPatient: true }, io, async ({ jobs }) => {
    let job: JobFacts | null = null;
    const waiting = async (): Promise<JobResult> => {
      job = await findNamedJob(jobs, id);
      return jobs.result(job.id);
    };
    const ended = await within(options.timeout, waiting(), (time) =>
      job === null
        ? `there was no answer about job ${id} within ${time}`
        : `job ${job.id} has not ended after ${time}; the job continues`,
    );
    const { result, refused, exitCode } = withExitCode(ended);
    if (options.json === true) io.stdout.json(result);
    else plainScreen(io.stdout).print(summaryLines(result, refused));
    return exitCode;
  });
}

async function within<T>(
  timeoutMs: number | undefined,
  waiting: Promise<T>,
  messageOf: (time: string) => string,
): Promise<T> {
  if (timeoutMs === undefined) return waiting;
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = systemClock.setTimer(timeoutMs, () => {
    reject(new AgentCoreError("AC_TIMEOUT", messageOf(formatDuration(timeoutMs))));
  });
  try {
    return await Promise.race([waiting, promise]);
  } finally {
    timer.cancel();
  }
}
