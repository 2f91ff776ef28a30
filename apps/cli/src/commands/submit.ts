/**
 * `agentcore submit`: puts one job, or a file of them, into the queue and prints their ids. The process that runs the queue
 * (`agentcore work`) takes them from there.
 */
import {
  AgentCoreError,
  cureOf,
  isAgentCoreError,
  type JobSubmission,
  systemClock,
} from "@agentcore/contract";
import type { SubmitOutcome } from "@agentcore/scheduler";
import { resolve } from "node:path";
import { requireWorker } from "../adapters.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { writeJsonError } from "../report-error.ts";
import {
  checkJob,
  checkWorkspace,
  jobFromOptions,
  readAll,
  readInstructions,
  warnOfLoaders,
  type TaskOptions,
} from "../options/job-from-options.ts";
import { noteRefusal } from "../queue/last-refusal.ts";
import { requireKnownCost } from "../options/require-price.ts";
import { readTextFile } from "../text-files.ts";
import { withQueue, type OpenedQueue, type StateOptions } from "../queue/open-queue.ts";

export interface SubmitOptions extends TaskOptions, StateOptions {
  /** JSON lines, one job each; `-` is stdin. */
  readonly file?: string;
  readonly delay?: number;
  readonly priority?: number;
}

export async function submit(
  instructions: string | undefined,
  options: SubmitOptions,
  io: Io,
): Promise<number> {
  return withQueue(
    options,
    io,
    async (opened) => {
      const jobs =
        options.file === undefined
          ? [await oneJob(instructions, options, opened, io)]
          : await jobsOfFile(options.file, instructions, opened, io);
      const outcomes = await opened.client.submitAll(jobs);
      for (const outcome of outcomes) print(outcome, options.json === true, io);
      const last = outcomes.at(-1);
      if (last?.ok === false) {
        const { code, message } = last.error;
        noteRefusal(opened.state, { command: "submit", jobId: null, code, message });
      }
      return exitCodeOf(outcomes);
    },
    "writes",
  );
}

/** Nothing was stored because the keys are held: refused, as a call that the gate refuses. */
function exitCodeOf(outcomes: readonly SubmitOutcome[]): number {
  const refused = outcomes.filter((outcome) => !outcome.ok && outcome.error.code === "AC_KEY_HELD");
  if (outcomes.every(({ ok }) => ok)) return exitCodes.succeeded;
  return refused.length === outcomes.length ? exitCodes.refused : exitCodes.failed;
}

async function oneJob(
  instructions: string | undefined,
  options: SubmitOptions,
  { loaded }: OpenedQueue,
  io: Io,
): Promise<JobSubmission> {
  const job = jobFromOptions(await readInstructions(instructions, io), options, loaded, io);
  const adapter = await requireWorker(job.task.worker, job.task.capabilities ?? [], loaded);
  await requireKnownCost(adapter, job.task.model, loaded.config);
  warnOfLoaders(options.env, io);
  return {
    ...job,
    ...(options.delay === undefined ? {} : { notBefore: systemClock.now() + options.delay }),
    ...(options.priority === undefined ? {} : { priority: { ...job.priority, value: options.priority } }),
  };
}

/** Every line is checked before the first job is stored; each error names its line. */
async function jobsOfFile(
  file: string,
  instructions: string | undefined,
  { loaded }: OpenedQueue,
  io: Io,
): Promise<JobSubmission[]> {
  if (instructions !== undefined) {
    throw new AgentCoreError(
      "AC_USAGE",
      "give instructions or --file, not both: each line of the file has its own instructions",
    );
  }
  const text = await readJobs(file, io);
  const jobs: JobSubmission[] = [];
  const mistakes: AgentCoreError[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const made = await atLine(`${file}:${index + 1}`, () => jobOfLine(line, loaded, io));
    if (isAgentCoreError(made)) mistakes.push(made);
    else jobs.push(made);
  }
  throwAll(mistakes);
  if (jobs.length === 0) throw new AgentCoreError("AC_USAGE", `${file} contains no jobs`);
  return jobs;
}

async function readJobs(file: string, io: Io): Promise<string> {
  if (file === "-") return readAll(io, Infinity);
  return readTextFile(file, io.cwd);
}

async function jobOfLine(line: string, loaded: OpenedQueue["loaded"], io: Io): Promise<JobSubmission> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new AgentCoreError("AC_JOB_INVALID", `not JSON: ${(error as Error).message}`, { cause: error });
  }
  const job = checkJob(value);
  const workspace = checkWorkspace(resolve(io.cwd, job.task.workspace));
  const adapter = await requireWorker(job.task.worker, job.task.capabilities ?? [], loaded);
  await requireKnownCost(adapter, job.task.model, loaded.config);
  return { ...job, task: { ...job.task, workspace } };
}

/** Resolves with the error if there is one, so that the mistakes of all lines are reported at once. */
async function atLine<T>(place: string, make: () => Promise<T>): Promise<T | AgentCoreError> {
  try {
    return await make();
  } catch (error) {
    if (!isAgentCoreError(error)) throw error;
    return new AgentCoreError(error.code, `${place}: ${error.message}`, {
      evidence: error.evidence,
      cause: error,
    });
  }
}

/** Mistakes that are reported; more would hide the first. */
const mistakesMax = 20;

function throwAll(mistakes: readonly AgentCoreError[]): void {
  const [first] = mistakes;
  if (first === undefined) return;
  if (mistakes.length === 1) throw first;
  const reported = mistakes.slice(0, mistakesMax).map(({ message }) => message);
  const left = mistakes.length - reported.length;
  const more = left === 0 ? [] : [`and ${left} more lines with mistakes`];
  throw new AgentCoreError(first.code, [...reported, ...more].join("\n"), { evidence: first.evidence });
}

function print(outcome: SubmitOutcome, json: boolean, io: Io): void {
  if (!outcome.ok) {
    const { code, message } = outcome.error;
    if (json) writeJsonError(io, outcome.error);
    else io.stderr.write(`agentcore: ${message}\n  ${code}: ${cureOf(code, "command line")}\n`);
    return;
  }
  const { id, deduplicated } = outcome.handle;
  if (json) io.stdout.json({ type: "submitted", id, deduplicated });
  else io.stdout.write(`${id}\n`);
  if (deduplicated && !json) io.stderr.write(`agentcore: joined job ${id}, which has the same key or id\n`);
}
