/**
 * Who runs next. The head of a line (see `queue.ts`) is the first of its fronts that may run. The heads are compared in
 * JavaScript by the scheduler's own order, so that every store has the same. The cost of a claim is a few index seeks for
 * each line, and for each front of a line that waits for a running job; it does not depend on how many jobs wait.
 */
import { assert } from "@agentcore/contract";
import { type Candidate, type ClaimRequest, type JobRecord, compareCandidates } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { type PlacedRow, findById, readyJob } from "./job-row.ts";
import type { JobSql } from "./job-sql.ts";
import { applyEvent } from "./job-writes.ts";
import { type Head, type OpenLine, isExcluded, openLines } from "./lines.ts";
import { type DelayedBounds, delayedBounds, isBefore, parseLine, promoteDue } from "./queue.ts";

const selectOwner = `SELECT ${delayedBounds} FROM owners WHERE owner = ?`;

export function claim(sql: JobSql, request: ClaimRequest): JobRecord[] {
  const claimed: JobRecord[] = [];
  if (request.limit <= 0) return claimed;
  const known = sql.get(selectOwner, request.owner);
  if (known === undefined) return claimed;
  promoteDue(sql, known as unknown as DelayedBounds, request.now);
  if (request.only !== undefined) return claimNamed(sql, request.only, request);
  const lines = openLines(sql, request);
  while (claimed.length < request.limit) {
    const next = firstOf(sql, lines, request.now);
    if (next === undefined) break;
    claimed.push(take(sql, next.head, request));
    sql.markServed(next.tenant, request.now);
    for (const line of lines) line.claimed(next.head);
  }
  return claimed;
}

/** Jobs looked up by id, each by the rules that hold for any other. */
function claimNamed(sql: JobSql, ids: readonly string[], request: ClaimRequest): JobRecord[] {
  const claimed: JobRecord[] = [];
  for (const id of ids) {
    if (claimed.length === request.limit) break;
    const stored = findById(sql, id);
    if (stored === undefined || !mayRun(sql, stored.row, request)) continue;
    const record = applyEvent(sql, stored, { type: "claim", owner: request.owner, at: request.now });
    assert(record !== undefined, `job ${id} is in line and cannot be claimed`);
    sql.markServed(stored.row.tenant, request.now);
    sql.claimed.remember(stored.row, record);
    claimed.push(record);
  }
  return claimed;
}

function mayRun(sql: Sql, row: PlacedRow, { exclude, perKey }: ClaimRequest): boolean {
  const { place, line, key, concurrency_key: lane } = row;
  if (place !== "fronts" && place !== "followers") return false;
  if (isExcluded(parseLine(line), exclude) || (lane !== null && exclude.concurrencyKeys.includes(lane)))
    return false;
  const running = sql.get(
    `SELECT
       (SELECT count(*) FROM running WHERE concurrency_key IS NOT NULL AND concurrency_key = ?) AS lane,
       (SELECT count(*) FROM running WHERE key IS NOT NULL AND key = ?) AS key`,
    lane,
    key,
  ) as { readonly lane: number; readonly key: number };
  return running.lane < perKey && running.key === 0;
}

function take(sql: JobSql, head: Head, { owner, now }: ClaimRequest): JobRecord {
  const stored = readyJob(sql, head.job, head.place, head);
  const record = applyEvent(sql, stored, { type: "claim", owner, at: now });
  assert(record !== undefined, `job ${head.id} is in line and cannot be claimed`);
  sql.claimed.remember(stored.row, record);
  return record;
}

/** The head that goes first: the lowest rank within each tenant, then by turn among tenants. */
function firstOf(
  sql: JobSql,
  lines: readonly OpenLine[],
  now: number,
): { readonly tenant: string; readonly head: Head } | undefined {
  const firsts = new Map<string, Head>();
  for (const line of lines) {
    const { tenant } = line;
    const head = line.head();
    const other = firsts.get(tenant);
    if (head !== undefined && (other === undefined || isBefore(head, other))) firsts.set(tenant, head);
  }
  let best: { readonly tenant: string; readonly head: Head } | undefined;
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
  { tenant, head }: { readonly tenant: string; readonly head: Head },
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
