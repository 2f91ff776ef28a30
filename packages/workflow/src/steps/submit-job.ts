/** Waits for the end of a step's job and passes cancels on to it. Submitting an id again finds the existing job. */
import {
  isAgentCoreError,
  type Cancellation,
  type ErrorCode,
  type RunEvent as JobEvent,
} from "@agentcore/contract";
import type { JobEnd, JobHandle } from "@agentcore/scheduler";
import type { RunPorts } from "../run-ports.ts";

/** Why a piece of a run must end. */
export interface StepStop {
  readonly message: string;
  /** It does not end now: it starts again when the run is resumed. */
  readonly interrupts: boolean;
}

/** For one piece. It can be cancelled before its job is submitted. */
export type StepCancellation = Cancellation<StepStop>;

export function isInterrupted({ reason }: StepCancellation): boolean {
  return reason?.interrupts === true;
}

/**
 * The reason with which the jobs of an interrupted run are cancelled. If the process was killed before it could journal the
 * interruption, a resume recognizes by it that the job was not stopped for its own sake.
 */
export const interruptedMessage = "the workflow run was interrupted";

/** Whether a job was cancelled because its run was interrupted. */
export function wasInterrupted({ state, reason }: Pick<JobEnd, "state" | "reason">): boolean {
  return state === "cancelled" && reason?.message === interruptedMessage;
}

/** Waits for the end of the job. Rejects as its `result` does. */
export async function runJob(
  { log }: Pick<RunPorts, "log">,
  handle: JobHandle,
  cancellation: StepCancellation,
  onEvent: (event: JobEvent) => void,
): Promise<JobEnd> {
  const unfollow = cancellation.onChange(({ reason: { message, interrupts }, force }) => {
    handle.cancel({ reason: interrupts ? interruptedMessage : message, force }).catch((error: unknown) => {
      log.warn({ error, job: handle.id }, "a cancel could not be written; the job goes on to its own end");
    });
  });
  const told = tell(handle, onEvent);
  const end = await handle.result().finally(unfollow);
  await told;
  return end;
}

/** Whether the job was ever submitted. For one that was not, nothing may be relied on. */
export async function isSubmitted(
  { scheduler }: Pick<RunPorts, "scheduler">,
  jobId: string,
): Promise<boolean> {
  try {
    await scheduler.attach(jobId);
    return true;
  } catch (error) {
    if (isAgentCoreError(error) && error.code === "AC_JOB_NOT_FOUND") return false;
    throw error;
  }
}

async function tell(handle: JobHandle, onEvent: (event: JobEvent) => void): Promise<void> {
  for await (const event of handle.events()) onEvent(event);
}

const failuresOfRun: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "AC_STORE_UNAVAILABLE",
  "AC_DRAINING",
  "AC_INTERNAL",
  "AC_WORKFLOW_TAKEN",
]);

/** File system errors about a path that a step names, unlike a full or broken disk. */
const pathFailures: ReadonlySet<unknown> = new Set([
  "EACCES",
  "EEXIST",
  "EISDIR",
  "ELOOP",
  "ENAMETOOLONG",
  "ENOENT",
  "ENOTDIR",
  "EPERM",
  "ERR_FS_CP_DIR_TO_NON_DIR",
  "ERR_FS_CP_NON_DIR_TO_DIR",
  "ERR_FS_CP_FIFO_PIPE",
  "ERR_FS_CP_SOCKET",
]);

/** Failures that say nothing about the step: the run stops at this point and can be resumed. */
export function isFailureOfRun(error: unknown): boolean {
  if (isAgentCoreError(error)) return failuresOfRun.has(error.code);
  return !(error instanceof Error && "code" in error && pathFailures.has(error.code));
}
