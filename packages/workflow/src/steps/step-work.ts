/**
 * Performs one attempt at a step: prepares the workspace, runs the job, checks its changes, collects its outputs. Returns
 * the event that ends the attempt. Everything before the job may run twice if a run is resumed; the job does not.
 */
import { isAgentCoreError, omitUndefined, type WorkerResult } from "@agentcore/contract";
import type { JobEnd, JobHandle, Spending } from "@agentcore/scheduler";
import { collectOutputs } from "./artifacts.ts";
import { budgetText, ceilingCode, isUsedUp, noCeiling } from "../budget/budget-share.ts";
import { observedOf } from "./change-rules.ts";
import { isFailureOfRun, isInterrupted, wasInterrupted, type StepCancellation } from "./submit-job.ts";
import { classOf, workEnd, type WorkEnd } from "./job-outcome.ts";
import { interruptionsMax, jobFor, withStages, type PieceRequest } from "./job-request.ts";
import { runGuardedJob } from "./run-guarded-job.ts";
import { cachedEnd, noteChanges, storeResult } from "./step-cached.ts";
import { StepTexts } from "./step-texts.ts";
import { maskValues, prepareValues, readValues, valuesVariable } from "./step-values.ts";
import { noteOutputs, staleOutputs, type OutputsOf } from "./output-age.ts";
import { artifactDir } from "../places.ts";
import { retryDelayMs } from "../retry-delay.ts";
import { judgeStep, noteDiffBase } from "./step-changes.ts";
import { prepare, wasStopped } from "./step-prepare.ts";
import { mergeUnlessStopped } from "./step-merge.ts";
import type { RunEventEntry } from "../records/entry-types.ts";
import { stepWorkspace, worktreeOf, type StartedPiece, type StepContext } from "./step-context.ts";
import { join, relative } from "node:path";
import type { StepInstance } from "../plan/step-instance.ts";
import type { Budget, WorkSpec } from "../definition.ts";

/** How an attempt ended, and what it used. */
export interface AttemptEnd extends WorkEnd {
  /** It was stopped with its run. It starts again when the run is resumed. */
  readonly interrupted?: true;
  readonly spent?: Spending;
  readonly interruptions?: number;
  /** Whether the worker reported its cost. */
  readonly costKnown?: boolean;
  readonly output?: string;
  readonly log?: string | null;
  readonly artifacts?: readonly string[];
  /** It did not run: the cache had its result. */
  readonly cached?: true;
  readonly values?: Readonly<Record<string, string>>;
  readonly branch?: string;
}

export async function runWork(
  context: StepContext,
  started: StartedPiece,
  work: WorkSpec,
  cancellation: StepCancellation,
): Promise<RunEventEntry> {
  const end = await attempt(context, started, work, cancellation);
  return workEnded(context, started, end);
}

export function workEnded(context: StepContext, started: StartedPiece, end: AttemptEnd): RunEventEntry {
  const { instance } = started;
  const { outcome, reason, violations, errorClass, code, spent, interruptions, artifacts } = end;
  const { values, branch } = end;
  const said = context.masker.value({ reason, violations });
  const ended = { type: "work_ended", outcome, ...said } as const;
  const workEvent = {
    ...ended,
    ...omitUndefined({ cached: end.cached }),
    ...afterFailure(context, started, end),
  };
  return {
    type: "event",
    at: context.ports.clock.now(),
    event: { type: "step", step: instance.id, event: end.interrupted ? { type: "interrupted" } : workEvent },
    ...omitUndefined({ spent }),
    ...(interruptions === undefined || interruptions === 0 ? {} : { interruptions }),
    ...(errorClass === null ? {} : { errorClass }),
    ...omitUndefined({ code }),
    ...(end.costKnown === true ? { costKnown: true } : {}),
    ...printedOf(end),
    ...omitUndefined({ artifacts, branch }),
    ...(values === undefined ? {} : { values: context.masker.value(values) }),
  };
}

/** Whether and when a failed attempt is followed by another one. Decided once, in the entry of the failure. */
function afterFailure(
  { ports, settings }: StepContext,
  { instance, attempt, jobId }: StartedPiece,
  { outcome, final, errorClass, interrupted }: AttemptEnd,
): { readonly final?: "step" | "run"; readonly retryAt?: number } {
  if (final !== undefined) return { final };
  const { maxRetries, retry } = instance.step;
  if (outcome !== "failed" || interrupted === true || attempt > maxRetries) return {};
  if (retry === null) return { retryAt: ports.clock.now() + settings.retryDelayMs(attempt) };
  if (retry.on !== null && !retry.on.some((name) => name === errorClass)) return { final: "step" };
  return { retryAt: ports.clock.now() + retryDelayMs(retry, attempt, jobId) };
}

/** For the journal: the last output of a piece, and where all of it is. */
export function printedOf({ output = "", log = null }: Pick<AttemptEnd, "output" | "log">) {
  return { ...(output === "" ? {} : { output }), ...(log === null ? {} : { log }) };
}

export function isCostKnown({ result, spent }: Pick<JobEnd, "result" | "spent">): boolean {
  return spent.costUsd > 0 || (result !== null && result.costUsd !== null);
}

