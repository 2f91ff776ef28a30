/**
 * One attempt at a step: prepare the workspace, run the job, judge what it changed, collect what it made. Answers the event
 * that ends the attempt. Everything before the job may happen twice, when a run is resumed; the job does not.
 */
import { isAgentCoreError } from "@agentcore/contract";
import type { Spending } from "@agentcore/scheduler";
import { collectOutputs, copyInputs } from "./artifacts.ts";
import { branchProblem, placeOf, unsafe } from "./branch-rules.ts";
import { budgetText, ceilingCode, isUsedUp, noCeiling } from "./budget-share.ts";
import { judgeChanges, observedOf, unjudgedChanges, type ObservedChanges } from "./change-rules.ts";
import { changedSince, gitUntil } from "./git.ts";
import { isFailureOfRun, wasInterrupted, type LateCanceller } from "./job-piece.ts";
import { workEnd, type WorkEnd } from "./job-outcome.ts";
import { jobFor, withStages, type PieceRequest } from "./job-request.ts";
import { runPieceJob } from "./piece-job.ts";
import { artifactDir, isWithin, pathInside } from "./places.ts";
import { beginAttempt, ensureWorktree, mergeWorktree } from "./worktree.ts";
import type { WorktreePlace } from "./worktree-place.ts";
import type { RunEventEntry } from "./run-record.ts";
import {
  inputsOf,
  stepWorkspace,
  workspaceRoot,
  worktreeOf,
  type StartedPiece,
  type StepContext,
} from "./step-context.ts";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Budget, WorkSpec } from "../definition.ts";

/** What an attempt ended with, and what it took. */
export interface AttemptEnd extends WorkEnd {
  /** It was stopped with its run, and begins anew when that is resumed. */
  readonly interrupted?: true;
  readonly spent?: Spending;
  readonly interruptions?: number;
  readonly artifacts?: readonly string[];
  readonly branch?: string;
}

export async function runWork(
  context: StepContext,
  started: StartedPiece,
  work: WorkSpec,
  canceller: LateCanceller,
): Promise<RunEventEntry> {
  const end = await attempt(context, started, work, canceller);
  return workEnded(context, started, end);
}

export function workEnded(context: StepContext, { instance }: StartedPiece, end: AttemptEnd): RunEventEntry {
  const { outcome, reason, violations, final, errorClass, code, spent, interruptions, artifacts, branch } =
    end;
  const ended = { type: "work_ended", outcome, reason, violations } as const;
  const workEvent = final === undefined ? ended : { ...ended, final };
  return {
    type: "event",
    at: context.ports.clock.now(),
    event: { type: "step", step: instance.id, event: end.interrupted ? { type: "interrupted" } : workEvent },
    ...(spent === undefined ? {} : { spent }),
    ...(interruptions === undefined || interruptions === 0 ? {} : { interruptions }),
    ...(errorClass === null ? {} : { errorClass }),
    ...(code === undefined ? {} : { code }),
    ...(artifacts === undefined ? {} : { artifacts }),
    ...(branch === undefined ? {} : { branch }),
  };
}

/** Failures of the step itself are its end; those of the run are thrown. */
async function attempt(
  context: StepContext,
  started: StartedPiece,
  work: WorkSpec,
  canceller: LateCanceller,
): Promise<AttemptEnd> {
  try {
    const workspace = await prepareUntil(context, started, canceller);
    if (canceller.isInterrupted && !started.resumed) return interruptedEnd;
    if (canceller.isCancelled && !started.resumed) return stoppedBefore;
    const ceiling = ceilingOf(context, started);
    if (isUsedUp(ceiling)) return budgetUsedUp(ceiling);
    const job = jobFor(await workRequest(context, started, work, workspace));
    const { stall } = started.instance.step;
    const end = await runPieceJob(context, started, { piece: "work", job, stall }, canceller);
    const cost = { spent: end.spent, interruptions: Math.max(0, end.attempts - 1) };
    if (wasInterrupted(end)) return { ...interruptedEnd, ...cost };
    const verdict = withOrigin(context, started, workEnd(end, stall));
    if (verdict.outcome !== "succeeded" || verdict.violations.length > 0) return { ...verdict, ...cost };
    return {
      ...(await afterSuccess(context, started, verdict, observedOf(end.result?.observations))),
      ...cost,
    };
  } catch (error) {
    if (isAgentCoreError(error) && error.code === "AC_CANCELLED" && canceller.isCancelled)
      return stoppedBefore;
    if (isFailureOfRun(error)) throw error;
    return failed(error);
  }
}

