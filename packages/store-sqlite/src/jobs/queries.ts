/** Questions about jobs for people and for the scheduler's pace. They change nothing. */
import {
  clockSetBackMsMin,
  type JobPage,
  type JobQuery,
  type JobRecord,
  type JobStateKind,
  type QueueStats,
} from "@agentcore/scheduler";
import type { SqlValue } from "../driver.ts";
import type { Sql } from "../sql.ts";
import { type CountedKind, firstReadySince, readCount } from "./counts.ts";
import { readableRows, unlessDamaged } from "./damage.ts";
import { findByAnyId, findById, recordsOf } from "./job-row.ts";
import { notPieceLine, parseLine } from "./line.ts";

const listLimitDefault = 100;
const listLimitMax = 1000;

/** A condition on `j`, a row of the view `job_rows`, with its values. */
interface Condition {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

export function list(sql: Sql, query: JobQuery): JobPage {
  const limit = Math.min(Math.max(1, query.limit ?? listLimitDefault), listLimitMax);
  const { text, values } = conditionOf(query);
  const select = `SELECT * FROM job_rows j WHERE ${text}`;
  const rows = readableRows(
    () => sql.all(`${select} ORDER BY j.id DESC LIMIT (? + 0)`, ...values, limit + 1),
    () => sql.all("SELECT seq FROM jobs ORDER BY id DESC").map((row) => Number(row.seq)),
    (seq) => sql.all(`${select} AND j.seq = ?`, ...values, seq),
  ).slice(0, limit + 1);
  const jobs = recordsOf(rows.slice(0, limit));
  return { jobs, next: rows.length > limit ? (jobs.at(-1)?.job.id ?? null) : null };
}

/** The query as SQL. Its text varies only with which fields are given, so few statements are ever prepared. */
export function conditionOf(query: JobQuery): Condition {
  const { states, worker, tenant, key, labels, code, errorClass, ids, before } = query;
  const conditions: (Condition | undefined)[] = [
    states?.length === 1
      ? { text: inState[states[0]!], values: [] }
      : given("j.state IN (SELECT value FROM json_each(?))", states && JSON.stringify(states)),
    given("j.worker = ?", worker),
    given("j.tenant = ?", tenant),
    given("j.key = ?", key),
    given(everyLabel, labels && JSON.stringify(labels)),
    given("j.reason_code = ?", code),
    given("j.result_json ->> '$.errorClass' = ?", errorClass),
    query.notReplayed === true ? { text: "j.replayed_as IS NULL", values: [] } : undefined,
    query.notPieces === true ? { text: notPieceLine("j.line"), values: [] } : undefined,
    given("j.id IN (SELECT value FROM json_each(?))", ids && JSON.stringify(ids)),
    given("j.submitted_at < ?", query.submittedBefore),
    given("j.submitted_at >= ?", query.submittedAfter),
    given("j.ended_at < ?", query.endedBefore),
    given("j.ended_at >= ?", query.endedAfter),
    given("j.id < ?", before),
  ];
  const present = conditions.filter((condition) => condition !== undefined);
  return {
    text: ["TRUE", ...present.map((condition) => condition.text)].join(" AND "),
    values: present.flatMap((condition) => condition.values),
  };
}

/** Conditions on a single state, which the table of that state can answer by itself where it is small. */
const inState: Readonly<Record<JobStateKind, string>> = {
  queued: "j.state = 'queued'",
  running: "j.seq IN (SELECT job FROM running)",
  succeeded: "j.state = 'succeeded'",
  dead: "j.seq IN (SELECT job FROM endings INDEXED BY endings_dead WHERE state = 'dead')",
  cancelled: "j.state = 'cancelled'",
};

/** No wanted label is missing or has another value. */
const everyLabel = `NOT EXISTS (
  SELECT 1 FROM json_each(?) AS wanted WHERE NOT EXISTS (
    SELECT 1 FROM json_each(j.job_json, '$.context.labels') AS label
    WHERE label.key = wanted.key AND label.value = wanted.value))`;

function given(text: string, value: SqlValue | undefined): Condition | undefined {
  return value === undefined ? undefined : { text, values: [value] };
}

export function endedOf(sql: Sql, jobIds: readonly string[]): readonly JobRecord[] {
  return jobIds.flatMap((id) => {
    const record = unlessDamaged(() => findById(sql, id))?.record;
    return record === undefined || record.state.kind === "queued" || record.state.kind === "running"
      ? []
      : record;
  });
}

/** Makes nothing ready, as a claim does; it only looks at when each would be. */
export function nextRunAt(sql: Sql, now: number): number | null {
  const row = sql.get(
    `SELECT run_at FROM delayed WHERE run_at > ? AND (delayed_at IS NULL OR delayed_at <= ?) ORDER BY run_at LIMIT 1`,
    now,
    now + clockSetBackMsMin,
  );
  return row === undefined ? null : Number(row.run_at);
}

export function stats(sql: Sql, now: number): QueueStats {
  const count = (kind: CountedKind): number => readCount(sql, kind);
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

/** Without the pieces of runs; continues with conditions on `d`. */
const delayedJobs = `FROM delayed d CROSS JOIN jobs j ON j.seq = d.job WHERE ${notPieceLine("j.line")}`;

/** Jobs whose moment has come since the last claim, which will make them ready. */
function dueButNotReady(sql: Sql, now: number): number {
  const row = sql.get(
    `SELECT (SELECT count(*) ${delayedJobs} AND d.run_at <= ?)
       + (SELECT count(*) ${delayedJobs} AND d.delayed_at > ?) AS due`,
    now,
    now + clockSetBackMsMin,
  );
  return Number(row?.due);
}

function oldestWaitMs(sql: Sql, now: number): number {
  const row = sql.get(
    `SELECT min(first) AS first FROM (
       ${firstReadySince} UNION ALL SELECT min(d.run_at) AS first ${delayedJobs} AND d.run_at <= ?)`,
    now,
  );
  return row === undefined || row.first === null ? 0 : Math.max(0, now - Number(row.first));
}

/** Reads all ready jobs: for people, not for every turn. */
export function aheadOf(sql: Sql, jobId: string, limit: number): readonly string[] {
  const row = findByAnyId(sql, jobId)?.row;
  if (row?.state !== "queued") return [];
  const place = [row.rank, row.id, parseLine(row.line).tenant];
  const ahead = unlessDamaged(() =>
    sql.all(
      `SELECT rank, id FROM ready WHERE (rank, id) < (?, ?) AND json_extract(line, '$[0]') = ? AND ${notPieceLine("line")}
     UNION ALL
     SELECT rank, id FROM followers WHERE (rank, id) < (?, ?) AND json_extract(line, '$[0]') = ?
     ORDER BY rank, id LIMIT (? + 0)`,
      ...place,
      ...place,
      limit,
    ),
  );
  return (ahead ?? []).map((found) => String(found.id));
}
