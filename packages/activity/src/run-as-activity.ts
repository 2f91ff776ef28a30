/**
 * Runs one job as an activity of a durable engine. The jobs of an activity have ids made from the id of the activity, so a
 * second delivery of the activity finds the job of the first: while it runs, and after it has ended.
 */
import {
  AgentCoreError,
  backOffMs,
  omitUndefined,
  onAbort,
  sleep,
  systemClock,
  type JobSubmission,
} from "@agentcore/contract";
import { runsOf, type ActivityCore, type Run, type Runs } from "./activity-core.ts";
import { failureOf, interrupted, isTemporary, mayRunAgain } from "./activity-failure.ts";
import type { ActivityResult } from "./activity-result.ts";

/** A job without its id, which is made from that of the activity. */
export type ActivityRequest = Omit<JobSubmission, "id">;

export interface ActivityProgress {
  readonly jobId: string;
}

export interface ActivityContext {
  /**
   * Names the activity: the same text in each delivery of it, and in no other activity. Make it of the engine's ids, such as
   * `${workflowId}/${runId}/${activityId}`. 1 to 450 characters, no control characters.
   */
  readonly activityId: string;
  /**
   * The number that the engine gives this try of the activity, from 1. The n-th try may start the n-th job, if the ones before
   * failed and may be repeated. Default: the activity has one job, and its end is final.
   */
  readonly attempt?: number | undefined;
  /** The activity is cancelled: the job is cancelled, and the call ends when nothing of it runs. */
  readonly cancelSignal?: AbortSignal | undefined;
  /**
   * The engine no longer waits for this try, because its process shuts down or the try has timed out. The call rejects, the job
   * goes on, and the next try finds it.
   */
  readonly detachSignal?: AbortSignal | undefined;
  /** Called at once and then every `heartbeatMs` until the call ends. If it throws, the call rejects, and the job goes on. */
  readonly heartbeat?: ((progress: ActivityProgress) => unknown) | undefined;
  /** In ms. Default 10 s; less than the engine's heartbeat timeout. */
  readonly heartbeatMs?: number | undefined;
}

const heartbeatMsDefault = 10_000;
const activityIdMax = 450;

/**
 * Resolves with the end of a job that succeeded. Rejects with an `ActivityFailure` in every other case; `retryable` says
 * whether the engine may try again. `limits` of the request hold for all jobs of the activity together; with a
 * `limits.maxAttempts` above 1, AgentCore repeats the work, and no end of the job is retryable. Rejects with
 * `AC_OPTION_INVALID` for a wrong `activityId`, `attempt` or `heartbeatMs`.
 */
export async function runAsActivity(
  core: ActivityCore,
  request: ActivityRequest,
  context: ActivityContext,
): Promise<ActivityResult> {
  const { activityId, attempt } = checked(context);
  const engineRepeats = attempt !== undefined && (request.limits?.maxAttempts ?? 1) === 1;
  const runs = runsOf(core);
  const spent: ActivityResult[] = [];
  try {
    for (let number = 1; ; number += 1) {
      const id = jobIdOf(activityId, number);
      const found = await runs.find(id);
      const last = spent.at(-1);
      if (found === undefined && last !== undefined && number > (attempt ?? 1)) throw failureOf(last, true);
      const run = found ?? (await submitted(runs, { ...request, id }, spent, context));
      const result = await follow(run, context);
      if (result.outcome === "succeeded") return result;
      const mayRepeat = engineRepeats && mayRunAgain(result);
      // A try starts at most one job.
      if (!mayRepeat || found === undefined) throw failureOf(result, mayRepeat);
      spent.push(result);
    }
  } catch (error) {
    throw interrupted(error);
  }
}

/**
 * Cancels what runs of an activity, from anywhere: for engines that do not tell a running step of its cancel. Resolves when
 * nothing of it runs, with whether something did.
 */
export async function cancelActivity(
  core: ActivityCore,
  {
    activityId,
    reason = "the activity was cancelled",
  }: { readonly activityId: string; readonly reason?: string },
): Promise<boolean> {
  const runs = runsOf(core);
  let stopped = false;
  for (let number = 1; ; number += 1) {
    const run = await runs.find(jobIdOf(activityId, number));
    if (run === undefined) return stopped;
    await run.cancel(reason);
    const { outcome } = await run.end(new AbortController().signal);
    stopped ||= outcome === "cancelled";
  }
}

