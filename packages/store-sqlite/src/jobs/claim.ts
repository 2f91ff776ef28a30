/**
 * Who runs next. The head of a line (see `lanes.ts`) is the first of its fronts that may run. The heads are compared in
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
import type { Sql } from "../sql.ts";
import { findById } from "./job-row.ts";
import { applyEvent } from "./job-writes.ts";
import { promoteDue } from "./lanes.ts";

interface Head {
  readonly id: string;
  readonly rank: number;
  readonly ready_from: number;
  readonly concurrency_key: string | null;
  /** 1 while another job with its idempotency key runs. */
  readonly held: number;
}

interface Line {
  readonly line: number;
  readonly tenant: string;
  readonly worker: string;
  readonly model: string;
  readonly class: string;
}

/** A line that the claim may take from, with its head as it is now. */
interface OpenLine extends Line {
  head: Head | undefined;
}

export function claim(sql: Sql, request: ClaimRequest): JobRecord[] {
  const claimed: JobRecord[] = [];
  if (request.limit <= 0 || !isOwner(sql, request.owner)) return claimed;
  promoteDue(sql, request.now);
  const lines = openLines(sql, request);
  const tenants = createTenants(sql);
  while (claimed.length < request.limit) {
    const next = firstOf(lines, tenants, request.now);
    if (next === undefined) break;
    claimed.push(take(sql, next.head, request));
    tenants.markServed(next.tenant, request.now);
    if (claimed.length < request.limit) refresh(sql, lines, next.head, request);
  }
  tenants.save();
  return claimed;
}

function isOwner(sql: Sql, owner: string): boolean {
  return sql.get("SELECT 1 AS known FROM owners WHERE owner = ?", owner) !== undefined;
}

function take(sql: Sql, head: Head, { owner, now }: ClaimRequest): JobRecord {
  const stored = findById(sql, head.id);
  const record = stored && applyEvent(sql, stored, { type: "claim", owner, at: now });
  if (record === undefined) throw new RangeError(`job ${head.id} is in line and not queued`);
  return record;
}

/** Every line that has fronts and is not excluded, by skipping from one to the next in the index. */
function openLines(sql: Sql, request: ClaimRequest): OpenLine[] {
  const lines: OpenLine[] = [];
  for (let line = nextLine(sql, 0); line !== undefined; line = nextLine(sql, line.line)) {
    if (!isExcluded(line, request.exclude)) lines.push({ ...line, head: headOf(sql, line, request) });
  }
  return lines;
}

function nextLine(sql: Sql, after: number): Line | undefined {
  return sql.get(
    `SELECT l.line, l.tenant, l.worker, l.model, l.class FROM lines l WHERE l.line = (
       SELECT j.line FROM jobs j INDEXED BY jobs_front WHERE j.front = 1 AND j.line > ? ORDER BY j.line LIMIT 1)`,
    after,
  ) as Line | undefined;
}

function isExcluded(line: Line, { workers, models, tenants, classes }: ClaimFilter): boolean {
  return (
    workers.includes(line.worker) ||
    tenants.includes(line.tenant) ||
    classes.some((name) => name === line.class) ||
    models.some(({ worker, model }) => worker === line.worker && (model ?? "") === line.model)
  );
}

/** Looks again at the lines whose head may have changed by a claim. */
function refresh(sql: Sql, lines: readonly OpenLine[], claimed: Head, request: ClaimRequest): void {
  const key = claimed.concurrency_key;
  for (const line of lines) {
    const { head } = line;
    const sharesKey = key !== null && head?.concurrency_key === key;
    if (head === claimed || sharesKey) line.head = headOf(sql, line, request);
  }
}

const headColumns = `j.id, j.rank, j.ready_from, j.concurrency_key,
  j.key IS NOT NULL AND EXISTS (
    SELECT 1 FROM jobs r INDEXED BY jobs_running_key
    WHERE r.state = 'running' AND r.key IS NOT NULL AND r.key = j.key) AS held`;

/** The first job of a line that may run now. */
function headOf(sql: Sql, line: Line, request: ClaimRequest): Head | undefined {
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

function isBefore(a: Pick<Head, "rank" | "id">, b: Pick<Head, "rank" | "id">): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.id < b.id);
}

