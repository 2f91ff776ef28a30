/**
 * `agentcore jobs logs JOB [-f]`: prints a worker's output, read back through its adapter, so that it looks as it did
 * during the run. `--raw` prints the bytes. `-f` follows the job through all its attempts until it ends.
 */
import {
  AgentCoreError,
  isAgentCoreError,
  sleep,
  systemClock,
  workerTaskSchema,
  type OutputReader,
  type WorkerAdapter,
  type WorkerEvent,
} from "@agentcore/contract";
import { createLineFramer, type LineFramer } from "@agentcore/worker-kit";
import { loadAdapter } from "../adapters.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import type { Output } from "../output.ts";
import type { Line } from "../screen/line.ts";
import type { JobFacts } from "../screen/job-screen.ts";
import { advance, emptyView } from "../screen/run-view.ts";
import { shortId } from "../screen/short-id.ts";
import { plainScreen } from "../screen/terminal.ts";
import { findNamedJob } from "../target/find-job.ts";
import { withTarget } from "../target/open-target.ts";
import type { LogPart, Target, TargetJobs, TargetOptions } from "../target/target.ts";

const pollMs = 250;

export interface LogsOptions extends TargetOptions {
  readonly follow?: boolean;
  /** Only this attempt. Default: the last one, with `-f` also later ones. */
  readonly attempt?: number;
  readonly raw?: boolean;
}

export async function logs(id: string, options: LogsOptions, io: Io): Promise<number> {
  const follow = options.follow === true;
  return withTarget({ ...options, isPatient: follow }, io, async (target) => {
    const { jobs } = target;
    let job = await findNamedJob(jobs, id);
    const print = await printerFor(job, target, options, io);
    const isRead = readerOf(io);
    refuseUnknownAttempt(job, options);
    if (job.attempt === 0 && !follow) {
      const id = shortId(job.id);
      io.stderr.write(
        `agentcore: job ${id} has no output, because no attempt has begun: agentcore why ${id} says why, and -f follows it\n`,
      );
    }
    for (let attempt = options.attempt ?? Math.max(1, job.attempt); ; attempt += 1) {
      await copyAttempt({ jobs, jobId: job.id, attempt, print, follow, isRead });
      const goesOn = follow && options.attempt === undefined && isRead();
      job = await nextBegun(jobs, job, attempt, goesOn);
      if (job.attempt <= attempt) return exitCodes.succeeded;
    }
  });
}

/** Following waits for an attempt that may still come. */
function refuseUnknownAttempt(
  { id, attempt: last, endedAt }: JobFacts,
  { attempt, follow }: LogsOptions,
): void {
  if (attempt === undefined || attempt <= last || (follow === true && endedAt === null)) return;
  const begun = last === 0 ? "no attempt has begun" : `the last one is ${last}`;
  throw new AgentCoreError("AC_USAGE", `job ${shortId(id)} has no attempt ${attempt}: ${begun}`);
}

const readerOf =
  ({ stdout }: Io) =>
  (): boolean =>
    !stdout.isGone;

/** All attempts of a job; with `follow`, also those that are still to come. */
export async function printJob(
  target: Target,
  job: JobFacts,
  options: LogsOptions,
  io: Io,
  /** At the beginning of each line for people. */
  prefix: Line = [],
): Promise<void> {
  const { jobs } = target;
  const print = await printerFor(job, target, options, io, prefix);
  const follow = options.follow === true;
  const isRead = readerOf(io);
  let last = job;
  for (let attempt = 1; ; attempt += 1) {
    if (!follow && attempt > last.attempt) return;
    await copyAttempt({ jobs, jobId: job.id, attempt, print, follow, isRead });
    if (!follow) continue;
    last = await nextBegun(jobs, last, attempt, isRead());
    if (last.attempt <= attempt) return;
  }
}

/** The job after its next attempt has started, or after it has ended; without waiting, the current job. */
async function nextBegun(
  jobs: TargetJobs,
  before: JobFacts,
  attempt: number,
  wait: boolean,
): Promise<JobFacts> {
  if (!wait) return { ...before, attempt };
  for (;;) {
    const job = (await jobs.get(before.id)) ?? { ...before, attempt };
    if (job.attempt > attempt || job.endedAt !== null) return job;
    await pause();
  }
}

interface Copy {
  readonly jobs: TargetJobs;
  readonly jobId: string;
  readonly attempt: number;
  readonly print: Printer;
  readonly follow: boolean;
  /** Whether the output still has a reader. */
  readonly isRead: () => boolean;
}

const streams = ["stdout", "stderr"] as const;

