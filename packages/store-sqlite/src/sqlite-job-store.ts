/**
 * The `JobStore` of `@agentcore/scheduler` on `state.db`. Each method is one write of the database's group commit, or one
 * consistent read; the methods' SQL is in `jobs/`. Several stores, also in several processes, may share one file.
 */
import { ignore } from "@agentcore/contract";
import type { ClaimRequest, JobStore, Settlement, SubmitResult } from "@agentcore/scheduler";
import { findByAnyId } from "./jobs/job-row.ts";
import { type JobSql, type JobTransactions, createJobTransactions } from "./jobs/job-sql.ts";
import { addDecisions, attemptsOf, decisionsOf, lateResultsOf } from "./jobs/journal.ts";
import { allOwners, heartbeat, registerOwner, removeOwner, runningOf, takeOver } from "./jobs/owners.ts";
import { aheadOf, endedOf, list, stats } from "./jobs/queries.ts";
import { deleteEnded, endMark, purgeDead } from "./jobs/retention.ts";
import { cancelRequests, recordStarted, requestCancel, settleAndClaim } from "./jobs/settle.ts";
import { prepare, replay, submitAll, submittedAlready } from "./jobs/submit.ts";
import type { Sql } from "./sql.ts";
import type { StateDatabase } from "./state-database.ts";

/** Closing the store closes the database, and with it every other store or ledger made on the same handle. */
export function createSqliteJobStore(database: StateDatabase): JobStore {
  const transactions = createJobTransactions();
  database.addPart(transactions);
  const { write, onChange } = notifyingWrites(database, transactions);
  const read = database.read.bind(database);
  const settleAndClaimAll = createSettleAndClaim(write);
  return {
    submit: async (submissions, decideDedup) => {
      const prepared = submissions.map(prepare);
      const confirm = (sql: Sql) => submittedAlready(sql, prepared);
      return write((sql) => submitAll(sql, prepared, decideDedup), someAccepted, confirm);
    },
    claim: async (request) => (await settleAndClaimAll([], request)).claimed,
    settleAndClaim: settleAndClaimAll,
    recordStarted: (ref, started) =>
      write(
        (sql) => recordStarted(sql, ref, started),
        (applied) => applied === "applied",
      ),
    requestCancel: (jobId, reason, now) =>
      write(
        (sql) => requestCancel(sql, jobId, reason, now),
        ({ kind }) => kind === "cancelled" || kind === "requested",
      ),
    cancelRequests: (owner) => read((sql) => cancelRequests(sql, owner)),

    registerOwner: (owner) => database.write((sql) => registerOwner(sql, owner)),
    heartbeat: (owner) => database.write((sql) => heartbeat(sql, owner)),
    owners: () => read(allOwners),
    takeOver: (request) => write((sql) => takeOver(sql, request), isNotEmpty),
    runningOf: (owner) => read((sql) => runningOf(sql, owner)),
    removeOwner: (owner) => database.write((sql) => removeOwner(sql, owner)),

    get: (jobId) => read((sql) => findByAnyId(sql, jobId)?.record),
    ended: (jobIds) => read((sql) => endedOf(sql, jobIds)),
    attempts: (jobId) => read((sql) => attemptsOf(sql, jobId)),
    list: (query) => read((sql) => list(sql, query)),
    decisions: (jobId) => read((sql) => decisionsOf(sql, jobId)),
    lateResults: (jobId) => read((sql) => lateResultsOf(sql, jobId)),
    stats: (now) => read((sql) => stats(sql, now)),
    aheadOf: (jobId, limit) => read((sql) => aheadOf(sql, jobId, limit)),

    recordDecisions: (decisions) => database.write((sql) => addDecisions(sql, decisions)),
    replay: async (deadJobId, submission) => {
      const prepared = prepare(submission);
      return write(
        (sql) => replay(sql, deadJobId, prepared),
        ({ kind }) => kind === "accepted",
      );
    },
    purgeDead: (query) => write((sql) => purgeDead(sql, query), isNotEmpty),
    endMark: () => read(endMark),
    deleteEnded: (request) => write((sql) => deleteEnded(sql, request), isNotZero),

    onChange,
    externalVersion: () => read((sql) => Number(sql.get("PRAGMA data_version")?.data_version)),
    close: () => database.close(),
  };
}

/** Where a claim ends early because of a crowd in its way, others follow, until it has all it asked for. */
function createSettleAndClaim(write: NotifyingWrite): JobStore["settleAndClaim"] {
  const once = (settlements: readonly Settlement[], request: ClaimRequest | undefined) =>
    write(
      (sql) => settleAndClaim(sql, settlements, request),
      ({ settled, claimed }) => claimed.length > 0 || settled.some(({ applied }) => applied === "applied"),
    );
  return async (settlements, request) => {
    const { cutOff, ...first } = await once(settlements, request);
    if (!cutOff || request === undefined) return first;
    const claimed = [...first.claimed];
    for (;;) {
      try {
        const more = await once([], { ...request, limit: request.limit - claimed.length });
        claimed.push(...more.claimed);
        if (!more.cutOff) return { ...first, claimed, nextRunAt: more.nextRunAt };
      } catch (error) {
        ignore(
          error,
          "what was claimed before is the caller's; it is told to ask for the rest at once, and learns then",
        );
        return { ...first, claimed, nextRunAt: request.now };
      }
    }
  };
}

const isNotEmpty = (answer: readonly unknown[]): boolean => answer.length > 0;
const isNotZero = (answer: number): boolean => answer > 0;
const someAccepted = (answer: readonly SubmitResult[]): boolean =>
  answer.some(({ kind }) => kind === "accepted");

type NotifyingWrite = <T>(
  write: (sql: JobSql) => T,
  changesJobs: (answer: T) => boolean,
  confirm?: (sql: Sql) => T | undefined,
) => Promise<T>;

/** Writes after whose commit the listeners are called, once for all that changed jobs and were committed together. */
function notifyingWrites(
  database: StateDatabase,
  transactions: JobTransactions,
): Pick<JobStore, "onChange"> & { readonly write: NotifyingWrite } {
  const listeners = new Set<() => void>();
  let changed = false;
  database.onCommit(() => {
    if (!changed) return;
    changed = false;
    for (const listener of listeners) listener();
  });
  return {
    write: (write, changesJobs, confirm) =>
      database.write((sql) => {
        const answer = write(transactions.sqlFor(sql));
        if (changesJobs(answer)) sql.afterCommit(() => (changed = true));
        return answer;
      }, confirm),
    onChange: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
