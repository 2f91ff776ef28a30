/** Errors for submissions and lookups that the queue refuses. */
import { AgentCoreError } from "@agentcore/contract";
import type { JobRecord } from "../job-record.ts";

export function keyHeld(holder: JobRecord): AgentCoreError {
  const { id, key = null } = holder.job;
  const state = holder.state.kind;
  return new AgentCoreError("AC_KEY_HELD", `key "${key}" is held by job ${id}, which is ${state}`, {
    evidence: { key, heldBy: id, state },
  });
}

export function jobNotFound(jobId: string): AgentCoreError {
  return new AgentCoreError("AC_JOB_NOT_FOUND", `no job has the id ${jobId}`, { evidence: { jobId } });
}
