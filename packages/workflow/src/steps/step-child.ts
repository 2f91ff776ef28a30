/**
 * Runs a sub-workflow as a step: a separate run with the id that the journal has for the attempt, its own context
 * directory, and the ceiling that was reserved for it. Its exports become the step's artifacts.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { StepAction, Workflow } from "../definition.ts";
import { copyArtifact } from "./artifacts.ts";
import { isUsedUp, lowered } from "../budget/budget-share.ts";
import { isFailureOfRun, isInterrupted, type StepCancellation } from "./submit-job.ts";
import { childInputs } from "../inputs.ts";
import { openPlace } from "../own-place.ts";
import { artifactDir, stepDir } from "../places.ts";
import type { RunOutcome } from "../plan/run-state.ts";
import type { RunResult, WorkflowEvent } from "../run-ports.ts";
import { factsOf } from "../records/run-record.ts";
import type { RunCreated, RunEventEntry } from "../records/entry-types.ts";
import { worktreeOf, type Outermost, type StartedPiece, type StepContext } from "./step-context.ts";
import {
  budgetUsedUp,
  ceilingOf,
  collect,
  failed,
  stoppedBefore,
  workEnded,
  type AttemptEnd,
} from "./step-work.ts";
import { StepTexts } from "./step-texts.ts";
import { prepare, wasStopped } from "./step-prepare.ts";
import { isBudgetCode } from "./job-outcome.ts";

export type ChildAction = Extract<StepAction, { kind: "workflow" }>;

export interface ChildRequest {
  readonly runId: string;
  readonly workflow: Workflow;
  /** For a run that does not exist yet. */
  readonly created: RunCreated;
  readonly onEvent: (event: WorkflowEvent) => void;
  readonly outermost: Outermost;
  readonly cancellation: StepCancellation;
}

export type StartChild = (request: ChildRequest) => Promise<RunResult>;

export interface ChildOptions {
  readonly action: ChildAction;
  readonly cancellation: StepCancellation;
  readonly startChild: StartChild;
}

/** Null if it was interrupted: the step stays at work, and a resume continues the run below it. */
export async function runChild(
  context: StepContext,
  started: StartedPiece,
  options: ChildOptions,
): Promise<RunEventEntry | null> {
  const end = await attempt(context, started, options);
  return end === null ? null : workEnded(context, started, end);
}

async function attempt(
  context: StepContext,
  started: StartedPiece,
  { action, cancellation, startChild }: ChildOptions,
): Promise<AttemptEnd | null> {
  try {
    const created = await childCreated(context, started, action, cancellation);
    if (created.budget !== null && isUsedUp(created.budget)) {
      return budgetUsedUp(created.budget);
    }
    const onEvent = bubble(context, started, action);
    const { jobId: runId } = started;
    const result = await startChild({
      runId,
      workflow: action.workflow,
      created,
      onEvent,
      outermost: outermostOf(context, started),
      cancellation,
    });
    const { outcome } = result;
    if (outcome === "INTERRUPTED") return null;
    const end = { ...endOf({ ...result, outcome }), spent: result.spent };
    if (end.outcome !== "succeeded") return end;
    const artifacts = await takeExports(context, started, action, {
      childContext: created.contextDir,
      steps: result.steps,
    });
    // Its exports are collected after each iteration, so that the completion check can read them.
    const collected =
      started.instance.step.loop === null ? await collect(context, started, cancellation) : {};
    const values = takeValues(context, started, action, result);
    return { ...end, ...collected, artifacts: [...artifacts, ...(collected.artifacts ?? [])], values };
  } catch (error) {
    if (wasStopped(error, cancellation)) return isInterrupted(cancellation) ? null : stoppedBefore;
    if (isFailureOfRun(error)) throw error;
    return failed(error);
  }
}

function outermostOf(context: StepContext, { instance }: StartedPiece): Outermost {
  const { context: first, path } = context.outermost ?? { context, path: "" };
  return { context: first, path: `${path}${instance.id}/` };
}

async function childCreated(
  context: StepContext,
  started: StartedPiece,
  { workflow, with: given }: ChildAction,
  cancellation: StepCancellation,
): Promise<RunCreated> {
  const { instance, attemptInAll } = started;
  const { created } = context.record();
  const texts = new StepTexts(context.record(), instance);
  const place = worktreeOf(context, instance);
  const budget = lowered(workflow.budget, ceilingOf(context, started));
  const timeoutMs = Math.min(
    workflow.timeoutMs,
    instance.step.timeoutMs ?? Infinity,
    context.leftMs(instance.step),
  );
  const { only: _, ...inherited } = created;
  return {
    ...inherited,
    at: context.ports.clock.now(),
    name: workflow.name,
    file: workflow.file,
    hash: workflow.hash,
    workspace: await prepare(context, started, cancellation),
    contextDir: join(stepDir(created.contextDir, instance.id), `_run-${attemptInAll}`),
    inputs: childInputs(workflow, given, (text) => texts.value(text)),
    budget,
    parent: context.runId,
    root: created.root ?? context.runId,
    startBranch: context.record().branch ?? created.startBranch,
    timeoutMs,
    ...(place === null || created.base === null
      ? {}
      : { base: { ...created.base, root: place.path }, startBranch: null }),
  };
}

