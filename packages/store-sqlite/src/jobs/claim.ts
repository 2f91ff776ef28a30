/**
 * Claims the next jobs. A claim reads the first jobs of each claim group that may run, and takes them one by one in the
 * scheduler's order (`compareCandidates`), which is the same in every store. It costs a few index seeks per group with
 * ready jobs and per busy workspace, regardless of the number of waiting jobs.
 */
import { assert } from "@agentcore/contract";
import {
  type Candidate,
  type ClaimRequest,
  type JobRecord,
  compareCandidates,
  isDraining,
  isDue,
  isStandIn,
} from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { type ClaimGroup, isExcluded } from "./claim-group.ts";
import { isolate, unlessDamaged } from "./damage.ts";
import { type JobRow, type StoredJob, findById, findByNumber } from "./job-row.ts";
import { applyEvent } from "./job-writes.ts";
import { findOwner } from "./owners.ts";
import { isBefore, isKeyRunning, letInBesideRunning, letNextIn, promoteDue } from "./queue.ts";

export function claim(sql: Sql, request: ClaimRequest): readonly JobRecord[] {
  if (request.limit <= 0) return [];
  const owner = findOwner(sql, request.owner);
  if (owner === undefined) return [];
  promoteDue(sql, request.now);
  if (request.perKey > 1) letInBesideRunning(sql);
  if (request.only !== undefined) return claimNamed(sql, request.only, request);
  const pieces = claimNamed(sql, request.pieces ?? [], request);
  if (isDraining(owner.process)) return pieces;
  return [...pieces, ...claimNext(sql, { ...request, limit: request.limit - pieces.length })];
}

// --- In order -----------------------------------------------------------------------------------------------------------

/** Groups that have ready jobs, found by skipping in the index from one to the next. */
const selectGroups = `
  WITH RECURSIVE present (number) AS (
    SELECT (SELECT claim_group FROM jobs WHERE state = 'ready' ORDER BY claim_group LIMIT 1)
    UNION ALL
    SELECT (SELECT claim_group FROM jobs WHERE state = 'ready' AND claim_group > p.number ORDER BY claim_group LIMIT 1)
    FROM present p WHERE p.number IS NOT NULL
  )
  SELECT g.number, g.tenant, g.worker, g.model, g.class, g.served_at
  FROM present p JOIN claim_groups g ON g.number = p.number`;

/** The first jobs of one group that may run, in order. */
const selectReady = `
  SELECT number, id, rank, ready_from, workspace FROM jobs q
  WHERE state = 'ready' AND claim_group = ? AND (workspace IS NULL OR (
    workspace NOT IN (SELECT value FROM json_each(?)) AND
    (SELECT count(*) FROM jobs r WHERE r.state = 'running' AND r.workspace = q.workspace) < ?))
  ORDER BY rank, number LIMIT (? + 0)`;

type ReadyRow = Pick<JobRow, "number" | "id" | "rank" | "ready_from" | "workspace">;

interface OpenGroup extends ClaimGroup {
  readonly served_at: number;
  ready: ReadyRow[];
}

function claimNext(sql: Sql, request: ClaimRequest): readonly JobRecord[] {
  const excludedKeys = JSON.stringify(request.exclude.concurrencyKeys);
  const read = (group: number, count: number): ReadyRow[] => [
    ...(sql.all(selectReady, group, excludedKeys, request.perKey, count) as readonly unknown[] as ReadyRow[]),
  ];
  const groups = (sql.all(selectGroups) as readonly unknown[] as readonly OpenGroup[])
    .filter((group) => !isExcluded(group, request.exclude))
    .map((group): OpenGroup => ({ ...group, ready: read(group.number, request.limit) }));
  const served = new Map(groups.map(({ tenant, served_at }) => [tenant, served_at]));
  const servedNow = new Set<string>();
  const claimed: JobRecord[] = [];
  while (claimed.length < request.limit) {
    const next = firstOf(sql, groups, served, request.now);
    if (next === undefined) break;
    const { group, head } = next;
    const stored = unlessDamaged(() => findByNumber(sql, head.number));
    if (stored === undefined || isStandIn(stored.record.job)) {
      isolate(sql, head.number, request.now);
      group.ready = read(group.number, request.limit - claimed.length);
      continue;
    }
    claimed.push(take(sql, stored, request));
    servedNow.add(group.tenant);
    served.set(group.tenant, request.now);
    group.ready.shift();
    // Another job of the workspace may be ready now, or none may run any longer: read those groups again.
    if (head.workspace === null) continue;
    const left = request.limit - claimed.length;
    for (const other of groups) {
      const isTouched =
        other === group
          ? request.perKey > 1
          : other.ready.some(({ workspace }) => workspace === head.workspace);
      if (isTouched) other.ready = read(other.number, left);
    }
  }
  noteServed(sql, servedNow, request.now);
  return claimed;
}