/** Failures of the step are its end; failures of the run are thrown. */
async function attempt(
  context: StepContext,
  started: StartedPiece,
  work: WorkSpec,
  cancellation: StepCancellation,
): Promise<AttemptEnd> {
  let cost: Pick<AttemptEnd, "spent" | "interruptions" | "costKnown"> = {};
  try {
    const begun = started.submitted ?? (await begin(context, started, work, cancellation));
    if ("outcome" in begun) return begun;
    const { stall } = started.instance.step;
    const end = await runGuardedJob(context, started, { piece: "work", handle: begun, stall }, cancellation);
    await maskValues(context, started);
    const interruptions = Math.max(0, end.attempts - 1);
    cost = { spent: end.spent, interruptions, costKnown: isCostKnown(end) };
    if (wasInterrupted(end) || beginsAnew(context, started, end)) return { ...interruptedEnd, ...cost };
    const verdict = withOrigin(context, started, workEnd(end, stall));
    const { output, log } = end;
    if (verdict.outcome === "failed") return { ...verdict, ...cost, output, log };
    if (verdict.outcome !== "succeeded" || verdict.violations.length > 0) return { ...verdict, ...cost };
    const done = { end: { ...verdict, interruptions }, result: end.result };
    return { ...(await afterSuccess(context, started, done, cancellation)), ...cost };
  } catch (error) {
    if (wasStopped(error, cancellation))
      return { ...(isInterrupted(cancellation) ? interruptedEnd : stoppedBefore), ...cost };
    if (isFailureOfRun(error)) throw error;
    return { ...failed(error), ...cost };
  }
}

/** Whether each attempt needs preparation: its worktree is reset, or its file of values emptied. */
export function isPrepared(context: StepContext, instance: StepInstance): boolean {
  return worktreeOf(context, instance) !== null || instance.step.values.length > 0;
}

/** Prepares the workspace and submits the job; or the end of an attempt that cannot begin. */
async function begin(
  context: StepContext,
  started: StartedPiece,
  work: WorkSpec,
  cancellation: StepCancellation,
): Promise<JobHandle | AttemptEnd> {
  const workspace = await prepare(context, started, cancellation);
  if (isInterrupted(cancellation) && !started.resumed) return interruptedEnd;
  if (cancellation.reason !== null && !started.resumed) return stoppedBefore;
  const cached = started.resumed ? null : await cachedEnd(context, started);
  if (cached !== null) return cached;
  const ceiling = ceilingOf(context, started);
  if (isUsedUp(ceiling)) return budgetUsedUp(ceiling);
  await noteDiffBase(context, started);
  if (!started.resumed)
    await noteOutputs(outputsOf(context, started), { run: context.runId, iteration: started.iteration });
  if (!started.resumed) prepareValues(context, started);
  return context.ports.scheduler.submit(jobFor(workRequest(context, started, work, workspace)));
}

/** The scheduler does not repeat a lost attempt that needs preparation. */
function beginsAnew(context: StepContext, { instance, attemptInAll }: StartedPiece, end: JobEnd): boolean {
  if (!isPrepared(context, instance) || attemptInAll > interruptionsMax) return false;
  return classOf(end).errorClass === "lost";
}

/** A ceiling that is the step's part of the run's is not in the file, so the reason names its origin. */
function withOrigin({ record }: StepContext, { instance }: StartedPiece, end: WorkEnd): WorkEnd {
  const { budget } = record().created;
  if (end.errorClass !== "budget_exhausted" || budget === null || instance.step.budget !== null) return end;
  return { ...end, reason: `${end.reason}; that was its part of the run's ${budgetText(budget)}` };
}

export const stoppedBefore: AttemptEnd = {
  outcome: "cancelled",
  reason: "stopped before it began",
  errorClass: "cancelled",
  violations: [],
};

const notMerged = "stopped before its changes were merged";

const interruptedEnd: AttemptEnd = { ...stoppedBefore, errorClass: null, interrupted: true };

/** The end of a piece that has nothing left to spend. */
export function budgetUsedUp(ceiling: Budget) {
  return {
    outcome: "failed",
    reason: "nothing is left of its budget",
    errorClass: "budget_exhausted",
    code: ceilingCode(ceiling),
    violations: [],
  } as const;
}

export function failed(error: unknown): AttemptEnd {
  const reason = isAgentCoreError(error) ? `${error.message} (${error.code})` : String(error);
  const code = isAgentCoreError(error) ? { code: error.code } : {};
  // Another attempt would not find it either.
  const isGone = isAgentCoreError(error) && error.code === "AC_WORKFLOW_ARTIFACT";
  const final = isGone ? ({ final: "step" } as const) : {};
  return { outcome: "failed", reason, errorClass: "invalid_request", violations: [], ...code, ...final };
}

export function ceilingOf(context: StepContext, { jobId }: StartedPiece) {
  return context.record().reserved.get(jobId) ?? noCeiling;
}

