/**
 * `agentcore submit`: puts one job, or a file of them, into the queue and prints their ids. The process that runs the queue
 * (`agentcore work`) takes them from there.
 */
import {
  AgentCoreError,
  isAgentCoreError,
  systemClock,
  type ErrorDocument,
  type JobSubmission,
  type SubmittedDocument,
} from "@agentcore/contract";
import { requireWorker } from "../adapters.ts";
import type { LoadedConfig } from "../config/load.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import {
  checkJob,
  jobFromOptions,
  readAll,
  readInstructions,
  warnOfLoaders,
  workspaceHere,
  type TaskOptions,
} from "../options/job-from-options.ts";
import { requireKnownCost } from "../options/require-price.ts";
import { readTextFile } from "../text-files.ts";
import { withTarget } from "../target/open-target.ts";
import { pathThere } from "../target/path-there.ts";
import type { Target, TargetOptions } from "../target/target.ts";

export interface SubmitOptions extends TaskOptions, TargetOptions {
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
  return withTarget({ ...options, access: "writes" }, io, async (target) => {
    const place = await placeOf(target, io);
    const jobs =
      options.file === undefined
        ? [await oneJob(instructions, options, place, io)]
        : await jobsOfFile(options.file, instructions, place, io);
    const outcomes = await target.jobs.submit(jobs);
    for (const outcome of outcomes) print(outcome, options.json === true, io);
    return exitCodeOf(outcomes);
  });
}

/** Where the jobs will run: this decides what can be checked here. The daemon checks all of it by its own configuration. */
interface Place {
  readonly loaded: LoadedConfig;
  /** The absolute path of a workspace. */
  readonly workspaceOf: (given: string | undefined) => string;
  readonly isRemote: boolean;
}

async function placeOf({ daemon, config }: Target, io: Pick<Io, "cwd">): Promise<Place> {
  const isHere = daemon === null || daemon.isHere;
  const there = (given?: string): string => pathThere("the workspace", "--workspace", given);
  const workspaceOf = isHere ? workspaceHere(io.cwd) : there;
  return { loaded: await config(), isRemote: daemon !== null, workspaceOf };
}

/** Nothing was stored because the keys are held: refused, as a call that the gate refuses. */
function exitCodeOf(outcomes: readonly Outcome[]): number {
  const errors = outcomes.filter(({ type }) => type === "error");
  if (errors.length === 0) return exitCodes.succeeded;
  const isHeld = outcomes.every((outcome) => outcome.type === "error" && outcome.code === "AC_KEY_HELD");
  return isHeld ? exitCodes.refused : exitCodes.failed;
}

type Outcome = SubmittedDocument | ErrorDocument;

async function oneJob(
  instructions: string | undefined,
  options: SubmitOptions,
  place: Place,
  io: Io,
): Promise<JobSubmission> {
  const job = jobFromOptions(
    await readInstructions(instructions, io),
    options,
    place.loaded,
    io,
    place.workspaceOf,
  );
  await requireRunnable(job, place);
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
  place: Place,
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
    const made = await atLine(`${file}:${index + 1}`, () => jobOfLine(line, place));
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

async function jobOfLine(line: string, place: Place): Promise<JobSubmission> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new AgentCoreError("AC_JOB_INVALID", `not JSON: ${(error as Error).message}`, { cause: error });
  }
  const job = checkJob(value);
  const workspace = place.workspaceOf(job.task.workspace);
  await requireRunnable(job, place);
  return { ...job, task: { ...job.task, workspace } };
}

async function requireRunnable({ task }: JobSubmission, { loaded, isRemote }: Place): Promise<void> {
  if (isRemote) return;
  const adapter = await requireWorker(task.worker, task.capabilities ?? [], loaded);
  await requireKnownCost(adapter, task.model, loaded.config);
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

function print(outcome: Outcome, json: boolean, io: Io): void {
  if (json) return io.stdout.json(outcome);
  if (outcome.type === "error") {
    io.stderr.write(`agentcore: ${outcome.message}\n  ${outcome.code}: ${outcome.cure}\n`);
    return;
  }
  const { id, deduplicated } = outcome;
  io.stdout.write(`${id}\n`);
  if (deduplicated) io.stderr.write(`agentcore: joined job ${id}, which has the same key or id\n`);
}