/** Starts with `activity:`, so that it is the id of no other job. */
const jobIdOf = (activityId: string, number: number): string =>
  `activity:${activityId}${number === 1 ? "" : `#${number}`}`;

function checked(context: ActivityContext): ActivityContext {
  const { activityId, attempt = 1, heartbeatMs = heartbeatMsDefault } = context;
  if (typeof activityId !== "string" || activityId === "" || activityId.length > activityIdMax)
    throw invalid(`activityId: must be a text of 1 to ${activityIdMax} characters`);
  if (!Number.isSafeInteger(attempt) || attempt < 1) throw invalid("attempt: must be a whole number from 1");
  if (!(heartbeatMs > 0)) throw invalid("heartbeatMs: must be above 0");
  return context;
}

const invalid = (message: string): AgentCoreError =>
  new AgentCoreError("AC_OPTION_INVALID", `runAsActivity(): ${message}`);

/** Submits the next job, with what the jobs before left of the ceilings. */
function submitted(
  runs: Runs,
  job: JobSubmission,
  before: readonly ActivityResult[],
  { cancelSignal, detachSignal }: ActivityContext,
): Promise<Run> {
  if (detachSignal?.aborted === true) throw notWaiting("no job was submitted");
  if (cancelSignal?.aborted === true)
    throw new AgentCoreError("AC_CANCELLED", "the activity was cancelled before its job was submitted");
  const { maxCostUsd, maxTokens, ...limits } = job.limits ?? {};
  const rest = {
    maxCostUsd: left(
      "maxCostUsd",
      maxCostUsd,
      before.map(({ costUsd }) => costUsd),
    ),
    maxTokens: left(
      "maxTokens",
      maxTokens,
      before.map(({ tokens }) => tokens),
    ),
  };
  return runs.submit({ ...job, limits: { ...limits, ...omitUndefined(rest) } });
}

const notWaiting = (rest: string): AgentCoreError =>
  new AgentCoreError("AC_DRAINING", `the engine no longer waits for this try; ${rest}`);

function left(
  name: "maxCostUsd" | "maxTokens",
  ceiling: number | undefined,
  spent: readonly (number | null)[],
): number | undefined {
  if (ceiling === undefined) return undefined;
  const used = spent.reduce<number>((total, each) => total + (each ?? 0), 0);
  if (used < ceiling) return ceiling - used;
  const code = name === "maxCostUsd" ? "AC_COST_CEILING" : "AC_TOKEN_CEILING";
  throw new AgentCoreError(code, `the earlier jobs of the activity used ${used} of ${name} ${ceiling}`);
}

/** Waits for the end of the job, tells the engine that it goes on, and passes a cancel on. */
async function follow(run: Run, context: ActivityContext): Promise<ActivityResult> {
  const { cancelSignal, detachSignal } = context;
  const over = new AbortController();
  const { promise: broken, reject } = Promise.withResolvers<never>();
  const stopListening = [
    onAbort(detachSignal, () => reject(notWaiting(`job ${run.jobId} goes on`))),
    onAbort(
      cancelSignal,
      () => void persistently(() => run.cancel("the activity was cancelled"), over.signal).catch(reject),
    ),
  ];
  void heartbeats(run, context, over.signal).catch(reject);
  const ended = async (): Promise<ActivityResult> => {
    try {
      return await run.end(over.signal);
    } catch (error) {
      // After a cancel the engine may not ask again: stay until the worker is stopped.
      if (cancelSignal?.aborted !== true || !isTemporary(error)) throw error;
      return persistently(() => run.end(over.signal), over.signal);
    }
  };
  try {
    return await Promise.race([ended(), broken]);
  } finally {
    over.abort();
    for (const stop of stopListening) stop();
  }
}

async function heartbeats(run: Run, context: ActivityContext, over: AbortSignal): Promise<void> {
  const { heartbeat, heartbeatMs = heartbeatMsDefault } = context;
  if (heartbeat === undefined) return;
  while (!over.aborted) {
    await heartbeat({ jobId: run.jobId });
    await sleep(systemClock, heartbeatMs, over);
  }
}

const againMs = { minMs: 100, maxMs: 5000 };

/** Repeats the call until it works, an error is permanent, or it is over. */
async function persistently<T>(call: () => Promise<T>, over: AbortSignal): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await call();
    } catch (error) {
      if (over.aborted || !isTemporary(error)) throw error;
    }
    await sleep(systemClock, backOffMs(failures, againMs), over);
  }
}