export function workRequest(
  context: StepContext,
  started: StartedPiece,
  work: WorkSpec,
  workspace: string,
): PieceRequest {
  const { instance, stage } = started;
  const { step } = instance;
  const texts = new StepTexts(context.record(), instance);
  const instructions = texts.instructions(work.worker, work.instructions);
  const verify = step.verify === null ? null : texts.script(step.verify);
  const stages = step.loop?.convergence?.stages ?? new Map<number, string>();
  return {
    ...pieceBasis(context, started),
    piece: "work",
    repeatsLost: !isPrepared(context, instance),
    work,
    instructions: withStages(instructions, stages, stage),
    variables: { ...texts.environment(step.env), ...valuesVariable(context, started) },
    workspace,
    verify,
    stall: step.stall,
    timeoutMs: Math.min(step.timeoutMs ?? Infinity, context.leftMs(step)),
  };
}

/** What the jobs of a step's work and of its check have in common. */
export function pieceBasis(context: StepContext, started: StartedPiece) {
  const { created } = context.record();
  return {
    jobId: started.jobId,
    runId: context.runId,
    rootRunId: created.root ?? context.runId,
    workflowName: created.name,
    stepId: started.instance.id,
    contextDir: created.contextDir,
    iteration: started.iteration,
    ceiling: ceilingOf(context, started),
    base: created.base,
    secrets: started.instance.step.secrets,
  };
}

interface Success {
  readonly end: WorkEnd & { readonly interruptions: number };
  readonly result: WorkerResult | null;
}

async function afterSuccess(
  context: StepContext,
  started: StartedPiece,
  { end: verdict, result }: Success,
  cancellation: StepCancellation,
): Promise<AttemptEnd> {
  const { step } = started.instance;
  const observed = observedOf(result?.observations);
  noteChanges(context, started, observed);
  const changes = await judgeStep(context, started, observed);
  if (changes.violations.length > 0) return { ...verdict, ...changes };
  const branch = await branchAfter(context, started);
  // A step with a loop is not done until its check says so.
  if (step.loop !== null) return { ...verdict, ...branch };
  const begunAgainAt = verdict.interruptions > 0 ? (result?.startedAt ?? null) : null;
  return { ...verdict, ...branch, ...(await collect(context, started, cancellation, begunAgainAt)) };
}

function outputsOf(context: StepContext, { instance }: StartedPiece): OutputsOf {
  const { step, id } = instance;
  const texts = new StepTexts(context.record(), instance);
  return {
    contextDir: context.record().created.contextDir,
    stepId: id,
    workspace: stepWorkspace(context, instance),
    paths: step.outputs.map(({ path }) => texts.fill(path)),
  };
}

async function branchAfter({ workflow, record, ports }: StepContext, { instance }: StartedPiece) {
  if (instance.step.id !== workflow.branch.transitionStep || record().created.base === null) return {};
  const { branch } = await ports.places.of(ports.git, record().created.workspace);
  return branch === null ? {} : { branch };
}

/**
 * Collects the outputs of a step that is done; a missing one makes it fail. Rejects with `AC_CANCELLED` if the run is interrupted
 * and its merge takes too long. `begunAgainAt`: see `staleOutputs`.
 */
export async function collect(
  context: StepContext,
  started: StartedPiece,
  cancellation: StepCancellation,
  begunAgainAt: number | null = null,
): Promise<Partial<AttemptEnd>> {
  const collected = await collectResults(context, started, cancellation, begunAgainAt);
  if (collected.outcome === undefined && begunAgainAt === null)
    await storeResult(context, started, collected);
  return collected;
}

async function collectResults(
  context: StepContext,
  started: StartedPiece,
  cancellation: StepCancellation,
  begunAgainAt: number | null,
): Promise<Partial<AttemptEnd>> {
  const { instance } = started;
  const { step } = instance;
  const { contextDir } = context.record().created;
  const place = worktreeOf(context, instance);
  const written = step.values.length === 0 ? {} : await readValues(context, started);
  if (written.outcome !== undefined) return written;
  if (step.outputs.length === 0 && place === null) return written;
  const texts = new StepTexts(context.record(), instance);
  const stale = await staleOutputs(outputsOf(context, started), context.runId, begunAgainAt);
  const { artifacts, missing } = await collectOutputs({
    outputs: step.outputs.map((output) => ({ ...output, path: texts.fill(output.path) })),
    stale,
    workspace: stepWorkspace(context, instance),
    contextDir,
    stepId: instance.id,
  });
  if (missing.length > 0) {
    const reason = `did not leave its output ${missing.join(", ")} (AC_OUTPUT_MISSING)`;
    return { outcome: "failed", reason, errorClass: "task_failed", code: "AC_OUTPUT_MISSING" };
  }
  if (place === null) return { ...written, artifacts };
  const request = {
    place,
    patchFile: join(artifactDir(contextDir, instance.id, "patch"), "changes.patch"),
    merge: step.merge,
    exclude: step.inputs.map(({ as }) => join(relative(place.path, stepWorkspace(context, instance)), as)),
    contextDir,
  };
  const isMerged = await mergeUnlessStopped(context.ports, request, cancellation);
  return isMerged
    ? { ...written, artifacts: [...artifacts, "patch"] }
    : { ...stoppedBefore, reason: notMerged };
}
