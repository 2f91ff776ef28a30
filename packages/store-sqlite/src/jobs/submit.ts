/** Submit and replay. A key has one holder, and an id has one job. */
import { assert } from "@agentcore/contract";
import {
  type DecideDedup,
  type PreparedSubmission,
  type ReplayResult,
  type SubmitResult,
  idTaken,
  submitResultOf,
  supersededReason,
} from "@agentcore/scheduler";
import { type StoredJob, findByAnyId, findHolder } from "./job-row.ts";
import type { Sql } from "../sql.ts";
import { applyEvent, insertJob } from "./job-writes.ts";

/** The answer of a submit whose commit seemed to fail; undefined if one of the jobs does not exist. */
export function submittedAlready(
  sql: Sql,
  prepared: readonly PreparedSubmission[],
): SubmitResult[] | undefined {
  const results = prepared.flatMap(({ submission: { job } }): SubmitResult[] => {
    const record = findByAnyId(sql, job.id)?.record;
    return record === undefined ? [] : [submitResultOf(job.id, record)];
  });
  return results.length === prepared.length ? results : undefined;
}

export function submitAll(
  sql: Sql,
  submissions: readonly PreparedSubmission[],
  decideDedup: DecideDedup,
): SubmitResult[] {
  return submissions.map((prepared) => submitOne(sql, prepared, decideDedup));
}

function submitOne(
  sql: Sql,
  { submission, jobJson }: PreparedSubmission,
  decideDedup: DecideDedup,
): SubmitResult {
  const { job } = submission;
  if (job.key !== undefined) {
    const known = findByAnyId(sql, job.id);
    if (known !== undefined) return { kind: "deduplicated", record: known.record };
    const holder = findHolder(sql, job.key);
    if (holder !== undefined) return submitHeld(sql, { submission, jobJson }, holder, decideDedup);
  }
  const record = insertJob(sql, submission, jobJson);
  if (record !== undefined) return { kind: "accepted", record, replaced: null };
  const known = findByAnyId(sql, job.id);
  assert(known !== undefined, `job ${job.id} is neither new nor known`);
  return { kind: "deduplicated", record: known.record };
}

/** The submission's key belongs to an unfinished job. */
function submitHeld(
  sql: Sql,
  { submission, jobJson }: PreparedSubmission,
  holder: StoredJob,
  decideDedup: DecideDedup,
): SubmitResult {
  const { job } = submission;
  switch (decideDedup(job, holder.record)) {
    case "coalesce":
      if (submission.rememberAlias) sql.run("INSERT INTO aliases VALUES (?, ?)", job.id, holder.row.number);
      return { kind: "deduplicated", record: holder.record };
    case "reject":
      return { kind: "rejected", holder: holder.record };
    case "replace": {
      const reason = supersededReason(job.id);
      applyEvent(sql, holder, { type: "request_cancel", reason, at: submission.submittedAt });
      // If the holder still runs, this takes the key from it.
      const record = insertJob(sql, submission, jobJson);
      assert(record !== undefined, `job ${job.id} was new a moment ago`);
      return { kind: "accepted", record, replaced: holder.row.id };
    }
  }
}

export function replay(
  sql: Sql,
  deadJobId: string,
  { submission, jobJson }: PreparedSubmission,
): ReplayResult {
  const dead = findByAnyId(sql, deadJobId);
  if (dead?.record.state.kind !== "dead") return { kind: "not_dead" };
  if (dead.record.state.replayedAs !== null) {
    // The earlier replay may have ended and been deleted since; the dead letter still counts as replayed.
    const earlier = findByAnyId(sql, dead.record.state.replayedAs);
    return earlier === undefined ? { kind: "not_dead" } : { kind: "already", record: earlier.record };
  }
  const { key } = submission.job;
  const holder = key === undefined ? undefined : findHolder(sql, key);
  if (holder !== undefined) return { kind: "held", holder: holder.record };
  const record = insertJob(sql, submission, jobJson);
  if (record === undefined) throw idTaken(submission.job.id);
  applyEvent(sql, dead, { type: "mark_replayed", replayedAs: record.job.id });
  return { kind: "accepted", record };
}
