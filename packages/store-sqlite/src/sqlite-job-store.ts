/**
 * The `JobStore` of `@agentcore/scheduler` on `state.db`. Each method is one write of the database's group commit, or one
 * consistent read; the methods' SQL is in `jobs/`. Several stores, even in different processes, may share one file.
 */
import {
  type JobStore,
  type SubmitResult,
  changesJobs,
  createChangeListeners,
  prepareSubmission,
} from "@agentcore/scheduler";
import { findByAnyId } from "./jobs/job-row.ts";
import type { WriteSql } from "./commit-batch.ts";
import { addDecisions, attemptsOf, decisionsOf, lateResultsOfJob } from "./jobs/journal.ts";
import {
  allOwners,
  cancelRequests,
  heartbeat,
  registerOwner,
  removeOwner,
  runningOf,
  setDraining,
  takeOver,
} from "./jobs/owners.ts";
import { aheadOf, count, endedOf, list, stats } from "./jobs/queries.ts";
import { waits } from "./jobs/waits.ts";
import { endMark } from "./jobs/queue.ts";
import { deleteEnded, purgeDead } from "./jobs/retention.ts";
import { recordStarted, requestCancel, runNow, settleAndClaim } from "./jobs/settle.ts";
import { replay, submitAll, submittedAlready } from "./jobs/submit.ts";
import type { Sql } from "./sql.ts";
import { databaseOf, prepareAppend } from "./sqlite-journal.ts";
import type { StateDatabase } from "./state-database.ts";

/** Closing the store closes the database, and with it every other store or ledger that uses the same handle. */
export function createSqliteJobStore(database: StateDatabase): JobStore {
  const { note, onChange } = createChangeListeners((listener) => database.onCommit(listener));
  const write: NotifyingWrite = (act, changesJobs, { confirm, by } = {}) =>
    database.write((sql) => {
      const answer = act(sql);
      if (changesJobs(answer)) sql.afterCommit(() => note(by));
      return answer;
    }, confirm);
  const read = database.read.bind(database);
  const settle: JobStore["settleAndClaim"] = (settlements, request) =>
    write((sql) => settleAndClaim(sql, settlements, request), changesJobs.settleAndClaim, {
      by: request?.owner,
    });
  return {
    submit: async (submissions, decideDedup) => {
      const prepared = submissions.map(prepareSubmission);
      const confirm = (sql: Sql) => submittedAlready(sql, prepared);
      return write((sql) => submitAll(sql, prepared, decideDedup), changesJobs.submit, { confirm });
    },
    appendAndSubmit: async (journalWrite, submissions, decideDedup) => {
      const appendTo = prepareAppend(journalWrite);
      const prepared = submissions.map(prepareSubmission);
      // Jobs that are there were written together with the entries.
      const confirm = (sql: Sql) => (prepared.length === 0 ? undefined : submittedAlready(sql, prepared));
      return write<"conflict" | readonly SubmitResult[]>(
        (sql) => (appendTo(sql) ? submitAll(sql, prepared, decideDedup) : "conflict"),
        changesJobs.appendAndSubmit,
        { confirm },
      );
    },
    holds: (journal) => databaseOf(journal) === database,
    claim: async (request) => (await settle([], request)).claimed,
    settleAndClaim: settle,
    recordStarted: (ref, started) => database.write((sql) => recordStarted(sql, ref, started)),
    requestCancel: (jobId, reason, now) =>
      write((sql) => requestCancel(sql, jobId, reason, now), changesJobs.requestCancel),
    runNow: (jobId, due) => write((sql) => runNow(sql, jobId, due), changesJobs.runNow),
    cancelRequests: (owner) => read((sql) => cancelRequests(sql, owner)),

    registerOwner: (owner) => database.write((sql) => registerOwner(sql, owner)),
    heartbeat: (owner) => database.write((sql) => heartbeat(sql, owner)),
    owners: () => read(allOwners),
    setDraining: (owner, isDraining) =>
      write((sql) => setDraining(sql, owner, isDraining), changesJobs.setDraining),
    takeOver: (request) => write((sql) => takeOver(sql, request), changesJobs.takeOver),
    runningOf: (owner) => read((sql) => runningOf(sql, owner)),
    removeOwner: (owner) => database.write((sql) => removeOwner(sql, owner)),

    get: (jobId) => read((sql) => findByAnyId(sql, jobId)?.record),
    ended: (jobIds) => read((sql) => endedOf(sql, jobIds)),
    attempts: (jobId) => read((sql) => attemptsOf(sql, jobId)),
    list: (query) => read((sql) => list(sql, query)),
    count: (query) => read((sql) => count(sql, query)),
    decisions: (jobId) => read((sql) => decisionsOf(sql, jobId)),
    lateResults: (jobId) => read((sql) => lateResultsOfJob(sql, jobId)),
    stats: (now) => read((sql) => stats(sql, now)),
    waits: (request) => read((sql) => waits(sql, request)),
    aheadOf: (jobId, limit) => read((sql) => aheadOf(sql, jobId, limit)),

    recordDecisions: (decisions) => database.write((sql) => addDecisions(sql, decisions)),
    replay: async (deadJobId, submission) => {
      const prepared = prepareSubmission(submission);
      return write((sql) => replay(sql, deadJobId, prepared), changesJobs.replay);
    },
    purgeDead: (query) => write((sql) => purgeDead(sql, query), changesJobs.purgeDead),
    endMark: () => read(endMark),
    deleteEnded: (request) => write((sql) => deleteEnded(sql, request), changesJobs.deleteEnded),

    onChange,
    externalVersion: () => read((sql) => Number(sql.get("PRAGMA data_version")?.data_version)),
    close: () => database.close(),
  };
}

interface WriteOptions<T> {
  /** As in `database.write`. */
  readonly confirm?: (sql: Sql) => T | undefined;
  /** See `JobStore.onChange`. Default null. */
  readonly by?: string | undefined;
}

type NotifyingWrite = <T>(
  write: (sql: WriteSql) => T,
  changesJobs: (answer: T) => boolean,
  options?: WriteOptions<T>,
) => Promise<T>;
