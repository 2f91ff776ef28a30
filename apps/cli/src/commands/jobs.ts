/** `agentcore jobs list|show|wait|cancel`: shows and cancels jobs. Starts no job. */
import { omitUndefined, systemClock } from "@agentcore/contract";
import { reservedLabelPrefix, runLabel, type JobQuery, type JobStateKind } from "@agentcore/scheduler";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { watchJobs } from "./watch-jobs.ts";
import { jobLines, jobTable, type Activities, type JobFacts } from "../screen/job-screen.ts";
import { span } from "../screen/line.ts";
import { shortId } from "../screen/short-id.ts";
import { plainScreen } from "../screen/terminal.ts";
import { queryOf, type Condition } from "../options/job-filter.ts";
import { cursorOf, findNamedJob, namesOf } from "../target/find-job.ts";
import { withTarget } from "../target/open-target.ts";
import type { JobDocumentPage, Target, TargetJobs, TargetOptions } from "../target/target.ts";

export interface ListOptions extends TargetOptions {
  readonly state?: readonly JobStateKind[];
  readonly where?: readonly Condition[];
  /** Cursor: only ids below this one. */
  readonly before?: string | undefined;
  readonly limit?: number;
}

interface JobListOptions extends ListOptions {
  /** Include the steps of workflow runs. */
  readonly all?: boolean;
  /** Only the steps of this workflow run. */
  readonly run?: string;
  /** Show the list again when it changes, until Ctrl-C. */
  readonly watch?: boolean;
}

export async function listJobs(options: JobListOptions, io: Io): Promise<number> {
  const { run } = options;
  const isPatient = options.watch === true;
  return withTarget({ ...options, isPatient }, io, async (target) => {
    const { jobs, runs } = target;
    const id = run === undefined ? undefined : await runs.find(run);
    const filter = listQuery({ ...options, before: await cursorOf(jobs, options.before) });
    const query = id === undefined ? filter : { ...filter, labels: { ...filter.labels, [runLabel]: id } };
    const asksForSteps = Object.keys(query.labels ?? {}).some((name) => name.startsWith(reservedLabelPrefix));
    const shown = options.all === true || asksForSteps ? query : { ...query, notPieces: true };
    if (options.watch === true) return watchJobs(jobs, shown, options, io);
    const page = await listUpTo(options.limit, shown, (part) => jobs.list(part));
    if (options.json === true) {
      writePage(page, io);
      return exitCodes.succeeded;
    }
    const screen = plainScreen(io.stdout);
    if (page.jobs.length === 0) screen.print([[span("No jobs.", "dim")]]);
    else {
      const [names, activities] = await Promise.all([
        namesOf(jobs, page.jobs),
        activitiesOf(target, page.jobs),
      ]);
      screen.print(jobTable(page.jobs, systemClock.now(), names, activities));
    }
    if (page.next !== null) screen.print([[span(`More with --before ${shortId(page.next)}`, "dim")]]);
    return exitCodes.succeeded;
  });
}

/** One line for each job, and one that says where the next page begins. */
export function writePage({ jobs, next }: JobDocumentPage, { stdout }: Pick<Io, "stdout">): void {
  for (const job of jobs) stdout.json(job);
  if (next !== null) stdout.json({ type: "more", before: next });
}

/** As many as requested: the store returns bounded pages. */
export async function listUpTo(
  limit: number | undefined,
  query: JobQuery,
  list: (query: JobQuery) => Promise<JobDocumentPage>,
): Promise<JobDocumentPage> {
  const first = await list(query);
  if (limit === undefined) return first;
  const jobs = [...first.jobs];
  let { next } = first;
  while (next !== null && jobs.length < limit) {
    const page = await list({ ...query, before: next, limit: limit - jobs.length });
    jobs.push(...page.jobs);
    next = page.next;
  }
  return { jobs, next };
}

/** The filters that `jobs list` and `dlq` share. Only given ones: `dlq replay` and `purge` count them as conditions. */
export function listQuery(options: ListOptions): JobQuery {
  const { state: states, before, limit } = options;
  return omitUndefined({ ...queryOf(options.where ?? [], systemClock.now()), states, before, limit });
}

export async function showJob(id: string, options: TargetOptions, io: Io): Promise<number> {
  return withTarget(options, io, async (target) => {
    const { jobs } = target;
    const details = await jobs.details((await findNamedJob(jobs, id)).id);
    if (options.json === true) io.stdout.json(details);
    else {
      const activities = await activitiesOf(target, [details]);
      plainScreen(io.stdout).print(jobLines(details, systemClock.now(), activities.get(details.id)));
    }
    return exitCodes.succeeded;
  });
}

/** Only a daemon knows what its workers do; a state directory does not. */
async function activitiesOf(
  { daemon }: Pick<Target, "daemon">,
  jobs: readonly Pick<JobFacts, "state">[],
): Promise<Activities> {
  if (daemon === null || !jobs.some(({ state }) => state === "running")) return new Map();
  const { running } = await daemon.client.showOverview();
  return new Map(running.map((one) => [one.job, one]));
}

export async function cancelJobs(ids: readonly string[], options: TargetOptions, io: Io): Promise<number> {
  return withTarget(options, io, async ({ jobs }) => {
    // Find all jobs before the first is stopped: a misspelled id stops nothing.
    const found = await Promise.all(ids.map((id) => findNamedJob(jobs, id)));
    let exitCode: number = exitCodes.succeeded;
    for (const { id } of found) {
      const outcome = await jobs.cancel(id, "cancelled with `agentcore jobs cancel`");
      if (options.json === true) io.stdout.json({ type: "cancel", id, outcome });
      else if (outcome === "cancelled" || outcome === "requested")
        io.stdout.write(`${shortId(id)}  ${cancelWords(shortId(id))[outcome]}\n`);
      else io.stderr.write(`agentcore: job ${shortId(id)} ${await notCancelled(jobs, id, outcome)}\n`);
      if (outcome === "ended" || outcome === "not_found") exitCode = exitCodes.failed;
    }
    return exitCode;
  });
}

export async function runJobNow(id: string, options: TargetOptions, io: Io): Promise<number> {
  return withTarget(options, io, async ({ jobs }) => {
    const job = await jobs.runNow((await findNamedJob(jobs, id)).id);
    if (options.json === true) io.stdout.json(job);
    else io.stdout.write(`${shortId(job.id)}  ${job.state === "queued" ? "due" : job.state}\n`);
    return exitCodes.succeeded;
  });
}

const cancelWords = (id: string) => ({
  cancelled: "cancelled",
  requested: `cancellation requested; follow it with agentcore jobs wait ${id}`,
});

async function notCancelled(
  jobs: Pick<TargetJobs, "get">,
  id: string,
  kind: "ended" | "not_found",
): Promise<string> {
  const state = kind === "ended" ? (await jobs.get(id))?.state : undefined;
  return state === undefined ? "was deleted meanwhile" : `has already ended (${state})`;
}
