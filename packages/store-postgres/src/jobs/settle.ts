/** Writes starts, ends and cancel requests of attempts. A write for an attempt that has ended changes nothing. */
import type {
  Applied,
  AttemptRecord,
  AttemptRef,
  CancelAnswer,
  ClaimRequest,
  JobRecord,
  Reason,
  SettledAndClaimed,
  Settlement,
  StartedAttempt,
} from "@agentcore/scheduler";
import { attemptOf, isDue } from "@agentcore/scheduler";
import { toColumn } from "../store/plain-text.ts";
import { Reading, type Rows } from "../store/reading.ts";
import type { Sql } from "../store/sql.ts";
import { type Claimed, choose, claim, isStale, nextRunAtOf, numbersOf, recordsOf } from "./claim.ts";
import { type ClaimRead, addClaim } from "./claim-read.ts";
import { endUnreadable } from "./damage.ts";
import { addLatestDecisions, draftDecisions } from "./decisions.ts";
import { Draft, isDue as isDuePlace } from "./draft.ts";
import { findByAnyId, rowOf, storedJobOf } from "./job-row.ts";
import { writeDraft } from "./write-draft.ts";

type SettleRead = "jobs" | "lost" | "waiters" | "latest";

/**
 * Reads once for both where the claim follows from what was read before the settlements: they end attempts, which frees
 * workspaces. If they change the queue in another way, the claim reads again.
 */
export async function settleAndClaim(
  sql: Sql,
  settlements: readonly Settlement[],
  request: ClaimRequest | undefined,
): Promise<SettledAndClaimed> {
  if (settlements.length === 0) return { settled: [], ...(await claimOnly(sql, request)) };
  const reading = new Reading<SettleRead | ClaimRead>();
  addSettled(reading, settlements);
  if (request !== undefined)
    addClaim(
      reading,
      request,
      settlements.map(({ ref }) => ref),
    );
  const rows = await reading.read(sql);
  const draft = new Draft();
  for (const row of rows.jobs) draft.load(storedJobOf(row));
  for (const row of rows.waiters) draft.loadWaiter(rowOf(row));
  const settled = settlements.map((settlement) => settle(draft, settlement, rows));
  const decisions = settled.flatMap(({ applied }, index) =>
    applied === "applied" ? (settlements[index]?.decisions ?? []) : [],
  );
  draftDecisions(draft, decisions, rows.latest);
  if (request === undefined) {
    await writeDraft(sql, draft);
    return { settled, claimed: [], nextRunAt: null };
  }
  if (isStale(rows, request) || changesQueue(draft, request.now) || draft.hasLateEnd) {
    await writeDraft(sql, draft);
    return { settled, ...(await claimOnly(sql, request)) };
  }
  const soonest = soonestOf(draft, request.now, nextRunAtOf(rows));
  const chosen = choose(rows, request, draft);
  const texts = await writeDraft(sql, draft, { textsOf: numbersOf(chosen) });
  const { readable, unreadable } = recordsOf(chosen, draft, texts);
  if (unreadable.length === 0)
    return { settled, ...answerOf({ claimed: readable, nextRunAt: soonest }, request) };
  await endUnreadable(sql, unreadable, request.now);
  const more = await claim(sql, { ...request, limit: request.limit - readable.length });
  return { settled, ...answerOf({ ...more, claimed: [...readable, ...more.claimed] }, request) };
}

async function claimOnly(sql: Sql, request: ClaimRequest | undefined): Promise<Claimed> {
  if (request === undefined) return { claimed: [], nextRunAt: null };
  return answerOf(await claim(sql, request), request);
}

const answerOf = ({ claimed, nextRunAt }: Claimed, { limit }: ClaimRequest): Claimed => ({
  claimed,
  nextRunAt: claimed.length >= limit ? null : nextRunAt,
});