function endOf(result: RunResult & { readonly outcome: RunOutcome }): AttemptEnd {
  const reason = result.reason ?? "";
  switch (result.outcome) {
    case "SUCCEEDED":
      return { outcome: "succeeded", reason, errorClass: null, violations: [] };
    case "CANCELLED":
      return { outcome: "cancelled", reason, errorClass: "cancelled", violations: [] };
    case "TIMED_OUT":
      return { outcome: "failed", reason, errorClass: "timeout", violations: [] };
    case "FAILED": {
      const errorClass = isBudgetCode(result.code) ? "budget_exhausted" : "task_failed";
      const code = result.code === null ? {} : { code: result.code };
      return { outcome: "failed", reason, errorClass, violations: [], ...code };
    }
  }
}

async function removeArtifacts(stepDirectory: string): Promise<void> {
  const place = openPlace(stepDirectory);
  try {
    for (const name of await readdir(place.at))
      if (!name.startsWith("_")) await rm(join(place.at, name), { recursive: true, force: true });
  } finally {
    place.close();
  }
}

/** `replace` drops what an earlier iteration exported, `merge` keeps artifacts that are not exported again. */
async function takeExports(
  context: StepContext,
  { instance }: StartedPiece,
  { exports, exportsMode }: ChildAction,
  { childContext, steps }: { readonly childContext: string; readonly steps: RunResult["steps"] },
): Promise<readonly string[]> {
  const { contextDir } = context.record().created;
  const own = stepDir(contextDir, instance.id);
  if (exportsMode === "replace") {
    await removeArtifacts(own);
  }
  const taken: string[] = [];
  for (const { from, artifact, as } of exports) {
    for (const { id } of madeBy(from, steps)) {
      const place = artifactDir(contextDir, instance.id, as);
      const target = id === from ? place : join(place, id.slice(from.length + 1, -1));
      if ((await copyArtifact(artifactDir(childContext, id, artifact), target)) && !taken.includes(as))
        taken.push(as);
    }
  }
  return taken;
}

/** The reports of a step of the file, or of the instances of its matrix. */
function madeBy(from: string, steps: RunResult["steps"]): RunResult["steps"] {
  return steps.filter(({ id }) => id === from || id.startsWith(`${from}[`));
}

/** The values that it exports. A step with a matrix has the JSON list of its instances' values. */
function takeValues(
  { record }: StepContext,
  { instance }: StartedPiece,
  { workflow, valueExports, exportsMode }: ChildAction,
  { steps }: RunResult,
): Readonly<Record<string, string>> {
  const kept = exportsMode === "merge" ? factsOf(record(), instance.id).values : {};
  const taken = valueExports.flatMap(({ from, value, as }): [string, string][] => {
    const texts = madeBy(from, steps).flatMap(({ values }) =>
      Object.hasOwn(values, value) ? [values[value] ?? ""] : [],
    );
    const source = workflow.steps.find(({ id }) => id === from);
    const isList = source !== undefined && source.matrix.size + source.matrixLists.size > 0;
    if (isList) return [[as, JSON.stringify(texts)]];
    return texts.slice(0, 1).map((text) => [as, text]);
  });
  return { ...kept, ...Object.fromEntries(taken) };
}

/** Reports a sub-workflow's steps as steps of the parent, under a prefix, if the file or the caller requests it. */
function bubble(
  context: StepContext,
  { instance }: StartedPiece,
  { bubbleEvents, eventPrefix }: ChildAction,
): (event: WorkflowEvent) => void {
  const { tellsChildren } = context.settings;
  const prefix = tellsChildren ? instance.id : (eventPrefix ?? instance.id);
  return (event) => {
    if (!bubbleEvents && !tellsChildren) {
      if (event.type !== "step_changed" || event.step.approval === null) return;
      // Somebody must see what the run waits for.
      const id = `${instance.id}/${event.step.id}`;
      return context.emit({ ...event, run: context.runId, step: { ...event.step, id } });
    }
    if (event.type === "step_changed") {
      context.emit({
        ...event,
        run: context.runId,
        step: { ...event.step, id: `${prefix}/${event.step.id}` },
      });
    }
    if (event.type === "job_event") {
      context.emit({ ...event, run: context.runId, step: `${prefix}/${event.step}` });
    }
  };
}
