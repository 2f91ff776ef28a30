/**
 * Writes all that a call changed in one statement. Its parts see the tables as they were before it, and none sees what another
 * writes; so the place of a job that becomes due follows from the first due job of its workspace that the call did not change, and
 * from the first that it did.
 */
import { type Place, isTerminal } from "@agentcore/scheduler";
import { isDueInWorkspace } from "../schema/schema-queue.ts";
import { toColumn } from "../store/plain-text.ts";
import type { Rows } from "../store/reading.ts";
import { Reading } from "../store/reading.ts";
import type { Sql } from "../store/sql.ts";
import { type Draft, type DraftedDecision, type DraftedJob, endFacts, isDue } from "./draft.ts";
import type { JobRow } from "./job-row.ts";

/** Writes the draft; reads the texts of some jobs with it. */
export async function writeDraft(
  sql: Sql,
  draft: Draft,
  { textsOf = [] }: { readonly textsOf?: readonly number[] } = {},
): Promise<ReadonlyMap<number, string>> {
  const writing = new Writing();
  writeJobs(writing, draft);
  writeHistory(writing, draft);
  writeCounts(writing, draft);
  if (writing.isEmpty && textsOf.length === 0) return new Map();
  const texts = await writing.run(sql, textsOf);
  return new Map(texts.map(({ job, job_json }) => [Number(job), String(job_json)]));
}

/** The parts of the statement. */
class Writing {
  readonly #reading = new Reading<"texts">();
  isEmpty = true;

  part(name: string, statement: string): void {
    this.#reading.common(`${name} AS (${statement})`);
    this.isEmpty = false;
  }

  /** A part for rows that are passed as JSON, unless there are none. `statement` names them `c`. */
  rows(name: string, columns: string, rows: readonly object[], statement: (source: string) => string): void {
    if (rows.length > 0) this.part(name, statement(this.source(columns, rows)));
  }

  source(columns: string, rows: readonly object[]): string {
    return `json_to_recordset(${this.value(JSON.stringify(rows), "json")}) AS c(${columns})`;
  }

  value(value: Parameters<Reading<"texts">["value"]>[0], type: string): string {
    return this.#reading.value(value, type);
  }

