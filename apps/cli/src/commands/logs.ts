/**
 * `agentcore jobs logs JOB [-f]`: prints a worker's output, read back through its adapter, so that it looks as it did
 * during the run. `--raw` prints the bytes. `-f` follows the job through all its attempts until it ends.
 */
import { isTerminal, type JobRecord, type JobStore } from "@agentcore/scheduler";
import {
  AgentCoreError,
  isMissing,
  openPlacedFile,
  PlacedFileError,
  sleep,
  systemClock,
  type OutputReader,
  type WorkerEvent,
} from "@agentcore/contract";
import { createLineFramer, findAttemptDirectory, type LineFramer } from "@agentcore/worker-kit";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { loadAdapter } from "../adapters.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { findNamedJob, withQueue, type OpenedQueue, type StateOptions } from "../queue/open-queue.ts";
import type { Output } from "../output.ts";
import type { Line } from "../screen/line.ts";
import { advance, emptyView } from "../screen/run-view.ts";
import { shortId } from "../screen/short-id.ts";
import { plainScreen } from "../screen/terminal.ts";

const pollMs = 250;
const chunkBytes = 256 * 1024;

export interface LogsOptions extends StateOptions {
  readonly follow?: boolean;
  /** Only this attempt. Default: the last one, with `-f` also later ones. */
  readonly attempt?: number;
  readonly raw?: boolean;
}

export async function logs(id: string, options: LogsOptions, io: Io): Promise<number> {
  return withQueue(options, io, async (opened) => {
    let record = await findNamedJob(opened, id);
    const print = options.raw === true ? rawPrinter(io) : await eventPrinter(record, opened, options, io);
    const follow = options.follow === true;
    const isRead = readerOf(io);
    refuseUnknownAttempt(record, options);
    if (record.attempt === 0 && !follow) {
      const id = shortId(record.job.id);
      io.stderr.write(
        `agentcore: job ${id} has no output, because no attempt has begun: agentcore why ${id} says why, and -f follows it\n`,
      );
    }
    for (let attempt = options.attempt ?? Math.max(1, record.attempt); ; attempt += 1) {
      await copyAttempt({ opened, jobId: record.job.id, attempt, print, follow, isRead });
      const goesOn = follow && options.attempt === undefined && isRead();
      record = await nextBegun(opened.store, record, attempt, goesOn);
      if (record.attempt <= attempt) return exitCodes.succeeded;
    }
  });
}

/** Following waits for an attempt that may still come. */
function refuseUnknownAttempt(
  { job, attempt: last, state }: JobRecord,
  { attempt, follow }: LogsOptions,
): void {
  if (attempt === undefined || attempt <= last || (follow === true && !isTerminal(state))) return;
  const begun = last === 0 ? "no attempt has begun" : `the last one is ${last}`;
  throw new AgentCoreError("AC_USAGE", `job ${shortId(job.id)} has no attempt ${attempt}: ${begun}`);
}

const readerOf =
  ({ stdout }: Io) =>
  (): boolean =>
    !stdout.isGone;

/** All attempts of a job; with `follow`, also those that are still to come. */
export async function printJob(
  opened: OpenedQueue,
  record: JobRecord,
  options: LogsOptions,
  io: Io,
  /** At the beginning of each line for people. */
  prefix: Line = [],
): Promise<void> {
  const print =
    options.raw === true ? rawPrinter(io) : await eventPrinter(record, opened, options, io, prefix);
  const follow = options.follow === true;
  const isRead = readerOf(io);
  let last = record;
  for (let attempt = 1; ; attempt += 1) {
    if (!follow && attempt > last.attempt) return;
    await copyAttempt({ opened, jobId: record.job.id, attempt, print, follow, isRead });
    if (!follow) continue;
    last = await nextBegun(opened.store, last, attempt, isRead());
    if (last.attempt <= attempt) return;
  }
}

