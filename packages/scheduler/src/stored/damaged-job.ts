/**
 * Handles jobs whose stored text is damaged. A damaged row affects one job: its readable parts are shown, with placeholders for
 * the rest, and a store ends the job as dead when it is about to run, so that people see it.
 */
import { jobSchema, jsonOr, type Job } from "@agentcore/contract";
import type { Reason } from "../job-record.ts";

/** Stand-ins for jobs that cannot be read. */
const standIns = new WeakSet<Job>();

export function isStandIn(job: Job): boolean {
  return standIns.has(job);
}

/** The job of a row; a stand-in if its text cannot be read. */
export function jobOf(
  text: string | null,
  row: { readonly id: string; readonly workspace: string | null },
): Job {
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

export const unreadableReason: Reason = {
  code: "AC_STORE_CORRUPT",
  message: "what was stored about it cannot be read any more",
  evidence: {},
};
