/** Read-only queries about jobs, for users and for the scheduler's pace. */
import {
  type JobPage,
  type JobQuery,
  type JobRecord,
  type JobStateKind,
  type QueueStats,
  listLimitDefault,
  listLimitMax,
  runLabel,
} from "@agentcore/scheduler";
import type { SqlValue } from "../driver.ts";
import { isDueInWorkspace, isWaiting } from "../schema-queue.ts";
import type { Sql } from "../sql.ts";
import { readableRows, unlessDamaged } from "./damage.ts";
import { findByAnyId, findById, recordsOf } from "./job-row.ts";
import { countPromoted, nextOfRunning } from "./queue.ts";

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
    () => sql.all("SELECT number FROM jobs ORDER BY id DESC").map((row) => Number(row.number)),
    (number) => sql.all(`${select} AND j.number = ?`, ...values, number),
  ).slice(0, limit + 1);
  const jobs = recordsOf(rows.slice(0, limit));
  return { jobs, next: rows.length > limit ? (jobs.at(-1)?.job.id ?? null) : null };
}

/** Damaged rows count too: reading them all would cost more than the figure is worth. */
export function count(sql: Sql, query: JobQuery): number {
  const { text, values } = conditionOf(query);
  return Number(sql.values(`SELECT count(*) FROM job_rows j WHERE ${text}`, ...values)?.[0]);
}

/** The query as SQL. Its text depends only on which fields are given, so few statements are prepared. */
export function conditionOf(query: JobQuery): Condition {
  const { states, worker, tenant, key, labels, code, errorClass, ids, idEndings, before } = query;
  const conditions: (Condition | undefined)[] = [
    states && { text: `(${states.map((state) => inState[state]).join(" OR ") || "FALSE"})`, values: [] },
    given("j.claim_group IN (SELECT number FROM claim_groups WHERE worker = ?)", worker),
    given("j.claim_group IN (SELECT number FROM claim_groups WHERE tenant = ?)", tenant),
    given("j.job_json ->> '$.task.workspace' = ?", query.workspace),
    given("instr(lower(j.job_json ->> '$.task.instructions'), lower(?)) > 0", query.text),
    given("j.key = ?", key),
    given(everyLabel, labels && JSON.stringify(labels)),
    given("j.state IN ('dead', 'cancelled') AND j.reason_json ->> '$.code' = ?", code),
    given("j.result_json ->> '$.errorClass' = ?", errorClass),
    query.notReplayed === true ? { text: "j.replayed_as IS NULL", values: [] } : undefined,
    query.notPieces === true ? { text: `${labelOfRun} IS NULL`, values: [] } : undefined,
    given("j.id IN (SELECT value FROM json_each(?))", ids && JSON.stringify(ids)),
    idEndings && {
      text: "substr(j.id, 0 - ?) IN (SELECT value FROM json_each(?))",
      values: [idEndings[0]?.length ?? 1, JSON.stringify(idEndings)],
    },
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

/** Conditions on a single state, for which a partial index exists. */
const queuedNumbers = ["state = 'ready'", isDueInWorkspace, isWaiting]
  .map((is) => `SELECT number FROM jobs WHERE ${is}`)
  .join(" UNION ALL ");
const endedAs = (state: JobStateKind): string => `j.state = '${state}' AND j.end_number IS NOT NULL`;
const inState: Readonly<Record<JobStateKind, string>> = {
  queued: `j.number IN (${queuedNumbers})`,
  running: "j.number IN (SELECT number FROM jobs WHERE state = 'running')",
  succeeded: endedAs("succeeded"),
  dead: endedAs("dead"),
  cancelled: endedAs("cancelled"),
};

const labelOfRun = `j.job_json ->> '$.context.labels."${runLabel}"'`;

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

/** Counted on request: each figure is the size of a small table, or of a part of a partial index. */
export function stats(sql: Sql, now: number): QueueStats {
  const count = (from: string): number => Number(sql.values(`SELECT count(*) FROM ${from}`)?.[0]);
  const ended = (as: JobStateKind): number => count(`jobs WHERE state = '${as}' AND end_number IS NOT NULL`);
  const promoted = countPromoted(sql, now);
  return {
    ready:
      Number(sql.values("SELECT sum(due) FROM claim_groups")?.[0]) +
      count(`jobs WHERE ${isWaiting} AND state = 'key'`) +
      promoted,
    delayed: count(`jobs WHERE ${isWaiting} AND state = 'moment'`) - promoted,
    running: count("jobs WHERE state = 'running'"),
    succeeded: ended("succeeded"),
    dead: count("jobs WHERE state = 'dead' AND end_number IS NOT NULL AND replayed_as IS NULL"),
    cancelled: ended("cancelled"),
    oldestWaitMs: oldestWaitMs(sql, now),
  };
}

function oldestWaitMs(sql: Sql, now: number): number {
  const first = sql.values(
    `SELECT min(run_at) FROM (SELECT run_at FROM jobs WHERE state = 'ready'
       UNION ALL SELECT run_at FROM jobs WHERE number IN (${nextOfRunning})
       UNION ALL SELECT run_at FROM jobs WHERE ${isWaiting} AND state <> 'piece')`,
  )?.[0];
  return typeof first === "number" ? Math.max(0, now - first) : 0;
}

/** Reads all due jobs of the tenant: for people, not for every turn. */
export function aheadOf(sql: Sql, jobId: string, limit: number): readonly string[] {
  const found = findByAnyId(sql, jobId);
  if (found?.record.state.kind !== "queued") return [];
  const { row } = found;
  const ahead = sql.all(
    `SELECT j.id FROM jobs j JOIN claim_groups g ON g.number = j.claim_group
     WHERE j.number IN (${queuedNumbers}) AND j.state IN ('ready', 'behind', 'key') AND (j.rank, j.number) < (?, ?) AND g.tenant = (SELECT tenant FROM claim_groups WHERE number = ?)
     ORDER BY j.rank, j.number LIMIT (? + 0)`,
    row.rank,
    row.number,
    row.claim_group,
    limit,
  );
  return ahead.map((found) => String(found.id));
}
