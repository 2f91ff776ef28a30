/**
 * The `JobStore` of `@agentcore/scheduler` on PostgreSQL. Each method is one write of the store's group commit, or one consistent
 * read; the methods' SQL is in `jobs/`. Any number of hosts may share the tables.
 */
import {
  type JobStore,
  type SubmitResult,
  changesJobs,
  createChangeListeners,
  prepareSubmission,
} from "@agentcore/scheduler";
import { addDecisions, attemptsOf, decisionsOf, lateResultsOfJob } from "./decisions.ts";
import { findByAnyId } from "./job-row.ts";
import {
  allOwners,
  cancelRequests,
  heartbeat,
  registerOwner,
  removeOwner,
  runningOf,
  setDraining,
  takeOver,
} from "./owners.ts";
import { aheadOf, count, endMark, endedOf, list, stats } from "./queries.ts";
import { deleteEnded, purgeDead } from "./retention.ts";
import { recordStarted, requestCancel, runNow, settleAndClaim } from "./settle.ts";
import { replay, submitAll } from "./submit.ts";
import { waits } from "./waits.ts";
import { prepareAppend, storeOf } from "../journal/postgres-journal.ts";
import type { WriteSql } from "../store/sql.ts";
import type { PostgresStore } from "../store/postgres-store.ts";

/** Closing the job store closes the connections, and with them every other store or ledger that uses the same handle. */
export function createPostgresJobStore(store: PostgresStore): JobStore {
  const { note, onChange } = createChangeListeners((listener) => store.onCommit(listener));
  const write: NotifyingWrite = (act, changesJobs, by) =>
    store.write(async (sql) => {
      const answer = await act(sql);
      if (changesJobs(answer)) sql.afterCommit(() => note(by));
      return answer;
    });
  const read = store.read.bind(store);
  // A heartbeat does not wait for the store's lock: an owner lives, however many calls wait.
  const beats = store.lane("beats");
  const settle: JobStore["settleAndClaim"] = (settlements, request) =>
    write((sql) => settleAndClaim(sql, settlements, request), changesJobs.settleAndClaim, request?.owner);
  return {
    submit: async (submissions, decideDedup) => {
      const prepared = submissions.map(prepareSubmission);
      return write((sql) => submitAll(sql, prepared, decideDedup), changesJobs.submit);
    },
    appendAndSubmit: async (journalWrite, submissions, decideDedup) => {
      const appendTo = prepareAppend(journalWrite);
      const prepared = submissions.map(prepareSubmission);
      return write<"conflict" | readonly SubmitResult[]>(
        async (sql) => ((await appendTo(sql)) ? submitAll(sql, prepared, decideDedup) : "conflict"),
        changesJobs.appendAndSubmit,
      );
    },
    holds: (journal) => storeOf(journal) === store,
    claim: async (request) => (await settle([], request)).claimed,
    settleAndClaim: settle,
    recordStarted: (ref, started) => store.write((sql) => recordStarted(sql, ref, started)),
    requestCancel: (jobId, reason, now) =>
      write((sql) => requestCancel(sql, jobId, reason, now), changesJobs.requestCancel),
    runNow: (jobId, due) => write((sql) => runNow(sql, jobId, due), changesJobs.runNow),
    cancelRequests: (owner) => read((sql) => cancelRequests(sql, owner)),

    registerOwner: (owner) => store.write((sql) => registerOwner(sql, owner)),
    heartbeat: (owner) => beats.write((sql) => heartbeat(sql, owner)),
    owners: () => read(allOwners),
    setDraining: (owner, isDraining) =>
      write((sql) => setDraining(sql, owner, isDraining), changesJobs.setDraining),
    takeOver: (request) => write((sql) => takeOver(sql, request), changesJobs.takeOver),
    runningOf: (owner) => read((sql) => runningOf(sql, owner)),
    removeOwner: (owner) => store.write((sql) => removeOwner(sql, owner)),

    get: (jobId) => read(async (sql) => (await findByAnyId(sql, jobId))?.record),
    ended: (jobIds) => read((sql) => endedOf(sql, jobIds)),
    attempts: (jobId) => read((sql) => attemptsOf(sql, jobId)),
    list: (query) => read((sql) => list(sql, query)),
    count: (query) => read((sql) => count(sql, query)),
    decisions: (jobId) => read((sql) => decisionsOf(sql, jobId)),
    lateResults: (jobId) => read((sql) => lateResultsOfJob(sql, jobId)),
    stats: (now) => read((sql) => stats(sql, now)),
    waits: (request) => read((sql) => waits(sql, request)),
    aheadOf: (jobId, limit) => read((sql) => aheadOf(sql, jobId, limit)),

    recordDecisions: (decisions) => store.write((sql) => addDecisions(sql, decisions)),
    replay: async (deadJobId, submission) => {
      const prepared = prepareSubmission(submission);
      return write((sql) => replay(sql, deadJobId, prepared), changesJobs.replay);
    },
    purgeDead: (query) => write((sql) => purgeDead(sql, query), changesJobs.purgeDead),
    endMark: () => read(endMark),
    deleteEnded: (request) => write((sql) => deleteEnded(sql, request), changesJobs.deleteEnded),

    onChange,
    externalVersion: () => store.externalVersion(),
    close: () => store.close(),
  };
}

/** `by`: see `JobStore.onChange`. */
type NotifyingWrite = <T>(
  write: (sql: WriteSql) => Promise<T>,
  changesJobs: (answer: T) => boolean,
  by?: string,
) => Promise<T>;
