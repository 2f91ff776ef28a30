/** The state directory of this machine as the target of commands. */
import { systemClock } from "@agentcore/contract";
import { type CallSpendQuery, windowStartOf } from "@agentcore/core";
import {
  editJob,
  jobDecisionsDocument,
  jobDetailsDocument,
  jobDocument,
  failedReplayDocument,
  jobResult,
  replayedDocument,
  submitDocument,
  withCallsSoFar,
  type JobPage,
} from "@agentcore/scheduler";
import { listRuns } from "@agentcore/workflow";
import { createSettingPlaces } from "../config/setting-place.ts";
import { readLogChunk } from "../daemon/attempt-files.ts";
import type { Io } from "../io.ts";
import { budgetLevels } from "../queue/budget-levels.ts";
import { openHolds } from "../queue/open-holds.ts";
import { callsOfJob } from "../queue/job-calls.ts";
import { lastRefusal, noteRefusal } from "../queue/last-refusal.ts";
import { requireJob, type OpenedQueue } from "../queue/open-queue.ts";
import { leftProcesses } from "../state/quarantine.ts";
import { sharedPlaceOf } from "../state/state-dir.ts";
import { answerWait } from "../workflow/answer-approval.ts";
import { findRunId } from "../workflow/find-run.ts";
import { approvalDocument, runDetailsDocument, runDocument } from "../workflow/run-documents.ts";
import { runStateOf } from "../workflow/run-owner.ts";
import { findStored } from "../workflow/stored-run.ts";
import type { JobDocumentPage, Target, TargetDeadLetters, TargetJobs, TargetRuns } from "./target.ts";

export function stateTarget(opened: OpenedQueue, io: Io): Target {
  const { loaded, stores } = opened;
  return {
    jobs: stateJobs(opened),
    deadLetters: stateDeadLetters(opened),
    runs: stateRuns(opened, io),
    daemon: null,
    budgets: async () => ({
      budgets: await budgetLevels(loaded.config, stores.ledger, systemClock.now()),
      holds: await openHolds(loaded.config, stores.ledger),
      pricing: { type: "pricing", unpriced: loaded.config.unpriced },
      spent: {
        type: "call_spend",
        ...(await stores.readCallSpend(lastDays(systemClock.now()))),
      },
    }),
    config: async () => loaded,
  };
}

const dayMs = 86_400_000;

/** The last 30 days, as the API counts them: whole ones in UTC, today included. */
function lastDays(now: number): CallSpendQuery {
  const today = windowStartOf("day", now);
  return { since: today - 29 * dayMs, until: today + dayMs };
}

/** Enough for quick copies, little enough to print as it comes. */
const logBytes = 256 * 1024;

function stateJobs({ stores, client, loaded, state }: OpenedQueue): TargetJobs {
  const { jobs: store, calls } = stores;
  return {
    submit: async (jobs) => {
      const outcomes = await client.submitAll(jobs);
      const last = outcomes.at(-1);
      if (last?.ok === false) {
        const { code, message } = last.error;
        noteRefusal(state, { command: "submit", jobId: null, code, message });
      }
      return outcomes.map(submitDocument);
    },
    lastRefusal: () => lastRefusal(state),
    list: async (query) => {
      const page = await store.list(query);
      return documentsOf({ ...page, jobs: await withCallsSoFar(page.jobs, (id) => calls.attemptsOfJob(id)) });
    },
    get: async (id) => {
      const record = await store.get(id);
      return record === undefined ? undefined : jobDocument(record);
    },
    details: async (id) => {
      const record = await requireJob(store, id);
      const { id: own } = record.job;
      const made = await callsOfJob(calls, own);
      return jobDetailsDocument(record, await store.attempts(own), await store.lateResults(own), made);
    },
    decisions: async (id) => {
      const [report, placeOf] = await Promise.all([client.why(id), createSettingPlaces(loaded)]);
      const left = leftProcesses(state.containment, report.record.job);
      return jobDecisionsDocument(report, { placeOf, left });
    },
    cancel: async (id, reason) => (await client.cancel(id, { reason })).kind,
    runNow: async (id) => jobDocument(await client.runNow(id)),
    result: async (id) => {
      const handle = await client.attach(id);
      await handle.result();
      return jobResult(await requireJob(store, id), await store.attempts(handle.id));
    },
    log: async (part) => {
      const request = { ...part, encoding: "base64", limit: logBytes } as const;
      const { text } = await readLogChunk(request, {
        store,
        attemptsDir: state.attempts,
        ...sharedPlaceOf(state),
      });
      return Buffer.from(text, "base64");
    },
  };
}

const documentsOf = ({ jobs, next }: JobPage): JobDocumentPage => ({ jobs: jobs.map(jobDocument), next });

function stateDeadLetters({ client: { deadLetters } }: OpenedQueue): TargetDeadLetters {
  return {
    list: async (query) => documentsOf(await deadLetters.list(query)),
    replay: async (id, edits) => replayedDocument(await deadLetters.replay(id, editJob(edits))),
    replayAll: async (query, edits, onBatch) => {
      await deadLetters.replayAll(query, editJob(edits), ({ replayed, failed }) =>
        onBatch([...replayed.map(replayedDocument), ...failed.map(failedReplayDocument)]),
      );
    },
    purge: async (query, onBatch) => void (await deadLetters.purge(query, onBatch)),
  };
}

function stateRuns({ stores: { journal } }: OpenedQueue, io: Io): TargetRuns {
  return {
    list: async (page) =>
      Promise.all((await listRuns(journal, page)).map((run) => runDocument(journal, run))),
    ids: async (page) => (await listRuns(journal, page)).map(({ id }) => id),
    find: (text) => findRunId(journal, text),
    state: async (id) => {
      const [found] = await listRuns(journal, { before: `${id}\0`, limit: 1 });
      return found?.id === id ? runStateOf(found.header) : undefined;
    },
    show: async (text) => runDetailsDocument(journal, await findStored(journal, text), io),
    answer: async (text, answer) =>
      approvalDocument(await answerWait(journal, { ...answer, run: text }, io), answer),
  };
}
