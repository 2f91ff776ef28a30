/** Submit and replay in the memory store. */
import type { DecideDedup, ReplayResult, Submission, SubmitResult } from "../job-store.ts";
import { newRecord, supersededReason } from "../job-transition.ts";
import { isUnfinished } from "./job-table.ts";
import type { MemoryState } from "./memory-state.ts";

export function submitAll(
  state: MemoryState,
  submissions: readonly Submission[],
  decideDedup: DecideDedup,
): SubmitResult[] {
  const undo: (() => void)[] = [];
  try {
    return submissions.map((submission) => submitOne(state, submission, decideDedup, undo));
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}

function submitOne(
  state: MemoryState,
  submission: Submission,
  decideDedup: DecideDedup,
  undo: (() => void)[],
): SubmitResult {
  const { job } = submission;
  const known = state.find(job.id);
  if (known !== undefined) return { kind: "deduplicated", record: known };
  const holder = state.holderOf(job.key);
  if (holder === undefined) return accept(state, submission, null, undo);
  switch (decideDedup(job, holder)) {
    case "coalesce":
      if (submission.rememberAlias) {
        state.addAlias(job.id, holder.job.id);
        undo.push(() => state.aliases.delete(job.id));
      }
      return { kind: "deduplicated", record: holder };
    case "reject":
      return { kind: "rejected", holder };
    case "replace": {
      const reason = supersededReason(job.id);
      state.apply(holder.job.id, { type: "request_cancel", reason, at: submission.submittedAt });
      undo.push(() => {
        state.jobs.put(holder);
        state.keys.set(job.key!, holder.job.id);
      });
      return accept(state, submission, holder.job.id, undo);
    }
  }
}

function accept(
  state: MemoryState,
  submission: Submission,
  replaced: string | null,
  undo: (() => void)[],
): SubmitResult {
  const record = newRecord(submission);
  const { id, key } = record.job;
  state.jobs.put(record);
  if (key !== undefined) state.keys.set(key, id);
  undo.push(() => {
    state.freeKey(record);
    state.drop(id);
  });
  return { kind: "accepted", record, replaced };
}

export function replay(state: MemoryState, deadJobId: string, submission: Submission): ReplayResult {
  const dead = state.find(deadJobId);
  if (dead?.state.kind !== "dead") return { kind: "not_dead" };
  if (dead.state.replayedAs !== null) {
    // The earlier replay may have ended and been deleted since; the dead letter still counts as replayed.
    const record = state.find(dead.state.replayedAs);
    return record === undefined ? { kind: "not_dead" } : { kind: "already", record };
  }
  const holder = state.holderOf(submission.job.key);
  if (isUnfinished(holder)) return { kind: "held", holder };
  const record = newRecord(submission);
  state.jobs.put(record);
  if (record.job.key !== undefined) state.keys.set(record.job.key, record.job.id);
  state.apply(dead.job.id, { type: "mark_replayed", replayedAs: record.job.id });
  return { kind: "accepted", record };
}
