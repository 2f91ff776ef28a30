/** Splits many jobs into requests that the API takes: at most 1,000 jobs and 1 MiB each. A job that is too large is alone. */
import type { JobSubmission } from "@agentcore/contract";

const jobsMax = 1000;
/** Less than 1 MiB, for what stands around the jobs. */
const bytesMax = 1000 * 1000;

export function batchesOf(jobs: readonly JobSubmission[]): readonly (readonly JobSubmission[])[] {
  const batches: JobSubmission[][] = [];
  let room = 0;
  for (const job of jobs) {
    const bytes = Buffer.byteLength(JSON.stringify(job)) + 1;
    const last = batches.at(-1);
    if (last === undefined || last.length === jobsMax || bytes > room) {
      batches.push([job]);
      room = bytesMax - bytes;
    } else {
      last.push(job);
      room -= bytes;
    }
  }
  return batches;
}
