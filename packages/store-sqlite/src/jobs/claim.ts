/**
 * Who runs next. The head of a line (see `queue.ts`) is the first of its fronts that may run. The heads are compared in
 * JavaScript by the scheduler's own order, so that every store has the same. The cost of a claim is a few index seeks for
 * each line, and for each front of a line that waits for a running job; it does not depend on how many jobs wait.
 */
import {
  type Candidate,
  type ClaimFilter,
  type ClaimRequest,
  type JobRecord,
  compareCandidates,
} from "@agentcore/scheduler";
import { assert } from "@agentcore/contract";
import type { Sql } from "../sql.ts";
import { type PlacedRow, findById, findReady } from "./job-row.ts";
import type { JobSql } from "./job-sql.ts";
import { applyEvent } from "./job-writes.ts";
import { type DelayedBounds, type Line, delayedBounds, isBefore, parseLine, promoteDue } from "./queue.ts";

interface Head {
  readonly place: "fronts" | "followers";
  readonly job: number;
  readonly id: string;
  readonly rank: number;
  readonly ready_from: number;
  readonly concurrency_key: string | null;
  /** 1 while another job with its idempotency key runs. */
  readonly held: number;
}

/** A line that the claim may take from, with its head as it is now. */
interface OpenLine extends Line {
  readonly line: string;
  head: Head | undefined;
}

export function claim(sql: JobSql, request: ClaimRequest): JobRecord[] {
  const claimed: JobRecord[] = [];
  if (request.limit <= 0) return claimed;
  const known = sql.get(`SELECT ${delayedBounds} FROM owners WHERE owner = ?`, request.owner);
  if (known === undefined) return claimed;
  promoteDue(sql, known as unknown as DelayedBounds, request.now);
  if (request.only !== undefined) return claimNamed(sql, request.only, request);
  const lines = openLines(sql, request);
  while (claimed.length < request.limit) {
    const next = firstOf(sql, lines, request.now);
    if (next === undefined) break;
    claimed.push(take(sql, next.head, request));
    sql.markServed(next.tenant, request.now);
    if (claimed.length < request.limit) refresh(sql, lines, next.head, request);
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
  const stored = findReady(sql, head.place, head.job);
  const record = stored && applyEvent(sql, stored, { type: "claim", owner, at: now });
  assert(record !== undefined, `job ${head.id} is in line and cannot be claimed`);
  sql.claimed.remember(stored!.row, record);
  return record;
}

/** Every line that has fronts and is not excluded, by skipping from one to the next in the index. */
function openLines(sql: Sql, request: ClaimRequest): OpenLine[] {
  const lines: OpenLine[] = [];
  for (let line = lineAfter(sql, ""); line !== undefined; line = lineAfter(sql, line)) {
    const names = parseLine(line);
    if (!isExcluded(names, request.exclude)) lines.push({ line, ...names, head: headOf(sql, line, request) });
  }
  return lines;
}

function lineAfter(sql: Sql, line: string): string | undefined {
  const row = sql.get("SELECT line FROM fronts WHERE line > ? ORDER BY line LIMIT 1", line);
  return row === undefined ? undefined : String(row.line);
}

function isExcluded(line: Line, { workers, models, tenants, classes }: ClaimFilter): boolean {
  return (
    workers.includes(line.worker) ||
    tenants.includes(line.tenant) ||
    classes.includes(line.class) ||
    models.some(({ worker, model }) => worker === line.worker && model === line.model)
  );
}

/** Looks again at the lines whose head may have changed by a claim. */
function refresh(sql: Sql, lines: readonly OpenLine[], claimed: Head, request: ClaimRequest): void {
  const key = claimed.concurrency_key;
  for (const line of lines) {
    const { head } = line;
    const sharesKey = key !== null && head?.concurrency_key === key;
    if (head === claimed || sharesKey) line.head = headOf(sql, line.line, request);
  }
}

const headColumns = `q.job, q.id, q.rank, q.ready_from, q.concurrency_key,
  q.key IS NOT NULL AND EXISTS (
    SELECT 1 FROM running r INDEXED BY running_key WHERE r.key IS NOT NULL AND r.key = q.key) AS held`;

/** The first job of a line that may run now. */
function headOf(sql: Sql, line: string, request: ClaimRequest): Head | undefined {
  let best: Head | undefined;
  let front = frontAfter(sql, line, request, { rank: -Infinity, id: "" });
  while (front !== undefined && (best === undefined || isBefore(front, best))) {
    const excluded =
      front.concurrency_key !== null && request.exclude.concurrencyKeys.includes(front.concurrency_key);
    if (!excluded) {
      if (front.held === 0) return front;
      // The job waits for the one that it replaced, which still runs; the rest of its lane does not.
      const behind = behindHeld(sql, line, front);
      if (behind !== undefined && (best === undefined || isBefore(behind, best))) best = behind;
    }
    front = frontAfter(sql, line, request, front);
  }
  return best;
}

/** The next front of the line whose concurrency key has room. */
function frontAfter(
  sql: Sql,
  line: string,
  request: ClaimRequest,
  after: Pick<Head, "rank" | "id">,
): Head | undefined {
  return sql.get(
    `SELECT 'fronts' AS place, ${headColumns} FROM fronts q WHERE q.line = ? AND (q.rank, q.id) > (?, ?)
       AND (q.concurrency_key IS NULL OR ? > (
         SELECT count(*) FROM running r INDEXED BY running_lane
         WHERE r.concurrency_key IS NOT NULL AND r.concurrency_key = q.concurrency_key))
     ORDER BY q.rank, q.id LIMIT 1`,
    line,
    after.rank,
    after.id,
    request.perKey,
  ) as Head | undefined;
}

/** The first follower of a lane that no running job with the same idempotency key holds up. */
function behindHeld(sql: Sql, line: string, front: Head): Head | undefined {
  if (front.concurrency_key === null) return undefined;
  return sql.get(
    `SELECT 'followers' AS place, ${headColumns} FROM followers q
     WHERE q.concurrency_key = ? AND q.line = ? AND held = 0 ORDER BY q.rank, q.id LIMIT 1`,
    front.concurrency_key,
    line,
  ) as Head | undefined;
}

/** The head that goes first: the lowest rank within each tenant, then by turn among tenants. */
function firstOf(
  sql: JobSql,
  lines: readonly OpenLine[],
  now: number,
): { readonly tenant: string; readonly head: Head } | undefined {
  const firsts = new Map<string, Head>();
  for (const { tenant, head } of lines) {
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
