/**
 * Who runs next. The head of a line (see `lines.ts`) is the first of its ready jobs that may run. The heads are compared in
 * JavaScript by the scheduler's own order, so that every store has the same. The cost of a claim is a few index seeks for
 * each line and each claimed job; it does not depend on how many jobs wait, but for what a claim meets once and moves away.
 */
import { assert } from "@agentcore/contract";
import { type Candidate, type ClaimRequest, type JobRecord, compareCandidates } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { type PlacedRow, type ReadyRow, findById, readyJob } from "./job-row.ts";
import { isolate, isStandIn, unlessDamaged } from "./damage.ts";
import type { JobSql } from "./job-sql.ts";
import { applyEvent } from "./job-writes.ts";
import { isExcluded, parseLine } from "./line.ts";
import { type OpenLine, openLines } from "./lines.ts";
import type { Crowd } from "./passed-jobs.ts";
import { delayedBounds, isBefore, promoteDue } from "./queue.ts";

const selectOwner = `SELECT ${delayedBounds} FROM owners WHERE owner = ?`;

export interface Claimed {
  readonly claimed: readonly JobRecord[];
  /** So many jobs were in the way that there may be more to claim, once these are moved away: after the commit. */
  readonly cutOff: boolean;
}

const nothing: Claimed = { claimed: [], cutOff: false };

export function claim(sql: JobSql, request: ClaimRequest): Claimed {
  if (request.limit <= 0) return nothing;
  const known = sql.values(selectOwner, request.owner);
  if (known === undefined) return nothing;
  const [first, latest] = known as [number | null, number | null];
  promoteDue(sql, { first, latest }, request.now);
  if (request.only !== undefined) {
    return { claimed: claimNamed(sql, request.only, request), cutOff: false };
  }
  const claimed = claimNamed(sql, request.pieces ?? [], request);
  const crowd: Crowd = { isLookedAt: sql.looksAtCrowd(), passed: 0, cutOff: false };
  const lines = openLines(sql, request, crowd);
  while (claimed.length < request.limit) {
    const next = firstOf(sql, lines, request.now);
    if (next === undefined || crowd.cutOff) break;
    const record = take(sql, next.head, request);
    // Its place in its lane is another's now, and what was passed over behind it must be looked at anew.
    if (record === undefined) return { claimed, cutOff: true };
    claimed.push(record);
    sql.markServed(next.tenant, request.now);
    for (const line of lines) line.claimed(next.head);
  }
  for (const line of lines) line.close();
  if (crowd.cutOff) sql.lookAgain();
  return { claimed, cutOff: crowd.cutOff };
}

/** Jobs looked up by id, each by the rules that hold for any other. */
function claimNamed(sql: JobSql, ids: readonly string[], request: ClaimRequest): JobRecord[] {
  const claimed: JobRecord[] = [];
  for (const id of ids) {
    if (claimed.length === request.limit) break;
    const stored = unlessDamaged(() => findById(sql, id));
    if (stored === undefined || !mayRun(sql, stored.row, request)) continue;
    if (isStandIn(stored.record.job)) {
      isolate(sql, stored.row.seq, request.now);
      continue;
    }
    const record = applyEvent(sql, stored, { type: "claim", owner: request.owner, at: request.now });
    assert(record !== undefined, `job ${id} is in line and cannot be claimed`);
    sql.markServed(parseLine(stored.row.line).tenant, request.now);
    claimed.push(record);
  }
  return claimed;
}

function mayRun(sql: Sql, row: PlacedRow, { exclude, perKey }: ClaimRequest): boolean {
  const { place, line, key, concurrency_key: lane } = row;
  if (place !== "ready" && place !== "followers") return false;
  if (isExcluded(parseLine(line), exclude) || (lane !== null && exclude.concurrencyKeys.includes(lane)))
    return false;
  const running = sql.get(
    `SELECT
       (SELECT count(*) FROM running WHERE lane = ?) AS lane,
       (SELECT count(*) FROM running WHERE key IS NOT NULL AND key = ?) AS key`,
    lane,
    key,
  ) as { readonly lane: number; readonly key: number };
  return running.lane < perKey && running.key === 0;
}

/** Undefined where the job cannot be read: it is out of the way then. */
function take(sql: JobSql, head: ReadyRow, { owner, now }: ClaimRequest): JobRecord | undefined {
  const stored = unlessDamaged(() => readyJob(sql, head));
  if (stored === undefined || isStandIn(stored.record.job)) {
    isolate(sql, head.job, now);
    return undefined;
  }
  const record = applyEvent(sql, stored, { type: "claim", owner, at: now });
  assert(record !== undefined, `job ${head.id} is in line and cannot be claimed`);
  return record;
}

/** The head that goes first: the lowest rank within each tenant, then by turn among tenants. */
function firstOf(
  sql: JobSql,
  lines: readonly OpenLine[],
  now: number,
): { readonly tenant: string; readonly head: ReadyRow } | undefined {
  const firsts = new Map<string, ReadyRow>();
  for (const line of lines) {
    const { tenant } = line;
    const head = line.head();
    const other = firsts.get(tenant);
    if (head !== undefined && (other === undefined || isBefore(head, other))) firsts.set(tenant, head);
  }
  let best: { readonly tenant: string; readonly head: ReadyRow } | undefined;
  for (const [tenant, head] of firsts) {
    const candidate = { tenant, head };
    const goesFirst =
      best === undefined || compareCandidates(candidateOf(sql, candidate), candidateOf(sql, best), now) < 0;
    if (goesFirst) best = candidate;
  }
  return best;
}

/** What the order asks about the tenant is read when it is asked: with one tenant, never. */
function candidateOf(
  sql: JobSql,
  { tenant, head }: { readonly tenant: string; readonly head: ReadyRow },
): Candidate {
  return {
    id: head.id,
    rank: head.rank,
    readyFrom: head.ready_from,
    get tenantServedAt() {
      return sql.servedAt(tenant);
    },
    get tenantRunning() {
      return Number(sql.get("SELECT count(*) AS running FROM running WHERE tenant = ?", tenant)?.running);
    },
  };
}
