/** Read-only queries about jobs, for users and for the scheduler's pace. */
import {
  type JobPage,
  type JobQuery,
  type JobRecord,
  type JobStateKind,
  type QueueStats,
  clockSetBackMsMin,
  isTerminal,
  listLimitDefault,
  listLimitMax,
  matchesQuery,
} from "@agentcore/scheduler";
import { isWaiting } from "../schema/schema-queue.ts";
import { toColumn } from "../store/plain-text.ts";
import type { Sql, SqlRow, SqlValue } from "../store/sql.ts";
import { findByAnyId, recordsOf } from "./job-row.ts";

/** The newest first. */
export async function list(sql: Sql, query: JobQuery): Promise<JobPage> {
  const limit = Math.min(Math.max(1, query.limit ?? listLimitDefault), listLimitMax);
  const found: JobRecord[] = [];
  let { before } = query;
  for (;;) {
    const page = recordsOf(await matching(sql, { ...query, before }, limit + 1));
    found.push(...page.filter((record) => isMatch(record, query)));
    if (found.length > limit || page.length <= limit) break;
    before = page.at(-1)?.job.id;
  }
  const jobs = found.slice(0, limit);
  return { jobs, next: found.length > limit ? (jobs.at(-1)?.job.id ?? null) : null };
}

export async function count(sql: Sql, query: JobQuery): Promise<number> {
  const { text, values } = conditionOf(query);
  if (query.text === undefined) {
    const row = await sql.get(`SELECT count(*) AS jobs FROM ${source(query)} WHERE ${text}`, ...values);
    return Number(row?.["jobs"]);
  }
  let jobs = 0;
  for (let before = query.before; ;) {
    const page = recordsOf(await matching(sql, { ...query, before }, listLimitMax));
    jobs += page.filter((record) => isMatch(record, query)).length;
    if (page.length < listLimitMax) return jobs;
    before = page.at(-1)?.job.id;
  }
}

/** Rows of `job_rows` that may match, the newest first. */
export async function matching(sql: Sql, query: JobQuery, limit: number): Promise<readonly SqlRow[]> {
  const { text, values } = conditionOf(query);
  return sql.all(
    `SELECT r.* FROM (SELECT j.number FROM ${source(query)} WHERE ${text} ORDER BY j.id DESC LIMIT ${limit}) found
     JOIN job_rows r ON r.number = found.number ORDER BY r.id DESC`,
    ...values,
  );
}

/** The condition on the text of a job may be met by another part of it. */
export const isMatch = (record: JobRecord, { text }: JobQuery): boolean =>
  text === undefined || matchesQuery(record, { text });

/** Without what the query does not ask for. */
const source = ({ workspace, labels, text }: JobQuery): string =>
  workspace === undefined && labels === undefined && text === undefined
    ? "jobs j"
    : "jobs j LEFT JOIN job_texts t ON t.job = j.number";