/** Copies both streams of one attempt; with `follow`, until the attempt is over. */
async function copyAttempt({ jobs, jobId, attempt, print, follow, isRead }: Copy): Promise<void> {
  const printer = print(attempt);
  const offsets = { stdout: 0, stderr: 0 };
  for (;;) {
    // Check before reading: nothing is written after the attempt is over.
    const over = !follow || isOver(await jobs.get(jobId), attempt);
    for (const stream of streams) {
      const part: LogPart = { jobId, attempt, stream, offset: offsets[stream] };
      offsets[stream] = await copyNew(jobs, part, printer[stream], isRead);
    }
    if (over || !isRead()) break;
    await pause();
  }
  printer.end();
}

/** Resolves with the offset of what comes next. */
async function copyNew(
  jobs: TargetJobs,
  part: LogPart,
  take: (chunk: Uint8Array) => Promise<void>,
  isRead: () => boolean,
): Promise<number> {
  for (let { offset } = part; ;) {
    if (!isRead()) return offset;
    const bytes = await jobs.log({ ...part, offset });
    if (bytes.length === 0) return offset;
    offset += bytes.length;
    await take(bytes);
  }
}

/** Whether this attempt will write nothing more. */
function isOver(job: JobFacts | undefined, attempt: number): boolean {
  if (job === undefined || job.endedAt !== null || job.attempt > attempt) return true;
  // It failed and the job waits for the next attempt. With a lower number, this attempt has not begun.
  return job.state === "queued" && job.attempt === attempt;
}

const pause = (): Promise<void> => sleep(systemClock, pollMs);

/** The receiver of an attempt's bytes. */
type Printer = (attempt: number) => {
  stdout(chunk: Uint8Array): Promise<void>;
  stderr(chunk: Uint8Array): Promise<void>;
  end(): void;
};

function rawPrinter(io: Io): Printer {
  return () => ({
    stdout: (chunk) => write(io.stdout, chunk),
    stderr: (chunk) => write(io.stderr, chunk),
    end: () => {},
  });
}

function write(output: Output, chunk: Uint8Array): Promise<void> {
  output.raw(chunk);
  return output.drained();
}

async function printerFor(
  job: JobFacts,
  target: Target,
  options: LogsOptions,
  io: Io,
  prefix: Line = [],
): Promise<Printer> {
  if (options.raw === true) return rawPrinter(io);
  const adapter = await adapterFor(job, target, io);
  const { worker, workspace, instructions, model, maxAttempts } = job;
  const task = workerTaskSchema.parse({ worker, workspace, instructions });
  const screen = plainScreen(io.stdout);
  return (attempt) => {
    let view = emptyView({ maxAttempts, maxCostUsd: null });
    const show = (event: WorkerEvent): void => {
      if (options.json === true) {
        io.stdout.json({ type: "worker_event", jobId: job.id, attempt, at: null, event });
        return;
      }
      const step = advance(view, { type: "worker_event", jobId: job.id, attempt, at: 0, event });
      view = step.view;
      // The first span is the time, which a log does not have.
      screen.print(step.lines.map((line) => [...prefix, ...line.slice(1)]));
    };
    const reader = adapter.createReader({ task, model });
    const stdout = framer(reader, "stdout", show);
    const stderr = framer(reader, "stderr", show);
    const take = (lines: LineFramer) => async (chunk: Uint8Array) => {
      lines.write(chunk);
      await io.stdout.drained();
    };
    return {
      stdout: take(stdout),
      stderr: take(stderr),
      end: () => {
        stdout.end();
        stderr.end();
      },
    };
  };
}

function framer(
  reader: OutputReader,
  name: "stdout" | "stderr",
  show: (event: WorkerEvent) => void,
): LineFramer {
  return createLineFramer((line, oversized) => {
    for (const event of reader[name](line, oversized)) show(event);
  });
}

/** What reads the lines. A daemon may have workers that are not configured here. */
async function adapterFor(
  { id, worker }: JobFacts,
  { daemon, config }: Target,
  { stderr }: Io,
): Promise<Pick<WorkerAdapter, "createReader">> {
  const loaded = await config();
  try {
    return await loadAdapter(worker, loaded);
  } catch (error) {
    if (daemon === null || !isAgentCoreError(error) || error.code !== "AC_WORKER_UNKNOWN") throw error;
    stderr.write(
      `agentcore: the worker ${worker} of job ${shortId(id)} is not configured on this machine; its lines are shown as they are\n`,
    );
    return loadAdapter("shell", loaded);
  }
}
