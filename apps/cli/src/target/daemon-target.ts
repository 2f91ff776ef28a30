/** A daemon with a URL as the target of commands: its API, by the client. */
import { createClient, type AgentCoreClient, type Page } from "@agentcore/client";
import {
  documentValue,
  isAgentCoreError,
  omitUndefined,
  type BudgetDocument,
  type HoldDocument,
  type SpendDocument,
  type DeadLetterListQuery,
  type ErrorDocument,
  type JobDocument,
  type JobListQuery,
  type JsonDocument,
  type Printed,
  type ReplayRequest,
  type RunDocument,
  type SubmittedDocument,
} from "@agentcore/contract";
import { type JobEdit, type JobQuery } from "@agentcore/scheduler";
import { userName } from "../workflow/answer-approval.ts";
import type { Io } from "../io.ts";
import { loadOptionsConfig } from "../queue/open-queue.ts";
import { batchesOf } from "./batches.ts";
import { daemonToken, type WithTargetOptions } from "./open-target.ts";
import type {
  JobDocumentPage,
  ReplayAnswer,
  RunPage,
  Target,
  TargetDeadLetters,
  TargetJobs,
  TargetRuns,
} from "./target.ts";

export function daemonTarget(options: WithTargetOptions & { readonly url: string }, io: Io): Target {
  const { url, isPatient } = options;
  const client = createClient({
    url,
    token: daemonToken(io),
    ...(isPatient === true ? { reconnectMs, onConnection: tellConnection(url, io) } : {}),
  });
  return {
    jobs: daemonJobs(client),
    deadLetters: daemonDeadLetters(client),
    runs: daemonRuns(client),
    daemon: { place: url, isHere: url.startsWith("unix:"), client },
    budgets: async () => {
      const [{ items }, holds, pricing, spend] = await Promise.all([
        client.listBudgets(),
        client.listHolds(),
        client.showPricing(),
        client.listSpend({ bucket: "day" }),
      ]);
      return {
        budgets: items.map((each) => itemValue<BudgetDocument>(each)),
        holds: holds.items.map((each) => itemValue<HoldDocument>(each)),
        pricing: documentValue(pricing),
        spent: { type: "call_spend", ...documentValue<SpendDocument>(spend).metered },
      };
    },
    config: () => loadOptionsConfig(options, io),
  };
}

/** A restart takes seconds; an upgrade of the machine, minutes. */
const reconnectMs = 5 * 60_000;

const tellConnection =
  (url: string, { stderr }: Io) =>
  (state: "lost" | "back"): void =>
    stderr.write(
      state === "lost"
        ? `agentcore: the daemon at ${url} does not answer; asking again for up to 5 minutes\n`
        : `agentcore: the daemon at ${url} answers again\n`,
    );

/** An item of a list has no version. */
const itemValue = <T extends object>(item: Printed<T>): T =>
  documentValue(item as unknown as JsonDocument<T>);

const pageOf = ({ items, next }: Page<JobDocument>): JobDocumentPage => ({
  jobs: items.map((each) => itemValue<JobDocument>(each)),
  next,
});

function daemonJobs(client: AgentCoreClient): TargetJobs {
  return {
    submit: async (jobs) => {
      const outcomes = [];
      for (const batch of batchesOf(jobs)) outcomes.push(...(await client.submitJobs(batch)).items);
      return outcomes.map((each) => itemValue<SubmittedDocument | ErrorDocument>(each));
    },
    list: async ({ notPieces, ...query }) => {
      const steps = notPieces === true ? ("exclude" as const) : undefined;
      return pageOf(await client.listJobs({ ...listQueryOf(query), ...omitUndefined({ steps }) }));
    },
    get: (id) => unlessMissing(async () => documentValue(await client.showJob(id)), "AC_JOB_NOT_FOUND"),
    details: async (id) => documentValue(await client.showJob(id)),
    decisions: async (id) => documentValue(await client.whyJob(id)),
    cancel: async (id, reason) => {
      const answer = await unlessMissing(() => client.cancelJob(id, { reason }), "AC_JOB_NOT_FOUND");
      return answer?.outcome ?? "not_found";
    },
    runNow: async (id) => documentValue(await client.runJobNow(id)),
    lastRefusal: () => null,
    result: async (id) => {
      for (;;) {
        const { state, outcome, endedAt } = await client.waitForJob(id);
        if (endedAt === null) continue;
        const result = documentValue(await client.showJobResult(id));
        return { result, refused: state === "dead" && outcome === null };
      }
    },
    log: async ({ jobId, ...part }) => {
      const { text } = await client.readJobLog(jobId, { ...part, encoding: "base64" });
      return Buffer.from(text, "base64");
    },
  };
}

