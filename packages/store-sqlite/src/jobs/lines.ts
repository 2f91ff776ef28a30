/**
 * The lines that a claim may take from, each with the jobs at its head. Heads are read ahead, as many as the claim may take,
 * because nobody else can write while its transaction lasts; what the claim itself does to them is followed here.
 */
import type { ClaimFilter, ClaimRequest } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import type { ReadyRow } from "./job-row.ts";
import { type Line, isBefore, parseLine } from "./queue.ts";

export interface Head extends ReadyRow {
  readonly place: "fronts" | "followers";
  readonly job: number;
  readonly id: string;
  readonly rank: number;
  readonly ready_from: number;
  readonly concurrency_key: string | null;
  /** 1 while another job with its idempotency key runs. */
  readonly held: number;
}

export interface OpenLine extends Line {
  /** The first job that may run now; undefined where there is none. */
  head(): Head | undefined;
  /** Follows the claim of a job, of this line or another. */
  claimed(head: Head): void;
}

/** Fronts read at once, however many the claim may take. */
const readAheadMax = 64;

type Position = Pick<Head, "rank" | "id">;
const beginning: Position = { rank: -Infinity, id: "" };

/** Every line that has fronts and is not excluded, by skipping from one to the next in the index. */
export function openLines(sql: Sql, request: ClaimRequest): readonly OpenLine[] {
  const lines: OpenLine[] = [];
  for (let line = lineAfter(sql, ""); line !== undefined; line = lineAfter(sql, line)) {
    const names = parseLine(line);
    if (!isExcluded(names, request.exclude)) lines.push({ ...names, ...createHeads(sql, line, request) });
  }
  return lines;
}

function lineAfter(sql: Sql, line: string): string | undefined {
  const row = sql.get("SELECT line FROM fronts WHERE line > ? ORDER BY line LIMIT 1", line);
  return row === undefined ? undefined : String(row.line);
}

export function isExcluded(line: Line, { workers, models, tenants, classes }: ClaimFilter): boolean {
  return (
    workers.includes(line.worker) ||
    tenants.includes(line.tenant) ||
    classes.includes(line.class) ||
    models.some(({ worker, model }) => worker === line.worker && model === line.model)
  );
}

function createHeads(sql: Sql, line: string, request: ClaimRequest): Pick<OpenLine, "head" | "claimed"> {
  let heads: Head[] = [];
  /** The last front that was read; null: all were. */
  let readTo: Position | null = beginning;
  let takenKeys = new Set<string>();
  let left = request.limit;

  const readMore = (after: Position): void => {
    const count = Math.min(left, readAheadMax);
    const fronts = frontsAfter(sql, line, { perKey: request.perKey, after, count });
    readTo = fronts.length < count ? null : fronts.at(-1)!;
    const hadHeld = fronts.some(({ held }) => held === 1);
    heads.push(...fronts.flatMap((front) => mayRun(sql, line, front, request)));
    // A job that stands in for a held front comes from behind it.
    if (hadHeld) heads.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  };

  return {
    head() {
      for (;;) {
        const first = heads[0];
        if (first !== undefined && (readTo === null || !isBefore(readTo, first))) {
          if (first.concurrency_key === null || !takenKeys.has(first.concurrency_key)) return first;
          heads.shift();
        } else if (readTo === null) {
          return undefined;
        } else {
          readMore(readTo);
        }
      }
    },
    claimed(head) {
      left -= 1;
      if (heads[0] === head) heads.shift();
      if (head.concurrency_key === null) return;
      if (request.perKey === 1) {
        takenKeys.add(head.concurrency_key);
        return;
      }
      // The next of its lane may run as well, and go before what was read.
      heads = [];
      readTo = beginning;
      takenKeys = new Set();
    },
  };
}

/** The front itself, or what may run in its stead. */
function mayRun(sql: Sql, line: string, front: Head, { exclude }: ClaimRequest): readonly Head[] {
  const key = front.concurrency_key;
  if (key !== null && exclude.concurrencyKeys.includes(key)) return [];
  if (front.held === 0) return [front];
  // The job waits for the one that it replaced, which still runs; the rest of its lane does not.
  const behind = key === null ? undefined : firstFreeFollower(sql, line, key);
  return behind === undefined ? [] : [behind];
}

const headColumns = `q.job, q.id, q.rank, q.ready_from, q.concurrency_key,
  q.attempt, q.epoch, q.cost_usd, q.tokens, q.run_at, q.delay_ms, q.waiting_for_json,
  q.key IS NOT NULL AND EXISTS (
    SELECT 1 FROM running r INDEXED BY running_key WHERE r.key IS NOT NULL AND r.key = q.key) AS held`;

// The limit is an expression: of a bare parameter SQLite would look at the value, and plan anew for each.
const selectFronts = `
  SELECT 'fronts' AS place, ${headColumns} FROM fronts q WHERE q.line = ? AND (q.rank, q.id) > (?, ?)
    AND (q.concurrency_key IS NULL OR ? > (
      SELECT count(*) FROM running r INDEXED BY running_lane
      WHERE r.concurrency_key IS NOT NULL AND r.concurrency_key = q.concurrency_key))
  ORDER BY q.rank, q.id LIMIT (? + 0)`;

const selectFreeFollower = `
  SELECT 'followers' AS place, ${headColumns} FROM followers q
  WHERE q.concurrency_key = ? AND q.line = ? AND held = 0 ORDER BY q.rank, q.id LIMIT 1`;

interface FrontsQuery {
  readonly perKey: number;
  readonly after: Position;
  readonly count: number;
}

/** The next fronts of the line whose concurrency key has room. */
function frontsAfter(sql: Sql, line: string, { perKey, after, count }: FrontsQuery): readonly Head[] {
  return sql.all(
    selectFronts,
    line,
    after.rank,
    after.id,
    perKey,
    count,
  ) as readonly unknown[] as readonly Head[];
}

/** The first follower of a lane that no running job with the same idempotency key holds up. */
function firstFreeFollower(sql: Sql, line: string, key: string): Head | undefined {
  return sql.get(selectFreeFollower, key, line) as Head | undefined;
}