/** The next front of the line whose concurrency key has room. */
function frontAfter(
  sql: Sql,
  { line }: Pick<Line, "line">,
  request: ClaimRequest,
  after: Pick<Head, "rank" | "id">,
): Head | undefined {
  return sql.get(
    `SELECT ${headColumns} FROM jobs j INDEXED BY jobs_front
     WHERE j.front = 1 AND j.line = ? AND (j.rank, j.id) > (?, ?)
       AND (j.concurrency_key IS NULL OR ? > (
         SELECT count(*) FROM jobs r INDEXED BY jobs_running_lane
         WHERE r.state = 'running' AND r.concurrency_key IS NOT NULL AND r.concurrency_key = j.concurrency_key))
     ORDER BY j.rank, j.id LIMIT 1`,
    line,
    after.rank,
    after.id,
    request.perKey,
  ) as Head | undefined;
}

/** The first of the lane, behind its front, that no running job with the same idempotency key holds up. */
function behindHeld(sql: Sql, { line }: Line, front: Head): Head | undefined {
  if (front.concurrency_key === null) return undefined;
  return sql.get(
    `SELECT ${headColumns} FROM jobs j INDEXED BY jobs_lane
     WHERE j.ready = 1 AND j.concurrency_key IS NOT NULL AND j.concurrency_key = ? AND j.line = ?
       AND (j.rank, j.id) > (?, ?) AND held = 0
     ORDER BY j.rank, j.id LIMIT 1`,
    front.concurrency_key,
    line,
    front.rank,
    front.id,
  ) as Head | undefined;
}

/** The head that goes first: the lowest rank within each tenant, then by turn among tenants. */
function firstOf(
  lines: readonly OpenLine[],
  tenants: Tenants,
  now: number,
): { readonly tenant: string; readonly head: Head } | undefined {
  const firsts = new Map<string, Head>();
  for (const { tenant, head } of lines) {
    const other = firsts.get(tenant);
    if (head !== undefined && (other === undefined || isBefore(head, other))) firsts.set(tenant, head);
  }
  const [first, ...others] = [...firsts].map(([tenant, head]) => ({ tenant, head }));
  return others.reduce((best, other) => {
    const order = compareCandidates(tenants.candidateOf(other), tenants.candidateOf(best), now);
    return order < 0 ? other : best;
  }, first!);
}

/** What is known about tenants during one claim, read when it is first needed: with one tenant, never. */
interface Tenants {
  candidateOf(first: { readonly tenant: string; readonly head: Head }): Candidate;
  markServed(tenant: string, at: number): void;
  save(): void;
}

function createTenants(sql: Sql): Tenants {
  const servedAt = new Map<string, number>();
  const marked = new Set<string>();
  const servedAtOf = (tenant: string): number => {
    let at = servedAt.get(tenant);
    if (at === undefined) {
      at = Number(sql.get("SELECT served_at FROM tenants WHERE tenant = ?", tenant)?.served_at ?? 0);
      servedAt.set(tenant, at);
    }
    return at;
  };
  return {
    candidateOf: ({ tenant, head }) => ({
      id: head.id,
      rank: head.rank,
      readyFrom: head.ready_from,
      get tenantServedAt() {
        return servedAtOf(tenant);
      },
      get tenantRunning() {
        return runningOf(sql, tenant);
      },
    }),
    markServed(tenant, at) {
      servedAt.set(tenant, at);
      marked.add(tenant);
    },
    save() {
      for (const tenant of marked) {
        sql.run("INSERT OR REPLACE INTO tenants VALUES (?, ?)", tenant, servedAtOf(tenant));
      }
    },
  };
}

function runningOf(sql: Sql, tenant: string): number {
  const row = sql.get(
    `SELECT count(*) AS running FROM lines l CROSS JOIN jobs j INDEXED BY jobs_running_line
     ON j.line = l.line AND j.state = 'running' WHERE l.tenant = ?`,
    tenant,
  );
  return Number(row?.running);
}
