/** `agentcore workflow logs RUN [STEP]`: prints the output of a run's workers, job by job, oldest first. */
import { AgentCoreError } from "@agentcore/contract";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { withQueue } from "../queue/open-queue.ts";
import { span } from "../screen/line.ts";
import { pieceName } from "../screen/job-screen.ts";
import { shortId } from "../screen/short-id.ts";
import { plainScreen } from "../screen/terminal.ts";
import { findRunId } from "../workflow/find-run.ts";
import { jobsOfRun } from "../workflow/jobs-of-run.ts";
import { withJournal } from "../workflow/open-journal.ts";
import { printJob, type LogsOptions } from "./logs.ts";

export async function workflowLogs(
  run: string,
  step: string | undefined,
  options: Omit<LogsOptions, "follow" | "attempt">,
  io: Io,
): Promise<number> {
  const id = await withJournal(options, io, (journal) => findRunId(journal, run));
  return withQueue(options, io, async (opened) => {
    const jobs = (await jobsOfRun(opened.store, id)).toReversed();
    const wanted = jobs.filter(({ job }) => isOf(job.context.labels["workflow.step"] ?? "", step));
    if (wanted.length === 0 && step !== undefined) {
      const known = [...new Set(jobs.map(({ job }) => job.context.labels["workflow.step"]))].join(", ");
      throw new AgentCoreError(
        "AC_USAGE",
        `run ${id} has no job of a step "${step}"; it has jobs of ${known}`,
      );
    }
    const screen = plainScreen(io.stdout);
    for (const record of wanted) {
      if (options.json !== true && options.raw !== true) {
        screen.print([
          [span(pieceName(record.job), "strong"), span(`  job ${shortId(record.job.id)}`, "dim")],
        ]);
      }
      await printJob(opened, record, options, io);
    }
    return exitCodes.succeeded;
  });
}

/** A step with a matrix has a job for each combination, and may also be named as a whole. */
function isOf(label: string, step: string | undefined): boolean {
  return step === undefined || label === step || label.startsWith(`${step}[`);
}