/** What is prepared by git ends with the step; a resumed one may be at work already, and only finds what is there. */
async function prepareUntil(
  context: StepContext,
  started: StartedPiece,
  canceller: LateCanceller,
): Promise<string> {
  const stop = new AbortController();
  if (!started.resumed) canceller.bind(() => stop.abort());
  const { ports } = context;
  return prepare(
    { ...context, ports: { ...ports, git: gitUntil(ports.git, stop.signal) } },
    started,
    stop.signal,
  );
}

/** The ceiling that a step reached is nowhere in the file, where it is its part of the run's. */
function withOrigin({ record }: StepContext, { instance }: StartedPiece, end: WorkEnd): WorkEnd {
  const { budget } = record().created;
  if (end.errorClass !== "budget_exhausted" || budget === null || instance.step.budget !== null) return end;
  return { ...end, reason: `${end.reason}; that was its part of the run's ${budgetText(budget)}` };
}

const stoppedBefore: AttemptEnd = {
  outcome: "cancelled",
  reason: "stopped before it began",
  errorClass: "cancelled",
  violations: [],
};

const interruptedEnd: AttemptEnd = { ...stoppedBefore, errorClass: null, interrupted: true };

/** The end of a piece for which nothing is left to spend. */
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
  return { outcome: "failed", reason, errorClass: "invalid_request", violations: [], ...code };
}

export function ceilingOf(context: StepContext, { jobId }: StartedPiece) {
  return context.record().reserved.get(jobId) ?? noCeiling;
}

/** Makes the workspace ready; answers its path. */
export async function prepare(
  context: StepContext,
  started: StartedPiece,
  signal?: AbortSignal,
): Promise<string> {
  const { instance, resumed } = started;
  const place = worktreeOf(context, instance);
  if (!resumed) await checkBranch(context, started);
  if (place !== null) await prepareWorktree(context, started, place, signal);
  const workspace = await pathInside(workspaceRoot(context, instance), stepWorkspace(context, instance));
  // Of a resumed attempt the job may be at work already: nothing is put under its feet.
  if (!resumed) await copyInputs(inputsOf(context, instance), workspace);
  return workspace;
}

/** Of a resumed attempt the job may be at work already. */
async function prepareWorktree(
  { record, ports: { git, clock, log } }: StepContext,
  started: StartedPiece,
  place: WorktreePlace,
  signal: AbortSignal | undefined,
): Promise<void> {
  const ports = { git, clock, log, ...(signal === undefined ? {} : { signal }) };
  await ensureWorktree(ports, place, record().created.contextDir);
  const { iteration, attemptInAll: attempt, resumed, instance } = started;
  if (resumed) return;
  const kept = await beginAttempt(ports, { place, iteration, attempt });
  if (kept !== null)
    ports.log.warn({ step: instance.id, ref: kept }, "what the former attempt changed is kept in a ref");
}

async function checkBranch({ record, workflow, settings, ports }: StepContext, { instance }: StartedPiece) {
  const { created, branch, state } = record();
  const { base } = created;
  if (base === null) return;
  const { transitionStep } = workflow.branch;
  const transitioned = transitionStep !== null && state.steps.get(transitionStep)?.kind === "ended";
  const problem = branchProblem({
    workflow,
    step: instance.step,
    base,
    expected: branch ?? created.startBranch,
    transitioned,
    found: await placeOf(ports.git, created.workspace),
    options: settings.branch,
  });
  if (problem !== null) throw unsafe(problem);
}