async function unlessMissing<T>(ask: () => Promise<T>, code: string): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isAgentCoreError(error) && error.code === code) return undefined;
    throw error;
  }
}

const batchMax = 500;

function daemonDeadLetters(client: AgentCoreClient): TargetDeadLetters {
  return {
    list: async (query) => pageOf(await client.listDeadLetters(listQueryOf(query))),
    replay: async (id, edits) => documentValue(await client.replayDeadLetter(id, editsOf(edits))),
    replayAll: async ({ before: first, limit = batchMax, ...query }, edits, onBatch) => {
      for (let before: string | null | undefined = first; before !== null;) {
        const page = { ...selectionOf(query), ...editsOf(edits), limit, ...omitUndefined({ before }) };
        const { items, next } = await client.replayDeadLetters(page);
        onBatch(items.map((each) => itemValue<ReplayAnswer>(each)));
        before = next;
      }
    },
    purge: async (query, onBatch) => {
      for (;;) {
        const { ids } = await client.purgeDeadLetters({ ...selectionOf(query), limit: batchMax });
        if (ids.length === 0) return;
        onBatch(ids);
      }
    },
  };
}

/** Everything has to be asked for. */
function selectionOf(query: JobQuery) {
  const where = filterOf(query);
  return Object.keys(where).length === 0 ? { all: true } : { where };
}

function editsOf(edits: readonly JobEdit[]): ReplayRequest {
  if (edits.length === 0) return {};
  return { setText: Object.fromEntries(edits.map(({ path, value }) => [path.join("."), String(value)])) };
}

function listQueryOf({ before, limit, ...query }: JobQuery): JobListQuery & DeadLetterListQuery {
  const most = limit === undefined ? undefined : Math.min(limit, pageMax);
  return { ...filterOf(query), ...omitUndefined({ before, limit: most }) };
}

/** Names only the fields that have another form, so that no condition gets lost: without one, `purge` deletes everything. */
function filterOf(query: JobQuery): DeadLetterListQuery {
  const { before: _b, limit: _l, notReplayed: _r, notPieces: _p, ...conditions } = query;
  const { states, labels, ids, idEndings, ...rest } = conditions;
  const { submittedBefore, submittedAfter, endedBefore, endedAfter, ...plain } = rest;
  return omitUndefined({
    ...plain,
    state: listOf(states),
    label: labels && Object.entries(labels).map(([name, value]) => `${name}=${value}`),
    id: listOf(ids),
    idEnding: listOf(idEndings),
    submittedBefore: momentOf(submittedBefore),
    submittedAfter: momentOf(submittedAfter),
    endedBefore: momentOf(endedBefore),
    endedAfter: momentOf(endedAfter),
  });
}

const listOf = <T>(values: readonly T[] | undefined): T[] | undefined => values && [...values];
const momentOf = (at: number | undefined): string | undefined =>
  at === undefined ? undefined : new Date(at).toISOString();

/** As many as requested: a page has at most 1,000. */
async function runsOf(client: AgentCoreClient, { before, limit = 100 }: RunPage) {
  const found: Printed<RunDocument>[] = [];
  for (let after = before; found.length < limit;) {
    const size = Math.min(pageMax, limit - found.length);
    const { items, next } = await client.listWorkflowRuns({
      limit: size,
      ...omitUndefined({ before: after }),
    });
    found.push(...items);
    if (next === null) break;
    after = next;
  }
  return found;
}

const pageMax = 1000;

function daemonRuns(client: AgentCoreClient): TargetRuns {
  return {
    list: async (page) => (await runsOf(client, page)).map((each) => itemValue<RunDocument>(each)),
    ids: async (page) => (await runsOf(client, page)).map(({ id }) => id),
    // The daemon finds a run by what a person writes.
    find: async (text) => (await client.showWorkflowRun(text)).id,
    state: async (id) => (await client.showWorkflowRun(id)).state,
    show: async (text) => documentValue(await client.showWorkflowRun(text)),
    answer: async (text, { decision, step, message }) => {
      const request = omitUndefined({ step, message, by: userName() });
      return documentValue(
        await (decision === "approved"
          ? client.approveWorkflowStep(text, request)
          : client.rejectWorkflowStep(text, request)),
      );
    },
  };
}
