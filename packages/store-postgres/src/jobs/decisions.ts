/** The history of a job: its decisions, attempts and late results. */
import {
  type AttemptRecord,
  type Decision,
  type LateResult,
  type NewDecision,
  attemptOf,
  decisionOf,
  decisionsPerJobMax,
  lateResultsOf,
} from "@agentcore/scheduler";
import { fromColumn, toColumn } from "../store/plain-text.ts";
import { Reading, type Rows } from "../store/reading.ts";
import type { Sql } from "../store/sql.ts";
import { Draft } from "./draft.ts";
import { writeDraft } from "./write-draft.ts";

/** Adds a query for the jobs that the decisions are about, each with its latest decision. */
export function addLatestDecisions<Name extends string>(
  reading: Reading<Name>,
  name: Name,
  decisions: readonly NewDecision[],
): void {
  if (decisions.length === 0) return;
  const ids = reading.value([...new Set(decisions.map(({ jobId }) => toColumn(jobId)))], "text[]");
  reading.add(
    name,
    `SELECT j.number, j.id, d.* FROM jobs j LEFT JOIN LATERAL (
       SELECT * FROM decisions WHERE job = j.number ORDER BY place DESC LIMIT 1) d ON true WHERE j.id = ANY (${ids})`,
  );
}

/** A decision that repeats the latest one of its job replaces it. Decisions about unknown jobs are dropped. */
export function draftDecisions(draft: Draft, decisions: readonly NewDecision[], latest: Rows): void {
  const last = new Map(
    latest.map((row) => [
      String(row["id"]),
      {
        job: Number(row["number"]),
        place: Number(row["place"] ?? 0),
        decision: row["place"] === null ? undefined : storedDecision(String(row["id"]), row),
      },
    ]),
  );
  for (const decision of decisions) {
    const before = last.get(decision.jobId);
    if (before === undefined) continue;
    const { job, place, decision: earlier } = before;
    const { at, message, evidence } = decision;
    const repeats =
      earlier !== undefined &&
      earlier.type === decision.type &&
      earlier.code === decision.code &&
      earlier.attempt === decision.attempt;
    const next = repeats
      ? { job, place, decision: { ...earlier, message, evidence, count: earlier.count + 1, lastAt: at } }
      : { job, place: place + 1, decision: { ...decision, count: 1, lastAt: at } };
    last.set(decision.jobId, next);
    draft.decisions.set(`${job}/${next.place}`, next);
    // The oldest make room.
    const old = next.place - decisionsPerJobMax;
    if (old <= 0) continue;
    draft.decisions.delete(`${job}/${old}`);
    draft.oldDecisions.set(job, old);
  }
}

const storedDecision = (jobId: string, row: Rows[number]): Decision =>
  decisionOf(jobId, {
    ...row,
    code: fromColumn(String(row["code"])),
    message: fromColumn(String(row["message"])),
  });

export async function addDecisions(sql: Sql, decisions: readonly NewDecision[]): Promise<void> {
  if (decisions.length === 0) return;
  const reading = new Reading<"latest">();
  addLatestDecisions(reading, "latest", decisions);
  const { latest } = await reading.read(sql);
  const draft = new Draft();
  draftDecisions(draft, decisions, latest);
  await writeDraft(sql, draft);
}

export async function decisionsOf(sql: Sql, jobId: string): Promise<readonly Decision[]> {
  const rows = await sql.all(
    "SELECT d.* FROM decisions d JOIN jobs j ON j.number = d.job WHERE j.id = $1 ORDER BY d.place",
    toColumn(jobId),
  );
  return rows.map((row) => storedDecision(jobId, row));
}

export async function lateResultsOfJob(sql: Sql, jobId: string): Promise<readonly LateResult[]> {
  const rows = await sql.all("SELECT * FROM late_results WHERE job_id = $1 ORDER BY number", toColumn(jobId));
  return lateResultsOf(jobId, rows);
}

export async function attemptsOf(sql: Sql, jobId: string): Promise<readonly AttemptRecord[]> {
  const rows = await sql.all(
    `SELECT a.attempt, a.owner, a.claimed_at, a.started_json, a.ended_at, a.result_json, a.decision
     FROM jobs j JOIN attempts a ON a.job = j.number WHERE j.id = $1
     UNION ALL
     SELECT attempt, owner, claimed_at, started_json, NULL, NULL, NULL FROM jobs WHERE id = $1 AND state = 'running' ORDER BY 1`,
    toColumn(jobId),
  );
  return rows.map((row) => attemptOf(jobId, row));
}