interface Next {
  readonly group: OpenGroup;
  readonly head: ReadyRow;
}

/** The lowest rank within each tenant, then by turn among tenants. */
function firstOf(
  sql: Sql,
  groups: readonly OpenGroup[],
  served: ReadonlyMap<string, number>,
  now: number,
): Next | undefined {
  const firsts = new Map<string, Next>();
  for (const group of groups) {
    const [head] = group.ready;
    const other = firsts.get(group.tenant);
    if (head !== undefined && (other === undefined || isBefore(head, other.head)))
      firsts.set(group.tenant, { group, head });
  }
  const candidateOf = ({ group, head }: Next): Candidate => ({
    id: head.id,
    rank: head.rank,
    readyFrom: head.ready_from,
    tenantServedAt: served.get(group.tenant) ?? 0,
    // Read only if all else is equal.
    get tenantRunning() {
      return runningOfTenant(sql, group.tenant);
    },
  });
  let best: Next | undefined;
  for (const next of firsts.values())
    if (best === undefined || compareCandidates(candidateOf(next), candidateOf(best), now) < 0) best = next;
  return best;
}

function runningOfTenant(sql: Sql, tenant: string): number {
  const counted = sql.values(
    `SELECT count(*) FROM jobs j CROSS JOIN claim_groups g ON g.number = j.claim_group
     WHERE j.state = 'running' AND g.tenant = ?`,
    tenant,
  );
  return Number(counted?.[0]);
}

function take(sql: Sql, stored: StoredJob, { owner, now, perKey }: ClaimRequest): JobRecord {
  const record = applyEvent(sql, stored, { type: "claim", owner, at: now });
  assert(record !== undefined, `job ${stored.row.id} is queued and cannot be claimed`);
  if (perKey > 1) letNextIn(sql, stored.row);
  return record;
}

function noteServed(sql: Sql, tenants: ReadonlySet<string>, now: number): void {
  for (const tenant of tenants)
    sql.run("UPDATE claim_groups SET served_at = ? WHERE tenant = ?", now, tenant);
}

// --- By name ------------------------------------------------------------------------------------------------------------

/** Jobs by id, under the same rules as any other job. */
function claimNamed(sql: Sql, ids: readonly string[], request: ClaimRequest): readonly JobRecord[] {
  const served = new Set<string>();
  const claimed: JobRecord[] = [];
  for (const id of ids) {
    if (claimed.length === request.limit) break;
    const stored = unlessDamaged(() => findById(sql, id));
    const group = stored && groupIfMayRun(sql, stored, request);
    if (stored === undefined || group === undefined) continue;
    if (isStandIn(stored.record.job)) isolate(sql, stored.row.number, request.now);
    else claimed.push(take(sql, stored, request));
    served.add(group.tenant);
  }
  noteServed(sql, served, request.now);
  return claimed;
}

function groupIfMayRun(sql: Sql, { row, record }: StoredJob, request: ClaimRequest): ClaimGroup | undefined {
  const { exclude, perKey, now } = request;
  if (record.state.kind !== "queued") return undefined;
  const isDueHere =
    row.state === "piece" ? isDue(record.state, now) : row.state === "ready" || row.state === "behind";
  if (!isDueHere || (row.key !== null && isKeyRunning(sql, row.key, row.id))) return undefined;
  const group = sql.get(
    "SELECT * FROM claim_groups WHERE number = ?",
    row.claim_group,
  ) as unknown as ClaimGroup;
  const { workspace } = row;
  if (isExcluded(group, exclude)) return undefined;
  if (workspace === null) return group;
  if (exclude.concurrencyKeys.includes(workspace)) return undefined;
  const running = sql.values(
    "SELECT count(*) FROM jobs WHERE state = 'running' AND workspace = ?",
    workspace,
  );
  return Number(running?.[0]) < perKey ? group : undefined;
}