/** The job after its next attempt has started, or after it has ended; without waiting, the current job. */
async function nextBegun(
  store: JobStore,
  before: JobRecord,
  attempt: number,
  wait: boolean,
): Promise<JobRecord> {
  if (!wait) return { ...before, attempt };
  for (;;) {
    const record = (await store.get(before.job.id)) ?? { ...before, attempt };
    if (record.attempt > attempt || isTerminal(record.state)) return record;
    await pause();
  }
}

interface Copy {
  readonly opened: OpenedQueue;
  readonly jobId: string;
  readonly attempt: number;
  readonly print: Printer;
  readonly follow: boolean;
  /** Whether the output still has a reader. */
  readonly isRead: () => boolean;
}

/** Copies both streams of one attempt; with `follow`, until the attempt is over. */
async function copyAttempt({ opened, jobId, attempt, print, follow, isRead }: Copy): Promise<void> {
  const printer = print(attempt);
  let tails: readonly FileTail[] = [];
  for (;;) {
    // Check before reading: nothing is written after the attempt is over.
    const over = !follow || isOver(await opened.store.get(jobId), attempt);
    if (tails.length === 0) {
      const directory = await directoryOf(opened, jobId, attempt, over);
      if (directory !== null) tails = tailsIn(directory, printer);
    }
    for (const tail of tails) await tail.copyNew(isRead);
    if (over || !isRead()) break;
    await pause();
  }
  printer.end();
  for (const tail of tails) await tail.close();
}

function tailsIn(directory: string, printer: ReturnType<Printer>): readonly FileTail[] {
  const names = ["stdout", "stderr"] as const;
  return names.map((name) => new FileTail(join(directory, `${name}.log`), printer[name]));
}

/** Directory of the attempt's logs. Null while its permit is unknown, but may still become known. */
async function directoryOf(
  { store, state }: OpenedQueue,
  jobId: string,
  attempt: number,
  over: boolean,
): Promise<string | null> {
  const record = (await store.attempts(jobId)).find((one) => one.attempt === attempt);
  const permitId = record?.started?.permit.id;
  if (permitId === undefined && !over) return null;
  return findAttemptDirectory(state.attempts, { jobId, attempt, permitId: permitId ?? "" });
}

/** Whether this attempt will write nothing more. */
function isOver(record: JobRecord | undefined, attempt: number): boolean {
  if (record === undefined || isTerminal(record.state) || record.attempt > attempt) return true;
  // It failed and the job waits for the next attempt. With a lower number, this attempt has not begun.
  return record.state.kind === "queued" && record.attempt === attempt;
}

const pause = (): Promise<void> => sleep(systemClock, pollMs);

/** A file that may grow, or not exist yet. */
class FileTail {
  readonly #path: string;
  readonly #take: (chunk: Uint8Array) => Promise<void>;
  #file: FileHandle | undefined;
  #offset = 0;

  constructor(path: string, take: (chunk: Uint8Array) => Promise<void>) {
    this.#path = path;
    this.#take = take;
  }

  async copyNew(isRead: () => boolean): Promise<void> {
    this.#file ??= await openPlacedFile(this.#path).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      if (error instanceof PlacedFileError) throw new AgentCoreError("AC_STORE_UNAVAILABLE", error.message);
      throw error;
    });
    const buffer = Buffer.alloc(chunkBytes);
    while (this.#file !== undefined && isRead()) {
      const { bytesRead } = await this.#file.read(buffer, 0, chunkBytes, this.#offset);
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      await this.#take(Buffer.from(buffer.subarray(0, bytesRead)));
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

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

async function eventPrinter(
  { job }: JobRecord,
  { loaded }: OpenedQueue,
  options: LogsOptions,
  io: Io,
  prefix: Line = [],
): Promise<Printer> {
  const adapter = await loadAdapter(job.task.worker, loaded);
  const screen = plainScreen(io.stdout);
  return (attempt) => {
    let view = emptyView({ maxAttempts: job.limits.maxAttempts, maxCostUsd: null });
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
    const reader = adapter.createReader({ task: job.task, model: job.task.model ?? null });
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
