/** `agentcore jobs list|show|wait|cancel`: shows and cancels jobs. Starts no job. */
import { omitUndefined, systemClock } from "@agentcore/contract";
import {
  jobDetailsDocument,
  jobDocument,
  reservedLabelPrefix,
  runLabel,
  type JobPage,
  type JobQuery,
  type JobStateKind,
  type JobStore,
} from "@agentcore/scheduler";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { findRunId } from "../workflow/find-run.ts";
import { withJournal } from "../workflow/open-journal.ts";
import { watchJobs } from "./watch-jobs.ts";
import { cursorOf, findNamedJob, namesOf, withQueue, type StateOptions } from "../queue/open-queue.ts";
import { jobLines, jobTable } from "../screen/job-screen.ts";
import { span } from "../screen/line.ts";
import { shortId } from "../screen/short-id.ts";
import { plainScreen } from "../screen/terminal.ts";
import { queryOf, type Condition } from "../options/job-filter.ts";

export interface ListOptions extends StateOptions {
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
  const id =
    run === undefined ? undefined : await withJournal(options, io, (journal) => findRunId(journal, run));
  return withQueue(options, io, async ({ store }) => {
    const filter = listQuery({ ...options, before: await cursorOf(store, options.before) });
    const query = id === undefined ? filter : { ...filter, labels: { ...filter.labels, [runLabel]: id } };
    const asksForSteps = Object.keys(query.labels ?? {}).some((name) => name.startsWith(reservedLabelPrefix));
    const shown = options.all === true || asksForSteps ? query : { ...query, notPieces: true };
    if (options.watch === true) return watchJobs(store, shown, options, io);
    const page = await listUpTo(options.limit, shown, (part) => store.list(part));
    if (options.json === true) {
      writePage(page, io);
      return exitCodes.succeeded;
    }
    const screen = plainScreen(io.stdout);
    if (page.jobs.length === 0) screen.print([[span("No jobs.", "dim")]]);
    else screen.print(jobTable(page.jobs, systemClock.now(), await namesOf(store, page.jobs)));
    if (page.next !== null) screen.print([[span(`More with --before ${shortId(page.next)}`, "dim")]]);
    return exitCodes.succeeded;
  });
}

/** One line for each job, and one that says where the next page begins. */
export function writePage({ jobs, next }: JobPage, { stdout }: Pick<Io, "stdout">): void {
  for (const record of jobs) stdout.json(jobDocument(record));
  if (next !== null) stdout.json({ type: "more", before: next });
}

/** As many as requested: the store returns bounded pages. */
export async function listUpTo(
  limit: number | undefined,
  query: JobQuery,
  list: (query: JobQuery) => Promise<JobPage>,
): Promise<JobPage> {
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

export async function showJob(id: string, options: StateOptions, io: Io): Promise<number> {
  return withQueue(options, io, async (opened) => {
    const { store } = opened;
    const record = await findNamedJob(opened, id);
    const [attempts, late] = await Promise.all([
      store.attempts(record.job.id),
      store.lateResults(record.job.id),
    ]);
    if (options.json === true) io.stdout.json(jobDetailsDocument(record, attempts, late));
    else plainScreen(io.stdout).print(jobLines(record, attempts, late, systemClock.now()));
    return exitCodes.succeeded;
  });
}

export async function cancelJobs(ids: readonly string[], options: StateOptions, io: Io): Promise<number> {
  return withQueue(options, io, async (opened) => {
    const { store, client } = opened;
    // Find all jobs before the first is stopped: a misspelled id stops nothing.
    const records = await Promise.all(ids.map((id) => findNamedJob(opened, id)));
    let exitCode: number = exitCodes.succeeded;
    for (const { job } of records) {
      const { kind } = await client.cancel(job.id, { reason: "cancelled with `agentcore jobs cancel`" });
      if (options.json === true) io.stdout.json({ type: "cancel", id: job.id, outcome: kind });
      else if (kind === "cancelled" || kind === "requested")
        io.stdout.write(`${shortId(job.id)}  ${cancelWords(shortId(job.id))[kind]}\n`);
      else io.stderr.write(`agentcore: job ${shortId(job.id)} ${await notCancelled(store, job.id, kind)}\n`);
      if (kind === "ended" || kind === "not_found") exitCode = exitCodes.failed;
    }
    return exitCode;
  });
}

const cancelWords = (id: string) => ({
  cancelled: "cancelled",
  requested: `cancellation requested; follow it with agentcore jobs wait ${id}`,
});

async function notCancelled(
  store: Pick<JobStore, "get">,
  id: string,
  kind: "ended" | "not_found",
): Promise<string> {
  const state = kind === "ended" ? (await store.get(id))?.state.kind : undefined;
  return state === undefined ? "was deleted meanwhile" : `has already ended (${state})`;
}