interface Condition {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

/** The query as a condition on `j`, a row of `jobs`, and `t`, its text. */
function conditionOf(query: JobQuery): Condition {
  const values: SqlValue[] = [];
  const conditions: string[] = ["TRUE"];
  const given = (
    value: SqlValue | undefined,
    type: string,
    condition: (placeholder: string) => string,
  ): void => {
    if (value !== undefined) conditions.push(condition(`$${values.push(value)}::${type}`));
  };
  const column = (text: string | undefined): string | undefined => text && toColumn(text);
  const groups = (name: string) => (value: string) =>
    `j.claim_group IN (SELECT number FROM claim_groups WHERE ${name} = ${value})`;
  if (query.states !== undefined)
    conditions.push(`(${query.states.map((state) => inState[state]).join(" OR ") || "FALSE"})`);
  given(column(query.worker), "text", groups("worker"));
  given(column(query.tenant), "text", groups("tenant"));
  given(column(query.workspace), "text", (value) => `t.folder = ${value}`);
  given(
    query.text && asJson(query.text),
    "text",
    (value) => `strpos(lower(t.job_json COLLATE "C"), ${value}) > 0`,
  );
  given(column(query.key), "text", (value) => `j.key = ${value}`);
  given(query.labels && labelsOf(query.labels), "text[]", (value) => `t.labels @> ${value}`);
  given(column(query.code), "text", (value) => `j.state IN ('dead', 'cancelled') AND j.end_code = ${value}`);
  given(query.errorClass, "text", (value) => `j.error_class = ${value}`);
  if (query.notReplayed === true) conditions.push("j.replayed_as IS NULL");
  if (query.notPieces === true) conditions.push("j.piece_of IS NULL");
  given(
    query.ids?.map((id) => toColumn(id)),
    "text[]",
    (value) => `j.id = ANY (${value})`,
  );
  given(
    query.idEndings?.map((ending) => toColumn(ending)),
    "text[]",
    (value) => `right(j.id, char_length((${value})[1])) = ANY (${value})`,
  );
  given(query.submittedBefore, "double precision", (value) => `j.submitted_at < ${value}`);
  given(query.submittedAfter, "double precision", (value) => `j.submitted_at >= ${value}`);
  given(query.endedBefore, "double precision", (value) => `j.ended_at < ${value}`);
  given(query.endedAfter, "double precision", (value) => `j.ended_at >= ${value}`);
  given(column(query.before), "text", (value) => `j.id < ${value}`);
  return { text: conditions.join(" AND "), values };
}

const labelsOf = (labels: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(labels).map((label) => JSON.stringify(label));

/** As it stands in a JSON string, with the letters A to Z in lower case. */
const asJson = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

const queued = "j.state IN ('ready', 'behind', 'moment', 'key', 'piece')";
const endedAs = (state: JobStateKind): string => `(j.state = '${state}' AND j.end_number IS NOT NULL)`;
const inState: Readonly<Record<JobStateKind, string>> = {
  queued,
  running: "j.state = 'running'",
  succeeded: endedAs("succeeded"),
  dead: endedAs("dead"),
  cancelled: endedAs("cancelled"),
};

export async function endedOf(sql: Sql, jobIds: readonly string[]): Promise<readonly JobRecord[]> {
  const rows = await sql.all(
    `SELECT r.* FROM unnest($1::text[]) WITH ORDINALITY AS asked (id, place) JOIN job_rows r ON r.id = asked.id
     WHERE r.end_number IS NOT NULL ORDER BY asked.place`,
    jobIds.map((id) => toColumn(id)),
  );
  return recordsOf(rows).filter(({ state }) => isTerminal(state));
}

/** The latest end mark; 0: none. */
export async function endMark(sql: Sql): Promise<number> {
  const latest = ["succeeded", "dead", "cancelled"].map(
    (state) => `(SELECT max(end_number) FROM jobs WHERE state = '${state}' AND end_number IS NOT NULL)`,
  );
  const row = await sql.get(`SELECT coalesce(greatest(${latest.join(", ")}), 0) AS latest`);
  return Number(row?.["latest"]);
}

/** Each figure is a count that is kept, or the size of a part of a partial index. */
export async function stats(sql: Sql, now: number): Promise<QueueStats> {
  const waiting = (state: string): string =>
    `(SELECT count(*) FROM jobs WHERE ${isWaiting} AND state = '${state}')`;
  const row = await sql.get(
    `SELECT
       (SELECT coalesce(sum(due), 0) FROM claim_groups) AS due, ${waiting("key")} AS held, ${waiting("moment")} AS delayed,
       (SELECT count(*) FROM jobs WHERE ${isWaiting} AND state = 'moment' AND run_at <= $1)
         + (SELECT count(*) FROM jobs WHERE state = 'moment' AND delay_ms IS NOT NULL AND run_at - delay_ms > $1 + $2 AND run_at > $1)
         AS promoted,
       (SELECT count(*) FROM jobs WHERE state = 'running') AS running,
       (SELECT json_object_agg(state, jobs) FROM job_counts) AS ended,
       (SELECT min(run_at) FROM (
         SELECT run_at FROM jobs WHERE state = 'ready'
         UNION ALL SELECT run_at FROM jobs WHERE ${isWaiting} AND state <> 'piece') w) AS first_run_at`,
    now,
    clockSetBackMsMin,
  );
  const {
    due,
    held,
    delayed,
    promoted,
    running,
    first_run_at: first,
    ended,
  } = row as Record<string, number> & {
    ended: Record<string, number>;
  };
  return {
    ready: due! + held! + promoted!,
    delayed: delayed! - promoted!,
    running: running!,
    succeeded: ended["succeeded"] ?? 0,
    dead: ended["dead"] ?? 0,
    cancelled: ended["cancelled"] ?? 0,
    oldestWaitMs: typeof first === "number" ? Math.max(0, now - first) : 0,
  };
}

/** Reads all due jobs of the tenant: for people, not for every turn. */
export async function aheadOf(sql: Sql, jobId: string, limit: number): Promise<readonly string[]> {
  const found = await findByAnyId(sql, jobId);
  if (found?.record.state.kind !== "queued") return [];
  const { row } = found;
  const ahead = await sql.all(
    `SELECT j.id FROM jobs j WHERE (j.state IN ('ready', 'behind') OR j.state = 'key') AND (j.rank, j.number) < ($1, $2)
       AND j.claim_group IN (
         SELECT o.number FROM claim_groups g JOIN claim_groups o ON o.tenant = g.tenant WHERE g.number = $3)
     ORDER BY j.rank, j.number LIMIT $4`,
    row.rank,
    row.number,
    row.claim_group,
    limit,
  );
  return ahead.map(({ id }) => String(id));
}
