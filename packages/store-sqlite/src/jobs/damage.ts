/**
 * Handles damaged rows: invalid JSON, a number that this code never stores, a job without its row. A damaged row affects
 * one job. Its readable parts are shown, with placeholders for the rest; if a damaged job is about to run, it is ended as
 * dead, so that people see it.
 */
import { AgentCoreError, type Job, jobSchema } from "@agentcore/contract";
import type { Reason } from "@agentcore/scheduler";
import { attemptsOfJob } from "../schema-queue.ts";
import type { Sql } from "../sql.ts";
import { failureOf } from "../sqlite-error.ts";
import type { JobRow } from "./job-row.ts";
import { countDue, endMark, letNextIn, type QueuedJob } from "./queue.ts";

/** Stand-ins for jobs that cannot be read. */
const standIns = new WeakSet<Job>();

export function isStandIn(job: Job): boolean {
  return standIns.has(job);
}

export function jobOf(text: string, row: Pick<JobRow, "id" | "workspace">): Job {
  const job = jsonOr(text, null) as Partial<Job> | null;
  if (job !== null && hasShape(job, row.id)) return job as Job;
  const standIn = jobSchema.parse({
    id: row.id,
    task: {
      worker: "unknown",
      workspace: row.workspace?.startsWith("/") === true ? row.workspace : "/",
      instructions: "(what was submitted cannot be read any more)",
    },
  });
  standIns.add(standIn);
  return standIn;
}

/** Checks what the scheduler relies on; it does not repeat the validation at submit. */
function hasShape({ id, task, limits, priority, context }: Partial<Job>, expected: string): boolean {
  return (
    id === expected &&
    typeof task?.worker === "string" &&
    typeof task.workspace === "string" &&
    Number.isSafeInteger(limits?.maxAttempts) &&
    Number.isSafeInteger(limits?.timeoutMs) &&
    typeof priority?.class === "string" &&
    typeof context?.labels === "object"
  );
}

/** The value, or `otherwise` if the text is not JSON. */
export function jsonOr(text: unknown, otherwise: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch (error) {
    if (error instanceof SyntaxError) return otherwise;
    throw error;
  }
}

export const unreadableReason: Reason = {
  code: "AC_STORE_CORRUPT",
  message: "what was stored about it cannot be read any more",
  evidence: {},
};

/** Undefined if the row is damaged; a failure of the file is thrown. */
export function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    // Our own refusal of a write is not damage.
    if (error instanceof AgentCoreError || failureOf(error) !== "statement") throw error;
    return undefined;
  }
}

/** Rows of a query one by one, without those that cannot be read: `keys` finds them, `one` reads each by its key. */
export function readableRows<K, T>(
  all: () => readonly T[],
  keys: () => readonly K[],
  one: (key: K) => readonly T[],
) {
  return unlessDamaged(all) ?? keys().flatMap((key) => unlessDamaged(() => one(key)) ?? []);
}

/** Ends a job that cannot be run, in any state, as a dead letter that says so. A job that has ended does not change. */
export function isolate(sql: Sql, number: number, at: number): void {
  sql.run("DELETE FROM key_holders WHERE job = ?", number);
  const job = sql.get(
    "SELECT number, id, state, key, workspace, claim_group, rank FROM jobs WHERE number = ? AND end_number IS NULL",
    number,
  ) as (QueuedJob & Pick<JobRow, "state">) | undefined;
  if (job === undefined) return;
  sql.run("INSERT INTO job_texts VALUES (?, '') ON CONFLICT DO NOTHING", number);
  sql.run(
    `UPDATE jobs SET state = 'dead', ended_at = ?, end_number = ?, reason_json = ?,
       attempt = (SELECT count(*) FROM attempts WHERE number IN (${attemptsOfJob("number")})),
       owner = NULL, claimed_at = NULL, started_json = NULL WHERE number = ?`,
    at,
    endMark(sql) + 1,
    JSON.stringify(unreadableReason),
    number,
    number,
  );
  countDue(sql, job.claim_group, job.state, "dead");
  letNextIn(sql, job);
}

/** Numbers of the running jobs of an owner. Reads nothing that could be damaged. */
export function runningNumbersOf(sql: Sql, owner: string): readonly number[] {
  return sql
    .all("SELECT number FROM jobs WHERE state = 'running' AND owner = ?", owner)
    .map((row) => Number(row.number));
}