  async run(sql: Sql, textsOf: readonly number[]): Promise<Rows> {
    const jobs = this.value(textsOf, "bigint[]");
    this.#reading.add("texts", `SELECT job, job_json FROM job_texts WHERE job = ANY (${jobs})`);
    return (await this.#reading.read(sql)).texts;
  }
}

interface Moved {
  readonly row: JobRow;
  readonly was: Place | null;
}

// --- Jobs ---------------------------------------------------------------------------------------------------------------

/** The columns that a transition can change. */
const changing = [
  "state text",
  "rank double precision",
  "ready_from double precision",
  "run_at double precision",
  "delay_ms double precision",
  "attempt bigint",
  "epoch bigint",
  "cost_usd double precision",
  "tokens double precision",
  "owner text",
  "claimed_at double precision",
  "started_json text",
  "reason_json text",
  "ended_at double precision",
  "end_code text",
  "error_class text",
  "replayed_as text",
];
const assignments = changing
  .map((column) => column.split(" ")[0]!)
  .filter((name) => name !== "state")
  .map((name) => `${name} = c.${name}`)
  .join(", ");

function writeJobs(writing: Writing, draft: Draft): void {
  const jobs = [...draft.jobs.values()];
  const isNew = ({ was }: DraftedJob): boolean => was === null;
  const released = draft.released.map((row) => ({ row, was: "key" as const }));
  const moved: readonly Moved[] = [...jobs, ...released];
  const state = writeLanes(writing, moved);
  writing.rows(
    "changed_jobs",
    `number bigint, ends boolean, ${changing.join(", ")}`,
    [...jobs.filter((job) => !isNew(job)).map(changedRow), ...draft.released.map(releasedRow)],
    (source) =>
      `UPDATE jobs j SET state = ${state}, ${assignments},
         end_number = CASE WHEN c.ends THEN nextval('end_numbers') ELSE j.end_number END
       FROM ${source} WHERE j.number = c.number`,
  );
  const added = jobs.filter(isNew);
  if (added.length === 0) return;
  writing.part(
    "new_jobs",
    `INSERT INTO jobs (number, id, state, claim_group, workspace, key, piece_of, submitted_at, ready_from, rank, run_at, delay_ms,
       attempt, epoch, cost_usd, tokens, reason_json, ended_at, end_number, end_code)
     SELECT number, id, ${state}, claim_group, workspace, key, piece_of, submitted_at, ready_from, rank, run_at, delay_ms,
       0, 0, 0, 0, reason_json, ended_at, CASE WHEN ended_at IS NULL THEN NULL ELSE nextval('end_numbers') END, end_code
     FROM ${writing.source(
       `number bigint, id text, state text, claim_group bigint, workspace text, key text, piece_of text,
       submitted_at double precision, ready_from double precision, rank double precision, run_at double precision,
       delay_ms double precision, reason_json text, ended_at double precision, end_code text`,
       added.map(newRow),
     )}`,
  );
  writing.rows(
    "new_texts",
    "job bigint, job_json text, folder text, labels json",
    added.map(textRow),
    (source) =>
      `INSERT INTO job_texts (job, job_json, folder, labels)
     SELECT job, job_json, folder, ARRAY(SELECT json_array_elements_text(labels)) FROM ${source}`,
  );
}

function changedRow({ row, record, was }: DraftedJob) {
  const wasEnded = was === "succeeded" || was === "dead" || was === "cancelled";
  return { ...columnsOf(row), ...endFacts(record), ends: isTerminal(record.state) && !wasEnded };
}

const releasedRow = (row: JobRow) => ({ ...columnsOf(row), ends: false });

function newRow({ row, record }: DraftedJob) {
  return { ...columnsOf(row), ...endFacts(record) };
}

function columnsOf(row: JobRow) {
  return {
    ...row,
    workspace: toColumn(row.workspace),
    key: toColumn(row.key),
    piece_of: toColumn(row.piece_of),
    replayed_as: toColumn(row.replayed_as),
  };
}

function textRow({ row, record: { job }, jobJson }: DraftedJob) {
  return {
    job: row.number,
    job_json: jobJson,
    folder: toColumn(job.task.workspace),
    labels: Object.entries(job.context.labels).map((label) => JSON.stringify(label)),
  };
}

// --- Places -------------------------------------------------------------------------------------------------------------

/** A claim group and workspace, whose first due job is ready. */
interface Lane {
  readonly workspace: string;
  readonly claim_group: number;
  /** The first of the due jobs that the call changed or added. */
  number: number | null;
  rank: number | null;
}

/** Keeps exactly the first due job of each lane ready. Returns the place of a changed job, `c`, as an expression. */
function writeLanes(writing: Writing, moved: readonly Moved[]): string {
  const lanes = lanesOf(moved);
  if (lanes.length === 0) return "c.state";
  const changed = writing.value(
    moved.map(({ row }) => row.number),
    "bigint[]",
  );
  const source = writing.source(
    "workspace text, claim_group bigint, number bigint, rank double precision",
    lanes,
  );
  writing.part(
    "lanes",
    `SELECT o.number AS other, o.state AS other_state, CASE
         WHEN o.number IS NULL THEN c.number
         WHEN c.number IS NULL THEN o.number
         WHEN (o.rank, o.number) < (c.rank, c.number) THEN o.number
         ELSE c.number END AS first
     FROM ${source} LEFT JOIN LATERAL (
       SELECT number, rank, state FROM jobs
       WHERE ${isDueInWorkspace} AND workspace = c.workspace AND claim_group = c.claim_group AND number <> ALL (${changed})
       ORDER BY rank, number LIMIT 1) o ON true`,
  );
  const place = "CASE WHEN l.other = l.first THEN 'ready' ELSE 'behind' END";
  writing.part(
    "other_jobs",
    `UPDATE jobs j SET state = ${place} FROM lanes l WHERE j.number = l.other AND l.other_state <> ${place}`,
  );
  return "CASE WHEN c.state = 'behind' AND c.number IN (SELECT first FROM lanes) THEN 'ready' ELSE c.state END";
}

function lanesOf(moved: readonly Moved[]): readonly Lane[] {
  const lanes = new Map<string, Lane>();
  for (const { row, was } of moved) {
    const { number, rank, workspace, claim_group, state } = row;
    if (workspace === null || !(isDue(was) || isDue(state))) continue;
    const id = `${claim_group} ${workspace}`;
    const lane = lanes.get(id) ?? { workspace: toColumn(workspace), claim_group, number: null, rank: null };
    lanes.set(id, lane);
    if (!isDue(state)) continue;
    if (lane.number !== null && (lane.rank! < rank || (lane.rank === rank && lane.number < number))) continue;
    lane.number = number;
    lane.rank = rank;
  }
  return [...lanes.values()];
}

// --- History and keys ---------------------------------------------------------------------------------------------------

function writeHistory(writing: Writing, draft: Draft): void {
  writing.rows(
    "ended_attempts",
    `job bigint, attempt bigint, owner text, claimed_at double precision, started_json text, ended_at double precision,
     result_json text, decision text`,
    [...draft.attempts.values()],
    (source) =>
      `INSERT INTO attempts (job, attempt, owner, claimed_at, started_json, ended_at, result_json, decision)
       SELECT job, attempt, owner, claimed_at, started_json, ended_at, result_json, decision FROM ${source}
       ON CONFLICT (job, attempt) DO UPDATE SET owner = excluded.owner, claimed_at = excluded.claimed_at,
         started_json = excluded.started_json, ended_at = excluded.ended_at, result_json = excluded.result_json,
         decision = excluded.decision`,
  );
  const keys = [...draft.keys].map(([key, { job, holds }]) => ({ key: toColumn(key), job, holds }));
  writing.rows(
    "taken_keys",
    "key text, job bigint",
    keys.filter(({ holds }) => holds),
    (source) =>
      `INSERT INTO key_holders (key, job) SELECT key, job FROM ${source}
     ON CONFLICT (key) DO UPDATE SET job = excluded.job`,
  );
  writing.rows(
    "freed_keys",
    "key text, job bigint",
    keys.filter(({ holds }) => !holds),
    (source) => `DELETE FROM key_holders k USING ${source} WHERE k.key = c.key AND k.job = c.job`,
  );
  writing.rows(
    "new_aliases",
    "alias text, job bigint",
    [...draft.aliases].map(([alias, job]) => ({ alias, job })),
    (source) => `INSERT INTO aliases (alias, job) SELECT alias, job FROM ${source}`,
  );
  writing.rows(
    "late",
    "job_id text, attempt bigint, epoch bigint, at double precision, kind text, result_json text",
    draft.lateResults.map(({ ref, at, kind, result }) => ({
      job_id: ref.jobId,
      attempt: ref.attempt,
      epoch: ref.epoch,
      at,
      kind,
      result_json: JSON.stringify(result),
    })),
    (source) =>
      `INSERT INTO late_results (job_id, attempt, epoch, at, kind, result_json)
       SELECT job_id, attempt, epoch, at, kind, result_json FROM ${source}`,
  );
  writing.rows(
    "made_decisions",
    `job bigint, place bigint, at double precision, attempt bigint, type text, code text, message text, evidence_json text,
     count bigint, last_at double precision`,
    [...draft.decisions.values()].map(decisionRow),
    (source) =>
      `INSERT INTO decisions (job, place, at, attempt, type, code, message, evidence_json, count, last_at)
       SELECT job, place, at, attempt, type, code, message, evidence_json, count, last_at FROM ${source}
       ON CONFLICT (job, place) DO UPDATE SET message = excluded.message, evidence_json = excluded.evidence_json,
         count = excluded.count, last_at = excluded.last_at`,
  );
  writing.rows(
    "old_decisions",
    "job bigint, place bigint",
    [...draft.oldDecisions].map(([job, place]) => ({ job, place })),
    (source) => `DELETE FROM decisions d USING ${source} WHERE d.job = c.job AND d.place <= c.place`,
  );
}

/** Nothing but columns: PostgreSQL reads the whole JSON, and refuses U+0000 in any of its texts. */
function decisionRow({ job, place, decision }: DraftedDecision) {
  const { at, attempt, type, code, message, evidence, count, lastAt } = decision;
  return {
    job,
    place,
    at,
    attempt,
    type,
    code: toColumn(code),
    message: toColumn(message),
    evidence_json: JSON.stringify(evidence),
    count,
    last_at: lastAt,
  };
}

// --- Counts -------------------------------------------------------------------------------------------------------------

function writeCounts(writing: Writing, draft: Draft): void {
  const due = new Counts<number>();
  const ended = new Counts<string>();
  for (const { row, was, record } of draft.jobs.values()) {
    due.add(row.claim_group, Number(isDue(row.state)) - Number(isDue(was)));
    const isReplayed = record.state.kind === "dead" && record.state.replayedAs !== null;
    if (was === "dead" && isReplayed) ended.add("dead", -1);
    else if (was !== row.state && isTerminal(record.state) && !isReplayed) ended.add(row.state, 1);
  }
  for (const { claim_group } of draft.released) due.add(claim_group, 1);
  writing.rows(
    "due_counts",
    "number bigint, change bigint",
    due.changes("number"),
    (source) => `UPDATE claim_groups g SET due = g.due + c.change FROM ${source} WHERE g.number = c.number`,
  );
  writing.rows(
    "ended_counts",
    "state text, change bigint",
    ended.changes("state"),
    (source) => `UPDATE job_counts n SET jobs = n.jobs + c.change FROM ${source} WHERE n.state = c.state`,
  );
  writing.rows(
    "served_tenants",
    "tenant text, served_at double precision",
    [...draft.served].map(([tenant, served_at]) => ({ tenant, served_at })),
    (source) =>
      `INSERT INTO tenants (tenant, served_at) SELECT tenant, served_at FROM ${source}
       ON CONFLICT (tenant) DO UPDATE SET served_at = excluded.served_at`,
  );
}

class Counts<Key> {
  readonly #changes = new Map<Key, number>();

  add(key: Key, change: number): void {
    if (change !== 0) this.#changes.set(key, (this.#changes.get(key) ?? 0) + change);
  }

  changes(name: string): readonly object[] {
    return [...this.#changes]
      .filter(([, change]) => change !== 0)
      .map(([key, change]) => ({ [name]: key, change }));
  }
}
