/** `agentcore dlq list|show|replay|purge`: shows, replays and deletes jobs that failed for good. */
import { AgentCoreError, errorDocument, isAgentCoreError, systemClock } from "@agentcore/contract";
import type { DeadLetterQuery, JobEdit } from "@agentcore/scheduler";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import type { Edit } from "../options/option-values.ts";
import { deadTable } from "../screen/job-screen.ts";
import { span } from "../screen/line.ts";
import { shortId } from "../screen/short-id.ts";
import { plainScreen } from "../screen/terminal.ts";
import { cursorOf, findJob, namesOf } from "../target/find-job.ts";
import { withTarget } from "../target/open-target.ts";
import type { ReplayAnswer, Target, TargetJobs } from "../target/target.ts";
import { listQuery, listUpTo, writePage, type ListOptions } from "./jobs.ts";

export interface DeadOptions extends ListOptions {
  /** Without it a condition or an id is required, so that nobody replays or deletes everything by accident. */
  readonly all?: boolean;
  /** Changes to the job before it is replayed, as `path=value`. */
  readonly set?: readonly Edit[];
}

export async function listDead(options: DeadOptions, io: Io): Promise<number> {
  return withTarget(options, io, async ({ deadLetters, jobs }) => {
    const query = listQuery({ ...options, before: await cursorOf(jobs, options.before) });
    const page = await listUpTo(options.limit, query, (part) => deadLetters.list(part));
    if (options.json === true) {
      writePage(page, io);
      return exitCodes.succeeded;
    }
    const screen = plainScreen(io.stdout);
    if (page.jobs.length === 0) screen.print([[span("No dead letters.", "dim")]]);
    else screen.print(deadTable(page.jobs, systemClock.now(), await namesOf(jobs, page.jobs)));
    if (page.next !== null) screen.print([[span(`More with --before ${shortId(page.next)}`, "dim")]]);
    screen.print([[span("Failed workflow runs are in agentcore workflow list", "dim")]]);
    return exitCodes.succeeded;
  });
}

export async function replayDead(ids: readonly string[], options: DeadOptions, io: Io): Promise<number> {
  return withTarget(options, io, async ({ deadLetters, jobs }) => {
    const edits = editsOf(options.set ?? []);
    const selection = await selectionOf(ids, options, jobs);
    const counts = { replayed: 0, error: 0 };
    // Show each batch at once: if a replay of 50,000 is interrupted, the replayed ones are known.
    const show = (batch: readonly ReplayAnswer[]): void => {
      for (const answer of batch) {
        counts[answer.type] += 1;
        showReplayed(answer, options.json === true, io);
      }
    };
    if (selection.ids === undefined) await deadLetters.replayAll(selection, edits, show);
    else for (const id of selection.ids) show([await replayOne(id, edits, deadLetters)]);
    if (counts.replayed + counts.error === 0) io.stderr.write("agentcore: no dead letter matches\n");
    return counts.error === 0 ? exitCodes.succeeded : exitCodes.failed;
  });
}

function showReplayed(answer: ReplayAnswer, json: boolean, io: Io): void {
  if (json) return io.stdout.json(answer);
  if (answer.type === "replayed") {
    const { deadJobId, jobId, isNew } = answer;
    const note = isNew ? "" : " (it was already replayed)";
    return io.stdout.write(`${shortId(deadJobId)}  replayed as ${shortId(jobId)}${note}\n`);
  }
  const { code, message, evidence } = answer;
  const deadJobId = shortId(String(evidence["deadJobId"]));
  io.stderr.write(`agentcore: ${deadJobId} was not replayed: ${message} (${code})\n`);
}

/** Given by id, jobs that were replayed before are accepted too: the result is then the job of the first replay. */
async function replayOne(
  deadJobId: string,
  edits: readonly JobEdit[],
  deadLetters: Target["deadLetters"],
): Promise<ReplayAnswer> {
  try {
    return await deadLetters.replay(deadJobId, edits);
  } catch (error) {
    // What the daemon refuses altogether is not about this job.
    if (!isAgentCoreError(error) || error.code.startsWith("AC_API_")) throw error;
    return errorDocument(error, { deadJobId });
  }
}

export async function purgeDead(ids: readonly string[], options: DeadOptions, io: Io): Promise<number> {
  return withTarget(options, io, async ({ deadLetters, jobs }) => {
    const { limit: _limit, before: _before, ...query } = await selectionOf(ids, options, jobs);
    const deleted: string[] = [];
    await deadLetters.purge(query, (batch) => {
      deleted.push(...batch);
      if (options.json !== true && batch.length < deleted.length)
        io.stderr.write(`agentcore: ${deleted.length} deleted so far\n`);
    });
    if (options.json === true) io.stdout.json({ type: "purged", purged: deleted.length, ids: deleted });
    else io.stdout.write(`${deleted.length} deleted\n`);
    return exitCodes.succeeded;
  });
}

/** The given ids, or the jobs that meet the conditions; all only if `all` is set. */
async function selectionOf(
  ids: readonly string[],
  options: DeadOptions,
  jobs: TargetJobs,
): Promise<DeadLetterQuery> {
  const query = listQuery(options);
  const isLimited = Object.keys(query).length > 0;
  if (Number(ids.length > 0) + Number(isLimited) + Number(options.all === true) > 1) {
    throw new AgentCoreError("AC_USAGE", "give ids, or conditions, or --all, but only one of these");
  }
  if (ids.length > 0) {
    const records = await Promise.all(ids.map((id) => findJob(jobs, id)));
    const alive = records.find(({ state }) => state !== "dead");
    if (alive !== undefined) {
      throw new AgentCoreError("AC_JOB_NOT_FOUND", `job ${alive.id} is ${alive.state} and not a dead letter`);
    }
    return { ids: records.map(({ id }) => id) };
  }
  if (!isLimited && options.all !== true) {
    throw new AgentCoreError(
      "AC_USAGE",
      "which dead letters? give ids, a condition such as --where code=AC_TIMEOUT, or --all",
    );
  }
  return query;
}

const editsOf = (edits: readonly Edit[]): readonly JobEdit[] =>
  edits.map(({ path, value }) => ({ path, value, isTyped: true }));