async function workRequest(
  context: StepContext,
  started: StartedPiece,
  work: WorkSpec,
  workspace: string,
): Promise<PieceRequest> {
  const { instance, stage, attempt: number } = started;
  const { step, fill } = instance;
  const values = instance.scriptValues();
  const isScript = work.worker === "shell";
  const instructions = isScript ? values.script(work.instructions) : fill(work.instructions);
  const verify = step.verify === null ? null : values.script(step.verify);
  const stages = step.loop?.convergence?.stages ?? new Map<number, string>();
  const delayMs = number > 1 ? context.settings.retryDelayMs(number - 1) : 0;
  return {
    ...pieceBasis(context, started),
    piece: "work",
    work,
    instructions: withStages(instructions, stages, stage),
    values: values.environment(),
    workspace,
    verify,
    stall: step.stall,
    timeoutMs: Math.min(step.timeoutMs ?? Infinity, context.leftMs()),
    notBefore: delayMs > 0 ? context.ports.clock.now() + delayMs : null,
  };
}

/** What jobs of a step's work and of its check have in common. */
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
  };
}

async function afterSuccess(
  context: StepContext,
  started: StartedPiece,
  verdict: WorkEnd,
  observed: ObservedChanges,
): Promise<AttemptEnd> {
  const { step } = started.instance;
  const changes = await judge(context, started, observed);
  if (changes.violations.length > 0) return { ...verdict, ...changes };
  const branch = await branchAfter(context, started);
  // A step that loops is not done before its check says so.
  if (step.loop !== null) return { ...verdict, ...branch };
  return { ...verdict, ...branch, ...(await collect(context, started)) };
}

async function branchAfter({ workflow, record, ports }: StepContext, { instance }: StartedPiece) {
  if (instance.step.id !== workflow.branch.transitionStep || record().created.base === null) return {};
  const { branch } = await placeOf(ports.git, record().created.workspace);
  return branch === null ? {} : { branch };
}

/** Collects the outputs of a step that is done; a missing one makes it fail. */
export async function collect(context: StepContext, started: StartedPiece): Promise<Partial<AttemptEnd>> {
  const { instance } = started;
  const { step, fill } = instance;
  const { contextDir } = context.record().created;
  const place = worktreeOf(context, instance);
  if (step.outputs.length === 0 && place === null) return {};
  const { artifacts, missing } = await collectOutputs({
    outputs: step.outputs.map((output) => ({ ...output, path: fill(output.path) })),
    workspace: stepWorkspace(context, instance),
    contextDir,
    stepId: instance.id,
  });
  if (missing.length > 0) {
    const reason = `did not leave its output ${missing.join(", ")} (AC_OUTPUT_MISSING)`;
    return { outcome: "failed", reason, errorClass: "task_failed", code: "AC_OUTPUT_MISSING" };
  }
  if (place === null) return { artifacts };
  await mergeWorktree(context.ports, {
    place,
    patchFile: join(artifactDir(contextDir, instance.id, "patch"), "changes.patch"),
    merge: step.merge,
    exclude: step.inputs.map(({ as }) => join(relative(place.path, stepWorkspace(context, instance)), as)),
    contextDir,
  });
  return { artifacts: [...artifacts, "patch"] };
}

async function judge(context: StepContext, { instance }: StartedPiece, observed: ObservedChanges) {
  const rules = instance.step.loop?.convergence;
  const hasRules =
    rules !== undefined &&
    rules !== null &&
    (rules.allowedPaths.length > 0 || rules.maxChangedFiles !== null);
  if (!hasRules) return { violations: [] };
  const { created } = context.record();
  const workspace = stepWorkspace(context, instance);
  const ref =
    rules.diffBaseRefFile === null
      ? rules.diffBaseRef
      : (await readFile(await pathInside(workspace, rules.diffBaseRefFile), "utf8")).trim();
  if (ref === null && observed.unknown !== null) return unjudgedChanges(observed.unknown);
  const changed = ref === null ? observed.files : await changedSince(context.ports.git, workspace, ref);
  const always = isWithin(workspace, created.contextDir) ? [relative(workspace, created.contextDir)] : [];
  return judgeChanges(rules, changed, always);
}
