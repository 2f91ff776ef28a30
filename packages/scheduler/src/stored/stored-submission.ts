/** Prepares submissions for stores that keep jobs as text. */
import { AgentCoreError, jobPayloadBytesMax, type Job } from "@agentcore/contract";
import type { Submission } from "../job-store.ts";

/** A submission with its job as text, so that the text is made only once and outside the transaction. */
export interface PreparedSubmission {
  readonly submission: Submission;
  readonly jobJson: string;
}

/** The scheduler refuses a payload above {@link jobPayloadBytesMax}. A job with all its fields is never twice as large. */
const jobJsonBytesMax = 2 * jobPayloadBytesMax;

/** Throws `AC_JOB_INVALID` or `AC_JOB_TOO_LARGE`. */
export function prepareSubmission(submission: Submission): PreparedSubmission {
  const jobJson = textOf(submission.job);
  const bytes = jobJson.length > jobJsonBytesMax / 3 ? Buffer.byteLength(jobJson) : jobJson.length;
  if (bytes > jobJsonBytesMax) {
    throw new AgentCoreError(
      "AC_JOB_TOO_LARGE",
      `job ${submission.job.id} takes ${bytes} bytes as JSON and at most ${jobJsonBytesMax} are stored; put large input in a file of the workspace`,
      { evidence: { jobId: submission.job.id, bytes, bytesMax: jobJsonBytesMax } },
    );
  }
  return { submission, jobJson };
}

function textOf(job: Job): string {
  try {
    return JSON.stringify(job);
  } catch (error) {
    throw new AgentCoreError("AC_JOB_INVALID", `job ${job.id} cannot be written as JSON: ${String(error)}`, {
      cause: error,
    });
  }
}

/** For a replay whose new id is taken. */
export function idTaken(id: string): AgentCoreError {
  return new AgentCoreError(
    "AC_JOB_INVALID",
    `there is a job ${id} already; choose a new id for the replay`,
    { evidence: { jobId: id } },
  );
}
