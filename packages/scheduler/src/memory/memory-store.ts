/**
 * A job store in memory, for embedding and tests: the whole port, except that nothing survives the process. Each method
 * runs to its end before another starts, so it is one transaction.
 */
import { type JobPage, type JobQuery, listLimitDefault, listLimitMax, matchesQuery } from "../job-query.ts";
import type { JobRecord } from "../job-record.ts";
import type { JobStore } from "../job-store.ts";
import { isUnfinished } from "./job-table.ts";
import { createMemoryJournal, type MemoryJournal } from "./memory-journal.ts";
import { MemoryState } from "./memory-state.ts";
import { forgetOwner, heartbeat, registerOwner, setDraining, takeOver } from "./owners.ts";
import { replay, submitAll } from "./submit.ts";
import { claim, requestCancel, runNow, settleAndClaim } from "./work.ts";

export interface MemoryStoreOptions {
  /** The journal that `appendAndSubmit` writes to. Default: one that nobody else knows. */
  readonly journal?: MemoryJournal | undefined;
}

export function createMemoryStore({ journal = createMemoryJournal() }: MemoryStoreOptions = {}): JobStore {
  const state = new MemoryState();
  // Acknowledge in a later turn, like a commit, and after the listeners were called.
  const writeBy = async <T>(by: string | null | undefined, command: () => T): Promise<T> => {
    state.assertOpen();
    const answer = command();
    state.notify(by);
    return answer;
  };
  const write = <T>(command: () => T): Promise<T> => writeBy(null, command);
  const read = async <T>(query: () => T): Promise<T> => {
    state.assertOpen();
    return query();
  };
  return {
    submit: (submissions, decideDedup) => write(() => submitAll(state, submissions, decideDedup)),
    appendAndSubmit: (append, submissions, decideDedup) =>
      write(() => {
        const perform = journal.prepare(append);
        if (perform === null) return "conflict";
        const results = submitAll(state, submissions, decideDedup);
        perform();
        return results;
      }),
    holds: (asked) => asked === journal,
    claim: (request) => writeBy(request.owner, () => claim(state, request)),
    settleAndClaim: (settlements, request) =>
      writeBy(request?.owner ?? null, () => settleAndClaim(state, settlements, request)),
    recordStarted: (ref, started) =>
      writeBy(undefined, () =>
        state.apply(ref.jobId, { type: "started", ref, started }) ? "applied" : "stale",
      ),
    requestCancel: (jobId, reason, now) => write(() => requestCancel(state, jobId, reason, now)),
    runNow: (jobId, due) => write(() => runNow(state, jobId, due)),
    cancelRequests: (owner) => read(() => state.jobs.runningOf(owner).filter(wantsCancel)),
    registerOwner: (owner) => write(() => registerOwner(state, owner)),
    heartbeat: (owner) => read(() => heartbeat(state, owner)),
    owners: () => read(() => [...state.owners.values()]),
    setDraining: (owner, isDraining) => write(() => setDraining(state, owner, isDraining)),
    takeOver: (request) => write(() => takeOver(state, request)),
    runningOf: (owner) => read(() => state.jobs.runningOf(owner)),
    removeOwner: (owner) => write(() => forgetOwner(state, owner)),
    get: (jobId) => read(() => state.find(jobId)),
    ended: (ids) =>
      read(() => ids.flatMap((id) => state.jobs.get(id) ?? []).filter((job) => !isUnfinished(job))),
    attempts: (jobId) => read(() => state.journal.attempts(jobId)),
    list: (query) => read(() => list(state, query)),
    count: (query) =>
      read(() => [...state.jobs.all()].filter((record) => matchesQuery(record, query)).length),
    decisions: (jobId) => read(() => state.journal.decisions(jobId)),
    lateResults: (jobId) => read(() => state.journal.lateResults(jobId)),
    stats: (now) => read(() => state.jobs.stats(now)),
    waits: (request) => read(() => state.jobs.waits(request)),
    aheadOf: (jobId, limit) => read(() => ahead(state, jobId, limit)),
    recordDecisions: (decisions) => write(() => state.addDecisions(decisions)),
    replay: (deadJobId, submission) => write(() => replay(state, deadJobId, submission)),
    purgeDead: ({ limit = 1000, ...query }) =>
      write(() => state.dropAll((job) => job.state.kind === "dead" && matchesQuery(job, query), limit)),
    deleteEnded: ({ endedBefore, upToMark = Infinity, limit = 1000 }) =>
      write(() => {
        const isOld = (job: JobRecord): boolean =>
          isSpent(job, endedBefore) && job.submittedAt < endedBefore && state.endMarkOf(job) <= upToMark;
        return state.dropAll(isOld, limit).length;
      }),
    endMark: () => read(() => state.endMark),
    onChange: (listener) => state.subscribe(listener),
    externalVersion: () => read(() => 0),
    close: async () => {
      state.closed = true;
    },
  };
}

function wantsCancel({ state }: JobRecord): boolean {
  return state.kind === "running" && state.cancelRequested !== null;
}

/** Ended before the moment, and not a dead letter that is still needed. */
function isSpent({ state }: JobRecord, endedBefore: number): boolean {
  switch (state.kind) {
    case "queued":
    case "running":
      return false;
    case "dead":
      return state.replayedAs !== null && state.endedAt < endedBefore;
    case "succeeded":
    case "cancelled":
      return state.endedAt < endedBefore;
  }
}

function list(state: MemoryState, query: JobQuery): JobPage {
  const limit = Math.min(Math.max(query.limit ?? listLimitDefault, 1), listLimitMax);
  const found = [...state.jobs.all()]
    .filter((record) => matchesQuery(record, query))
    .sort((a, b) => (a.job.id < b.job.id ? 1 : -1));
  const jobs = found.slice(0, limit);
  return { jobs, next: found.length > limit ? jobs.at(-1)!.job.id : null };
}

function ahead(state: MemoryState, jobId: string, limit: number): readonly string[] {
  const record = state.find(jobId);
  return record?.state.kind === "queued" ? state.jobs.ahead(record, limit) : [];
}
