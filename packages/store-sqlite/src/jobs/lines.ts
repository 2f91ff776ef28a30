/**
 * The lines that a claim may take from, each with the jobs at its head. Heads are read ahead, as many as the claim may take,
 * because nobody else can write while its transaction lasts; what the claim itself does to them is followed here.
 */
import type { ClaimRequest } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import type { ReadyRow } from "./job-row.ts";
import type { JobSql } from "./job-sql.ts";
import { type Line, isExcluded, parseLine } from "./line.ts";
import { type Crowd, type ReadJob, createPassedJobs, passedMax } from "./passed-jobs.ts";
import type { Position } from "./queue.ts";

export interface OpenLine extends Line {
  /** The first job that may run now; undefined where there is none, or none was found yet (see `Crowd`). */
  head(): ReadyRow | undefined;
  /** Follows the claim of a job, of this line or another. */
  claimed(head: ReadyRow): void;
  /** Moves what was passed over out of the way. */
  close(): void;
}

/** Jobs read at once: first as many as the claim may take, then more each time. */
const readAheadMax = 64;
const readAheadGrowth = 8;
const readAgainMax = 512;

const beginning: Position = { rank: -Infinity, id: "" };

/** Every line that has ready jobs and is not excluded, those of pieces left out, by skipping from one to the next in the index. */
export function openLines(sql: JobSql, request: ClaimRequest, crowd: Crowd): readonly OpenLine[] {
  const lines: OpenLine[] = [];
  for (let line = lineAfter(sql, ""); line !== undefined; line = lineAfter(sql, line)) {
    const names = parseLine(line);
    if (!names.isPiece && !isExcluded(names, request.exclude))
      lines.push({ ...names, ...createHeads(sql, line, { request, crowd }) });
  }
  return lines;
}

function lineAfter(sql: Sql, line: string): string | undefined {
  return sql.values("SELECT line FROM ready WHERE line > ? ORDER BY line LIMIT 1", line)?.[0] as
    | string
    | undefined;
}

interface Claim {
  readonly request: ClaimRequest;
  readonly crowd: Crowd;
}

/** More than ever run with one concurrency key. */
const noneIsHidden = 2 ** 31;

function createHeads(
  sql: JobSql,
  line: string,
  { request, crowd }: Claim,
): Pick<OpenLine, "head" | "claimed" | "close"> {
  const passed = createPassedJobs(sql, line, request, crowd);
  let heads: ReadyRow[] = [];
  /** The last job that was read; null: all were. */
  let readTo: Position | null = beginning;
  /** Concurrency keys that had a claim; with `perKey` 1 they are closed. */
  const taken = new Set<string>();
  let left = request.limit;
  let readAhead = Math.min(left, readAheadMax);
  const hiddenFrom = crowd.isLookedAt ? noneIsHidden : request.perKey;

  const readMore = (after: Position): void => {
    const count = readAhead;
    const jobs = readyAfter(sql, line, { after, count, hiddenFrom });
    readAhead = Math.min(readAheadGrowth * readAhead, readAgainMax);
    readTo = jobs.length < count ? null : jobs.at(-1)!;
    for (const job of jobs) {
      const seen = passed.see(job);
      if (seen === "claimable") heads.push(job);
      if (seen !== "changed") continue;
      readTo = job;
      return;
    }
  };

  return {
    head() {
      for (;;) {
        const first = heads[0];
        if (first !== undefined) {
          if (first.concurrency_key === null || !taken.has(first.concurrency_key)) return first;
          heads.shift();
        } else if (readTo === null) {
          return undefined;
        } else if (crowd.passed >= passedMax) {
          crowd.cutOff = true;
          return undefined;
        } else {
          readMore(readTo);
        }
      }
    },
    claimed(head) {
      const name = head.concurrency_key;
      left -= 1;
      if (heads[0] === head) {
        heads.shift();
        if (name !== null) passed.claimed(name);
      }
      if (name === null) return;
      if (request.perKey === 1) {
        taken.add(name);
        return;
      }
      // The next of its lane may run as well, and go before what was read.
      passed.clear();
      heads = [];
      readTo = beginning;
      readAhead = Math.min(left, readAheadMax);
    },
    close: () => passed.clear(),
  };
}

// The limit is an expression: of a bare parameter SQLite would look at the value, and plan anew for each.
const selectReady = `
  SELECT q.rank, q.id, q.job, q.ready_from, q.key, q.concurrency_key,
    q.key IS NOT NULL AND EXISTS (
      SELECT 1 FROM running r INDEXED BY running_key WHERE r.key IS NOT NULL AND r.key = q.key) AS held,
    (SELECT count(*) FROM running r WHERE r.lane = q.concurrency_key) AS running
  FROM ready q WHERE q.line = ? AND (q.rank, q.id) > (?, ?) AND running < ?
  ORDER BY q.rank, q.id LIMIT (? + 0)`;

type ReadValues = readonly [number, string, number, number, string | null, string | null, number, number];

interface Reading {
  readonly after: Position;
  readonly count: number;
  /** As many running jobs of its concurrency key hide a job. */
  readonly hiddenFrom: number;
}

function readyAfter(sql: Sql, line: string, { after, count, hiddenFrom }: Reading): readonly ReadJob[] {
  return sql.allValues(selectReady, line, after.rank, after.id, hiddenFrom, count).map((values) => {
    const [rank, id, job, readyFrom, key, lane, held, running] = values as ReadValues;
    return { line, rank, id, job, ready_from: readyFrom, key, concurrency_key: lane, held, running };
  });
}
