/**
 * Rows that somebody else wrote, or a disk changed: JSON that is none, a number that no code of ours stores, a job without
 * its row. One such row concerns one job. What can be read of it is shown, with a stand-in for the rest; where it is met on
 * the way to a run, the job is ended as dead, which is how people hear of it.
 */
import { AgentCoreError, type Job, jobSchema } from "@agentcore/contract";
import type { Reason } from "@agentcore/scheduler";
import type { Sql } from "../sql.ts";
import { failureOf } from "../sqlite-error.ts";
import type { SubmittedRow } from "./job-row.ts";
import type { JobSql } from "./job-sql.ts";
import { parseLine } from "./line.ts";
import { letFirstFollowerIn } from "./queue.ts";

/** Stand-ins for jobs that cannot be read. */
const standIns = new WeakSet<Job>();

export function isStandIn(job: Job): boolean {
  return standIns.has(job);
}

export function jobOf(text: string, row: Pick<SubmittedRow, "id" | "line" | "concurrency_key">): Job {
  const job = jsonOr(text, null) as Partial<Job> | null;
  if (job !== null && hasShape(job, row.id)) return job as Job;
  const { worker, tenant, model } = parseLine(row.line);
  const standIn = jobSchema.parse({
    id: row.id,
    task: {
      worker: worker === "" ? "unknown" : worker,
      workspace: row.concurrency_key?.startsWith("/") === true ? row.concurrency_key : "/",
      instructions: "(what was submitted cannot be read any more)",
      ...(model === null ? {} : { model }),
    },
    context: tenant === "" ? {} : { tenant },
  });
  standIns.add(standIn);
  return standIn;
}

/** What the scheduler relies on; not a validation anew of what was validated when it was submitted. */
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

/** The value, or the other where the text is no JSON. */
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

/** Undefined where a row is to blame; a failure of the file is thrown. */
export function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    // A write of ours that is refused for a reason of its own is no damage.
    if (error instanceof AgentCoreError || failureOf(error) !== "statement") throw error;
    return undefined;
  }
}

/** Rows of a query one by one, those that cannot be read left out: `keys` finds them, `one` reads each by its key. */
export function readableRows<K, T>(
  all: () => readonly T[],
  keys: () => readonly K[],
  one: (key: K) => readonly T[],
) {
  return unlessDamaged(all) ?? keys().flatMap((key) => unlessDamaged(() => one(key)) ?? []);
}

/** Ends a job that cannot be run, wherever it stands. It says so as a dead letter; one that has ended stays as it is. */
export function isolate(sql: JobSql, seq: number, at: number): void {
  const known = sql.get("SELECT id, line, concurrency_key FROM jobs WHERE seq = ?", seq);
  const line = String(known?.line ?? "");
  const { isPiece } = parseLine(line);
  const due = sql.values(
    "SELECT coalesce(p.run_at, j.run_at) FROM jobs j LEFT JOIN requeued p ON p.job = j.seq WHERE j.seq = ?",
    seq,
  )?.[0];
  const leaveQueue = (): void => {
    if (isPiece) return;
    if (typeof due === "number") sql.countReady(due, -1);
    else sql.count("ready", -1);
  };
  if (sql.run("DELETE FROM ready WHERE job = ?", seq) > 0) {
    leaveQueue();
    const lane = known?.concurrency_key;
    if (typeof lane === "string") letFirstFollowerIn(sql, line, lane);
  } else if (sql.run("DELETE FROM followers WHERE job = ?", seq) > 0) {
    sql.count("followers", -1);
    leaveQueue();
  } else if (sql.run("DELETE FROM delayed WHERE job = ?", seq) > 0) {
    if (!isPiece) sql.count("delayed", -1);
  } else if (sql.run("DELETE FROM running WHERE job = ?", seq) > 0) sql.count("running", -1);
  else return;
  sql.run("DELETE FROM requeued WHERE job = ?", seq);
  sql.run("DELETE FROM key_holders WHERE job = ?", seq);
  if (known === undefined) return;
  sql.claimed.forget(String(known.id));
  // So that what lists jobs by their lines can read this one.
  sql.run(`UPDATE jobs SET line = '["","unknown",null,"batch"]' WHERE seq = ? AND NOT json_valid(line)`, seq);
  sql.run(
    `INSERT INTO endings (job, attempt, ended_at, state, epoch, cost_usd, tokens, reason_code, reason_json)
     VALUES (?, 0, ?, 'dead', 0, 0, 0, ?, ?)`,
    seq,
    at,
    unreadableReason.code,
    JSON.stringify(unreadableReason),
  );
  sql.count("dead", 1);
}

/** Running jobs of an owner, by their keys. */
export function runningOf(sql: Sql, owner: string): readonly number[] {
  return sql.all("SELECT r.job FROM running r WHERE r.owner = ?", owner).map((row) => Number(row.job));
}