function addSettled(reading: Reading<SettleRead>, settlements: readonly Settlement[]): void {
  const refs = settlements.map(({ ref }) => ref);
  const ids = reading.value(
    refs.map(({ jobId }) => toColumn(jobId)),
    "text[]",
  );
  const numbers = reading.value(
    refs.map(({ attempt }) => attempt),
    "bigint[]",
  );
  reading.add("jobs", `SELECT r.* FROM job_rows r WHERE r.id = ANY (${ids})`);
  reading.add(
    "lost",
    `SELECT j.id, a.* FROM (SELECT DISTINCT * FROM unnest(${ids}, ${numbers}) AS c(id, attempt)) c JOIN jobs j ON j.id = c.id
     JOIN attempts a ON a.job = j.number AND a.attempt = c.attempt`,
  );
  reading.add(
    "waiters",
    `SELECT w.* FROM jobs j JOIN key_holders h ON h.key = j.key JOIN jobs w ON w.number = h.job
     WHERE j.id = ANY (${ids}) AND w.state = 'key'`,
  );
  addLatestDecisions(
    reading,
    "latest",
    settlements.flatMap(({ decisions = [] }) => decisions),
  );
}

function settle(
  draft: Draft,
  settlement: Settlement,
  { jobs, lost }: { readonly jobs: Rows; readonly lost: Rows },
): SettledAndClaimed["settled"][number] {
  const { ref, at, kind } = settlement;
  const number = jobs.find(({ id }) => id === ref.jobId)?.["number"] as number | undefined;
  const record =
    number === undefined
      ? undefined
      : (draft.apply(number, { type: "settle", settlement }) ??
        draft.applyLate(number, settlement, lostAttempt(draft, number, ref, lost)));
  if (record !== undefined) return { applied: "applied", record };
  const result = kind === "defer" ? null : settlement.result;
  if (result !== null) draft.lateResults.push({ ref, at, kind, result });
  return { applied: "stale", record: number === undefined ? undefined : draft.current(number)?.record };
}

/** The attempt, if it has ended: before this call, or in it. */
function lostAttempt(draft: Draft, number: number, ref: AttemptRef, lost: Rows): AttemptRecord | null {
  const row =
    draft.attempts.get(`${number}/${ref.attempt}`) ??
    lost.find(({ id, attempt }) => id === ref.jobId && attempt === ref.attempt);
  return row === undefined ? null : attemptOf(ref.jobId, { ...row });
}

/** Whether jobs entered the queue or left it. */
function changesQueue(draft: Draft, now: number): boolean {
  if (draft.released.length > 0) return true;
  return [...draft.jobs.values()].some(
    ({ was, row, record: { state } }) =>
      isDuePlace(was) || isDuePlace(row.state) || (state.kind === "queued" && isDue(state, now)),
  );
}

/** The moment of the next job, with those that the call put back. */
function soonestOf(draft: Draft, now: number, next: number | null): number | null {
  const moments = [...draft.jobs.values()].flatMap(({ record: { state } }) =>
    state.kind === "queued" && !isDue(state, now) ? state.runAt : [],
  );
  const all = next === null ? moments : [next, ...moments];
  return all.length === 0 ? null : Math.min(...all);
}

export async function recordStarted(sql: Sql, ref: AttemptRef, started: StartedAttempt): Promise<Applied> {
  const reading = new Reading<"jobs">();
  reading.add(
    "jobs",
    `SELECT r.* FROM job_rows r WHERE r.id = ${reading.value(toColumn(ref.jobId), "text")}`,
  );
  const [row] = (await reading.read(sql)).jobs;
  if (row === undefined) return "stale";
  const draft = new Draft();
  const stored = storedJobOf(row);
  draft.load(stored);
  const record = draft.apply(stored.row.number, { type: "started", ref, started });
  await writeDraft(sql, draft);
  return record === undefined ? "stale" : "applied";
}

export async function requestCancel(
  sql: Sql,
  jobId: string,
  reason: Reason,
  now: number,
): Promise<CancelAnswer> {
  const stored = await findByAnyId(sql, jobId);
  if (stored === undefined) return { kind: "not_found" };
  const draft = new Draft();
  draft.load(stored);
  const record = draft.apply(stored.row.number, { type: "request_cancel", reason, at: now });
  await writeDraft(sql, draft);
  if (record === undefined) return { kind: "ended", record: stored.record };
  return { kind: record.state.kind === "cancelled" ? "cancelled" : "requested", record };
}

export async function runNow(
  sql: Sql,
  jobId: string,
  due: { readonly at: number; readonly rank: number },
): Promise<JobRecord | undefined> {
  const stored = await findByAnyId(sql, jobId);
  if (stored === undefined) return undefined;
  const draft = new Draft();
  draft.load(stored);
  const record = draft.apply(stored.row.number, { type: "run_now", ...due });
  await writeDraft(sql, draft);
  return record ?? stored.record;
}
