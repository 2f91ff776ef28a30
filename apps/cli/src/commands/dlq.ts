/** `agentcore dlq list|show|replay|purge`: shows, replays and deletes jobs that failed for good. */
import {
  cureOf,
  AgentCoreError,
  ignore,
  isAgentCoreError,
  type Job,
  type JobInput,
  systemClock,
} from "@agentcore/contract";
import type { DeadLetterQuery, EditJob, FailedReplay, Replayed, ReplayedBatch } from "@agentcore/scheduler";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { cursorOf, findJob, namesOf, withQueue, type OpenedQueue } from "../queue/open-queue.ts";
import type { Edit } from "../options/option-values.ts";
import { deadTable } from "../screen/job-screen.ts";
import { span } from "../screen/line.ts";
import { shortId } from "../screen/short-id.ts";
import { plainScreen } from "../screen/terminal.ts";
import { listQuery, listUpTo, writePage, type ListOptions } from "./jobs.ts";

export interface DeadOptions extends ListOptions {
  /** Without it a condition or an id is required, so that nobody replays or deletes everything by accident. */
  readonly all?: boolean;
  /** Changes to the job before it is replayed, as `path=value`. */
  readonly set?: readonly Edit[];
}

export async function listDead(options: DeadOptions, io: Io): Promise<number> {
  return withQueue(options, io, async ({ client, store }) => {
    const query = listQuery({ ...options, before: await cursorOf(store, options.before) });
    const page = await listUpTo(options.limit, query, (part) => client.deadLetters.list(part));
    if (options.json === true) {
      writePage(page, io);
      return exitCodes.succeeded;
    }
    const screen = plainScreen(io.stdout);
    if (page.jobs.length === 0) screen.print([[span("No dead letters.", "dim")]]);
    else screen.print(deadTable(page.jobs, systemClock.now(), await namesOf(store, page.jobs)));
    if (page.next !== null) screen.print([[span(`More with --before ${shortId(page.next)}`, "dim")]]);
    screen.print([[span("Failed workflow runs are in agentcore workflow list", "dim")]]);
    return exitCodes.succeeded;
  });
}

export async function replayDead(ids: readonly string[], options: DeadOptions, io: Io): Promise<number> {
  return withQueue(options, io, async ({ client, store }) => {
    const edit = editOf(options.set ?? []);
    const selection = await selectionOf(ids, options, store);
    // Show each batch at once: if a replay of 50,000 is interrupted, the replayed ones are known.
    const show = (batch: ReplayedBatch): void => showReplayed(batch, options.json === true, io);
    const { replayed, failed } =
      selection.ids === undefined
        ? await client.deadLetters.replayAll(selection, edit, show)
        : await replayEach(selection.ids, edit, client);
    if (selection.ids !== undefined) show({ replayed, failed });
    if (replayed.length + failed.length === 0) io.stderr.write("agentcore: no dead letter matches\n");
    return failed.length === 0 ? exitCodes.succeeded : exitCodes.failed;
  });
}

function showReplayed({ replayed, failed }: ReplayedBatch, json: boolean, io: Io): void {
  for (const one of replayed) {
    const note = one.isNew ? "" : " (it was already replayed)";
    if (json) io.stdout.json({ type: "replayed", ...one });
    else io.stdout.write(`${shortId(one.deadJobId)}  replayed as ${shortId(one.jobId)}${note}\n`);
  }
  for (const { deadJobId, error } of failed) {
    const { code, message, evidence } = error;
    const cure = cureOf(code, "command line");
    if (json) io.stdout.json({ type: "error", code, message, cure, evidence: { ...evidence, deadJobId } });
    else io.stderr.write(`agentcore: ${shortId(deadJobId)} was not replayed: ${message} (${code})\n`);
  }
}

/** Given by id, jobs that were replayed before are accepted too: the result is then the job of the first replay. */
async function replayEach(
  ids: readonly string[],
  edit: EditJob | undefined,
  client: OpenedQueue["client"],
): Promise<ReplayedBatch> {
  const replayed: Replayed[] = [];
  const failed: FailedReplay[] = [];
  for (const deadJobId of ids) {
    try {
      replayed.push(await client.deadLetters.replay(deadJobId, edit));
    } catch (error) {
      if (!isAgentCoreError(error)) throw error;
      failed.push({ deadJobId, error });
    }
  }
  return { replayed, failed };
}

export async function purgeDead(ids: readonly string[], options: DeadOptions, io: Io): Promise<number> {
  return withQueue(options, io, async ({ client, store }) => {
    const { limit: _limit, before: _before, ...query } = await selectionOf(ids, options, store);
    const deleted: string[] = [];
    const purged = await client.deadLetters.purge(query, (batch) => {
      deleted.push(...batch);
      if (options.json !== true && batch.length < deleted.length)
        io.stderr.write(`agentcore: ${deleted.length} deleted so far\n`);
    });
    if (options.json === true) io.stdout.json({ type: "purged", purged, ids: deleted });
    else io.stdout.write(`${purged} deleted\n`);
    return exitCodes.succeeded;
  });
}

/** The given ids, or the jobs that meet the conditions; all only if `all` is set. */
async function selectionOf(
  ids: readonly string[],
  options: DeadOptions,
  store: OpenedQueue["store"],
): Promise<DeadLetterQuery> {
  const query = listQuery(options);
  const isLimited = Object.keys(query).length > 0;
  if (Number(ids.length > 0) + Number(isLimited) + Number(options.all === true) > 1) {
    throw new AgentCoreError("AC_USAGE", "give ids, or conditions, or --all, but only one of these");
  }
  if (ids.length > 0) {
    const records = await Promise.all(ids.map((id) => findJob(store, id)));
    const alive = records.find(({ state }) => state.kind !== "dead");
    if (alive !== undefined) {
      throw new AgentCoreError(
        "AC_JOB_NOT_FOUND",
        `job ${alive.job.id} is ${alive.state.kind} and not a dead letter`,
      );
    }
    return { ids: records.map(({ job }) => job.id) };
  }
  if (!isLimited && options.all !== true) {
    throw new AgentCoreError(
      "AC_USAGE",
      "which dead letters? give ids, a condition such as --where code=AC_TIMEOUT, or --all",
    );
  }
  return query;
}

/** Undefined if there is nothing to change. */
export function editOf(edits: readonly Edit[]): EditJob | undefined {
  if (edits.length === 0) return undefined;
  return (job: Job) => edits.reduce<JobInput>((edited, { path, value }) => setAt(edited, path, value), job);
}

function setAt<T extends object>(target: T, [key = "", ...rest]: readonly string[], text: string): T {
  const before = (target as Record<string, unknown>)[key];
  if (rest.length === 0) return { ...target, [key]: typeof before === "string" ? text : jsonOrText(text) };
  const inner = typeof before === "object" && before !== null ? before : {};
  return { ...target, [key]: setAt(inner, rest, text) };
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    ignore(error, "what is no JSON is text");
    return text;
  }
}
