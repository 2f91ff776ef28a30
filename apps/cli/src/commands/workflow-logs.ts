/**
 * `agentcore workflow logs RUN [STEP]`: prints the output of a run's workers, job by job, oldest first. `-f` follows the
 * run until it ends, and prints the lines of steps that run at the same time as they come, each with the name of its step.
 */
import { AgentCoreError, sleep, systemClock } from "@agentcore/contract";
import { isTerminal, type Journal, type JobRecord } from "@agentcore/scheduler";
import { listRuns } from "@agentcore/workflow";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { withQueue, type OpenedQueue } from "../queue/open-queue.ts";
import { span, type Line } from "../screen/line.ts";
import { pieceName } from "../screen/job-screen.ts";
import { shortId } from "../screen/short-id.ts";
import { plainScreen } from "../screen/terminal.ts";
import { oneLine } from "../screen/text.ts";
import { findRunId } from "../workflow/find-run.ts";
import { jobsOfRun } from "../workflow/jobs-of-run.ts";
import { runStateOf } from "../workflow/run-owner.ts";
import { withJournal } from "../workflow/open-journal.ts";
import { printJob, type LogsOptions } from "./logs.ts";

type RunLogsOptions = Omit<LogsOptions, "attempt">;

export async function workflowLogs(
  run: string,
  step: string | undefined,
  options: RunLogsOptions,
  io: Io,
): Promise<number> {
  return withJournal(options, io, async (journal) => {
    const id = await findRunId(journal, run);
    const isAtWork = async (): Promise<boolean> =>
      options.follow === true && !io.stdout.isGone && (await isRunning(journal, id));
    return withQueue(options, io, async (opened) => {
      const printed = new Set<string>();
      const print = printerOf(opened, options, io);
      for (;;) {
        // Asked first: a run that is over gets no more jobs.
        const goesOn = await isAtWork();
        const jobs = (await jobsOfRun(opened.store, id)).toReversed();
        const wanted = jobs.filter(({ job }) => isOf(job.context.labels["workflow.step"] ?? "", step));
        if (wanted.length === 0 && step !== undefined && !goesOn) throw noSuchStep(id, step, jobs);
        for (const record of wanted.filter(({ job }) => !printed.has(job.id))) {
          printed.add(record.job.id);
          await print.job(record);
        }
        if (!goesOn) {
          await print.end();
          return exitCodes.succeeded;
        }
        await sleep(systemClock, lookMs);
      }
    });
  });
}

const lookMs = 250;

async function isRunning(journal: Journal, id: string): Promise<boolean> {
  const [found] = await listRuns(journal, { before: `${id}\0`, limit: 1 });
  return found?.id === id && runStateOf(found.header) === "RUNNING";
}

interface JobsPrinter {
  /** Resolves once the next job may be printed. Rejects if an earlier one could not be. */
  job(record: JobRecord): Promise<void>;
  /** Resolves when all is printed. */
  end(): Promise<void>;
}

/** With `-f`, jobs that run are printed beside each other; but not with `--raw`, whose bytes name no step. */
function printerOf(opened: OpenedQueue, options: RunLogsOptions, io: Io): JobsPrinter {
  const follows = options.follow === true && options.raw !== true;
  const isForPeople = options.json !== true && options.raw !== true;
  const running: Promise<void>[] = [];
  let failure: { readonly error: unknown } | null = null;
  return {
    async job(record) {
      if (failure !== null) throw failure.error;
      if (isForPeople && !follows) plainScreen(io.stdout).print([headOf(record)]);
      const prefix = isForPeople && follows ? [span(`${stepOf(record)} | `, "dim")] : [];
      const printing = printJob(opened, record, options, io, prefix);
      if (!follows || isTerminal(record.state)) return printing;
      running.push(
        printing.catch((error: unknown) => {
          failure ??= { error };
        }),
      );
    },
    async end() {
      await Promise.all(running);
      if (failure !== null) throw failure.error;
    },
  };
}

function stepOf({ job }: JobRecord): string {
  const { labels } = job.context;
  return oneLine(`${labels["workflow.step"]}${labels["workflow.piece"] === "check" ? ", check" : ""}`);
}

const headOf = ({ job }: JobRecord): Line => [
  span(pieceName(job), "strong"),
  span(`  job ${shortId(job.id)}`, "dim"),
];

function noSuchStep(id: string, step: string, jobs: readonly JobRecord[]): AgentCoreError {
  const known = [...new Set(jobs.map(({ job }) => job.context.labels["workflow.step"]))].join(", ");
  return new AgentCoreError(
    "AC_USAGE",
    `run ${shortId(id)} has no job of a step "${step}"; it has jobs of ${known}`,
  );
}

/** A step with a matrix has a job for each combination, and may also be named as a whole. */
function isOf(label: string, step: string | undefined): boolean {
  return step === undefined || label === step || label.startsWith(`${step}[`);
}
