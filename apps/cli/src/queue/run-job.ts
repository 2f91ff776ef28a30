/**
 * Runs one job now in this process, through the same queue as every other: submits it, claims it with a scheduler that
 * takes nothing else, and follows it to its end. The presenter gets its events; the caller decides when to cancel.
 */
import { ignore, settledWithin, systemClock, type JobSubmission, type RunEvent } from "@agentcore/contract";
import {
  resultLine,
  type AttemptRecord,
  type JobHandle,
  type JobStore,
  type Reason,
  type Scheduler,
} from "@agentcore/scheduler";
import { exitCodes } from "../exit-code.ts";
import { outcomeOf, type JobOutcome } from "./job-outcome.ts";
import type { Presenter } from "../present/human-presenter.ts";

export interface RunJobOptions {
  readonly scheduler: Scheduler;
  readonly store: JobStore;
  readonly presenter: Presenter;
  /** Wait if there is no room now; otherwise that is a refusal. */
  readonly wait: boolean;
  /** Called once there is a job to stop. */
  readonly onSubmitted: (handle: JobHandle) => void;
}

export async function runJob(job: JobSubmission, options: RunJobOptions): Promise<JobOutcome> {
  const { scheduler, store, presenter, wait, onSubmitted } = options;
  const handle = await scheduler.submit(job);
  onSubmitted(handle);
  const { id, deduplicated } = handle;
  const following = follow(handle, presenter, wait);
  await presenter.event({ type: "job_submitted", jobId: id, at: systemClock.now(), deduplicated });
  const refusal = (await blocked(options, handle, following)) ?? (await following);
  await handle.result();
  if (refusal !== null) return refusedOutcome(id, refusal);
  const [record, attempts] = await Promise.all([store.get(id), store.attempts(id)]);
  if (record === undefined) return refusedOutcome(id, deletedMeanwhile);
  // Its caller has the result already, and there is no work of it to inspect or to keep.
  if (record.state.kind === "dead" && !deduplicated && !attempts.some(hasStarted))
    await scheduler.deadLetters.purge({ ids: [id] });
  return outcomeOf(record, attempts);
}

const hasStarted = ({ started }: AttemptRecord): boolean => started !== null && started.identity !== null;

/** Shows the job's events to their end. Returns why the job was given up if `wait` is false, otherwise null. */
async function follow(handle: JobHandle, presenter: Presenter, wait: boolean): Promise<Reason | null> {
  let refusal: Reason | null = null;
  for await (const event of handle.events()) {
    if (isDeferral(event) && !wait && refusal === null) {
      refusal = { code: event.code, message: event.message, evidence: event.evidence };
      await handle.cancel({ reason: `not run: ${event.message}` });
    }
    await presenter.event(event);
  }
  return refusal;
}

const isDeferral = (event: RunEvent): event is Extract<RunEvent, { type: "permit_deferred" }> =>
  event.type === "permit_deferred";

/** A job without a permit after this time is checked. */
const noticeAfterMs = 250;

/** If another job runs in its workspace, a job does not even request a permit: it stays in the queue until that one ends. */
async function blocked(
  { scheduler, presenter, wait }: RunJobOptions,
  handle: JobHandle,
  following: Promise<unknown>,
): Promise<Reason | null> {
  let why: Awaited<ReturnType<Scheduler["why"]>> | null = null;
  while (why === null) {
    if (await settledWithin(systemClock, Promise.allSettled([following]), noticeAfterMs)) return null;
    why = await scheduler.why(handle.id).catch((error: unknown) => {
      ignore(error, "asked again: a look that fails is no reason to give the job up");
      return null;
    });
  }
  const { record, blockedBy } = why;
  if (record.state.kind !== "queued" || blockedBy === null) return null;
  const message = `job ${blockedBy} runs in the same workspace`;
  if (wait) {
    presenter.remark(`waiting: ${message}`);
    return null;
  }
  await handle.cancel({ reason: `not run: ${message}` });
  return { code: "AC_WORKSPACE_LOCKED", message, evidence: { blockedBy } };
}

const deletedMeanwhile: Reason = {
  code: "AC_JOB_NOT_FOUND",
  message: "the job was deleted while this process waited for it",
  evidence: {},
};

function refusedOutcome(jobId: string, { code, message }: Reason): JobOutcome {
  const end = { outcome: "failed", errorClass: null, code, summary: message } as const;
  return { result: resultLine(jobId, [], end), refused: true, exitCode: exitCodes.refused };
}
