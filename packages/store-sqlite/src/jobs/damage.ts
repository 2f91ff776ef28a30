/**
 * Handles damaged rows: invalid JSON, a number that this code never stores, a job without its row. A damaged row affects
 * one job. Its readable parts are shown, with placeholders for the rest; if a damaged job is about to run, it is ended as
 * dead, so that people see it.
 */
import { AgentCoreError } from "@agentcore/contract";
import { unreadableReason } from "@agentcore/scheduler";
import { attemptsOfJob } from "../schema-queue.ts";
import type { Sql } from "../sql.ts";
import { failureOf } from "../sqlite-error.ts";
import type { JobRow } from "./job-row.ts";
import { countDue, endMark, letNextIn, type QueuedJob } from "./queue.ts";

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
