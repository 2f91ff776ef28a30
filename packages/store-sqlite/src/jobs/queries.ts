/** Questions about jobs for people and for the scheduler's pace. They change nothing. */
import type { JobPage, JobQuery, JobRecord, QueueStats } from "@agentcore/scheduler";
import type { SqlValue } from "../driver.ts";
import type { Sql } from "../sql.ts";
import { type CountedKind, readCounts } from "./counts.ts";
import { clockSetBackMsMin } from "./lanes.ts";
import { findByAnyId, findById, recordsOf, selectJob } from "./job-row.ts";

const listLimitDefault = 100;
const listLimitMax = 1000;

/** A condition on `j` (the job) and `t` (its text), with its values. */
interface Condition {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

export function list(sql: Sql, query: JobQuery): JobPage {
  const limit = Math.min(Math.max(1, query.limit ?? listLimitDefault), listLimitMax);
  const { text, values } = conditionOf(query);
  const rows = sql.all(`${selectJob} WHERE ${text} ORDER BY j.id DESC LIMIT ?`, ...values, limit + 1);
  const jobs = recordsOf(rows.slice(0, limit));
  return { jobs, next: rows.length > limit ? (jobs.at(-1)?.job.id ?? null) : null };
}

/** The query as SQL. Its text varies only with which fields are given, so few statements are ever prepared. */
export function conditionOf(query: JobQuery): Condition {
  const { states, worker, tenant, key, labels, code, ids, submittedBefore, before } = query;
  const conditions: (Condition | undefined)[] = [
    // A single state as a literal, so that the index of that state can serve it.
    states?.length === 1
      ? { text: `j.state = '${states[0]}'`, values: [] }
      : given("j.state IN (SELECT value FROM json_each(?))", states && JSON.stringify(states)),
    given("j.line IN (SELECT line FROM lines WHERE worker = ?)", worker),
    given("j.line IN (SELECT line FROM lines WHERE tenant = ?)", tenant),
    given("j.key = ?", key),
    given(everyLabel, labels && JSON.stringify(labels)),
    given("j.reason_code = ?", code),
    query.notReplayed === true ? { text: "j.replayed_as IS NULL", values: [] } : undefined,
    given("j.id IN (SELECT value FROM json_each(?))", ids && JSON.stringify(ids)),
    given("j.submitted_at < ?", submittedBefore),
    given("j.id < ?", before),
  ];
  const present = conditions.filter((condition) => condition !== undefined);
  return {
    text: ["TRUE", ...present.map((condition) => condition.text)].join(" AND "),
    values: present.flatMap((condition) => condition.values),
  };
}

/** No wanted label is missing or has another value. */
const everyLabel = `NOT EXISTS (
  SELECT 1 FROM json_each(?) AS wanted WHERE NOT EXISTS (
    SELECT 1 FROM json_each(t.job_json, '$.context.labels') AS label
    WHERE label.key = wanted.key AND label.value = wanted.value))`;

function given(text: string, value: SqlValue | undefined): Condition | undefined {
  return value === undefined ? undefined : { text, values: [value] };
}

export function endedOf(sql: Sql, jobIds: readonly string[]): readonly JobRecord[] {
  return jobIds.flatMap((id) => {
    const record = findById(sql, id)?.record;
    return record === undefined || record.state.kind === "queued" || record.state.kind === "running"
      ? []
      : record;
  });
}

/** Moves nothing from delayed to ready, as a claim does; it only looks at when each would be. */
export function nextRunAt(sql: Sql, now: number): number | null {
  const row = sql.get(
    `SELECT run_at FROM jobs INDEXED BY jobs_queued
     WHERE state = 'queued' AND ready = 0 AND run_at > ? AND (delayed_at IS NULL OR delayed_at <= ?)
     ORDER BY run_at LIMIT 1`,
    now,
    now + clockSetBackMsMin,
  );
  return row === undefined ? null : Number(row.run_at);
}

export function stats(sql: Sql, now: number): QueueStats {
  const counts = readCounts(sql);
  const count = (kind: CountedKind): number => counts.get(kind) ?? 0;
  const due = dueButNotReady(sql, now);
  return {
    ready: count("ready") + due,
    delayed: count("delayed") - due,
    running: count("running"),
    succeeded: count("succeeded"),
    dead: count("dead"),
    cancelled: count("cancelled"),
    oldestWaitMs: oldestWaitMs(sql, now),
  };
}

/** Jobs whose moment has come since the last claim, which will make them ready. */
function dueButNotReady(sql: Sql, now: number): number {
  const row = sql.get(
    `SELECT (SELECT count(*) FROM jobs INDEXED BY jobs_queued WHERE state = 'queued' AND ready = 0 AND run_at <= ?1)
       + (SELECT count(*) FROM jobs INDEXED BY jobs_delayed
          WHERE state = 'queued' AND ready = 0 AND delayed_at IS NOT NULL AND delayed_at > ?2) AS due`,
    now,
    now + clockSetBackMsMin,
  );
  return Number(row?.due);
}

function oldestWaitMs(sql: Sql, now: number): number {
  const firsts = [0, 1].map((ready) => {
    const row = sql.get(
      `SELECT run_at FROM jobs INDEXED BY jobs_queued WHERE state = 'queued' AND ready = ? AND run_at <= ?
       ORDER BY run_at LIMIT 1`,
      ready,
      now,
    );
    return row === undefined ? now : Number(row.run_at);
  });
  return now - Math.min(...firsts);
}

/** Reads all ready jobs of the tenant: for people, not for every turn. */
export function aheadOf(sql: Sql, jobId: string, limit: number): readonly string[] {
  const row = findByAnyId(sql, jobId)?.row;
  if (row?.state !== "queued") return [];
  const ahead = sql.all(
    `SELECT id FROM jobs WHERE state = 'queued' AND ready = 1 AND (rank, id) < (?, ?) AND line IN (
       SELECT line FROM lines WHERE tenant = (SELECT tenant FROM lines WHERE line = ?))
     ORDER BY rank, id LIMIT ?`,
    row.rank,
    row.id,
    row.line,
    limit,
  );
  return ahead.map((found) => String(found.id));
}
