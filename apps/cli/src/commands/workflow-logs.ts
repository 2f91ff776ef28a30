/**
 * `agentcore workflow logs RUN [STEP]`: prints the output of a run's workers, job by job, oldest first. `-f` follows the
 * run until it ends, and prints the lines of steps that run at the same time as they come, each with the name of its step.
 */
import { AgentCoreError, sleep, systemClock } from "@agentcore/contract";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { span, type Line } from "../screen/line.ts";
import { pieceName, type JobFacts } from "../screen/job-screen.ts";
import { shortId } from "../screen/short-id.ts";
import { plainScreen } from "../screen/terminal.ts";
import { oneLine } from "../screen/text.ts";
import { goesOn } from "../target/goes-on.ts";
import { withTarget } from "../target/open-target.ts";
import type { Target } from "../target/target.ts";
import { jobsOfRun } from "../workflow/jobs-of-run.ts";
import { printJob, type LogsOptions } from "./logs.ts";

type RunLogsOptions = Omit<LogsOptions, "attempt">;

export async function workflowLogs(
  run: string,
  step: string | undefined,
  options: RunLogsOptions,
  io: Io,
): Promise<number> {
  const follow = options.follow === true;
  return withTarget({ ...options, isPatient: follow }, io, async (target) => {
    const id = await target.runs.find(run);
    const isGoing = goesOn(target);
    const isAtWork = async (): Promise<boolean> =>
      follow && !io.stdout.isGone && isGoing(await target.runs.state(id));
    const printed = new Set<string>();
    const print = printerOf(target, options, io);
    for (;;) {
      // Asked first: a run that is over gets no more jobs.
      const goesOn = await isAtWork();
      const jobs = (await jobsOfRun((query) => target.jobs.list(query), id)).toReversed();
      const wanted = jobs.filter((job) => isOf(job.step ?? "", step));
      if (wanted.length === 0 && step !== undefined && !goesOn) throw noSuchStep(id, step, jobs);
      for (const job of wanted.filter((each) => !printed.has(each.id))) {
        printed.add(job.id);
        await print.job(job);
      }
      if (!goesOn) {
        await print.end();
        return exitCodes.succeeded;
      }
      await sleep(systemClock, lookMs);
    }
  });
}

const lookMs = 250;

interface JobsPrinter {
  /** Resolves once the next job may be printed. Rejects if an earlier one could not be. */
  job(job: JobFacts): Promise<void>;
  /** Resolves when all is printed. */
  end(): Promise<void>;
}

/** With `-f`, jobs that run are printed beside each other; but not with `--raw`, whose bytes name no step. */
function printerOf(target: Target, options: RunLogsOptions, io: Io): JobsPrinter {
  const follows = options.follow === true && options.raw !== true;
  const isForPeople = options.json !== true && options.raw !== true;
  const running: Promise<void>[] = [];
  let failure: { readonly error: unknown } | null = null;
  return {
    async job(job) {
      if (failure !== null) throw failure.error;
      if (isForPeople && !follows) plainScreen(io.stdout).print([headOf(job)]);
      const prefix = isForPeople && follows ? [span(`${stepOf(job)} | `, "dim")] : [];
      const printing = printJob(target, job, options, io, prefix);
      if (!follows || job.endedAt !== null) return printing;
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

const stepOf = ({ step, labels }: JobFacts): string =>
  oneLine(`${step}${labels["workflow.piece"] === "check" ? ", check" : ""}`);

const headOf = (job: JobFacts): Line => [
  span(pieceName(job), "strong"),
  span(`  job ${shortId(job.id)}`, "dim"),
];

function noSuchStep(id: string, step: string, jobs: readonly JobFacts[]): AgentCoreError {
  const known = [...new Set(jobs.map((job) => job.step))].join(", ");
  return new AgentCoreError(
    "AC_USAGE",
    `run ${shortId(id)} has no job of a step "${step}"; it has jobs of ${known}`,
  );
}

/** A step with a matrix has a job for each combination, and may also be named as a whole. */
function isOf(label: string, step: string | undefined): boolean {
  return step === undefined || label === step || label.startsWith(`${step}[`);
}
