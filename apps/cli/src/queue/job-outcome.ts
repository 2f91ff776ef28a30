/** The result line and exit code of a job from the store, so they are the same for every process and at any time. */
import { jobResult, type AttemptRecord, type JobRecord, type JobResult } from "@agentcore/scheduler";
import { exitCodeOf } from "../exit-code.ts";

export interface JobOutcome extends JobResult {
  readonly exitCode: number;
}

/** For a job that has ended. */
export const outcomeOf = (record: JobRecord, attempts: readonly AttemptRecord[]): JobOutcome =>
  withExitCode(jobResult(record, attempts));

export function withExitCode({ result, refused }: JobResult): JobOutcome {
  const { outcome, errorClass } = result;
  return { result, refused, exitCode: exitCodeOf(outcome, { refused, errorClass }) };
}
