/**
 * The planner: what may happen now, as a pure function of the steps and the state. It starts nothing itself. The runner
 * performs the actions, journals what came of them, and asks again; a resumed run asks the same question of the same
 * state and so gets the same answer.
 */
import type { PlanStep, StatusView } from "./plan-step.ts";
import type { RunOutcome, RunState } from "./run-state.ts";
import { statusOf, type StepState } from "./step-state.ts";

export type Action =
  | {
      readonly type: "start_work";
      readonly step: string;
      readonly iteration: number;
      readonly attempt: number;
      readonly stage: number;
    }
  | {
      readonly type: "start_check";
      readonly step: string;
      readonly iteration: number;
      readonly check: number;
    }
  | { readonly type: "skip"; readonly step: string; readonly reason: string; readonly passes: boolean }
  /** The job's end, which follows, ends the step. */
  | { readonly type: "cancel_job"; readonly step: string; readonly jobId: string; readonly reason: string }
  /** A step between two jobs: nothing to wait for. */
  | { readonly type: "cancel_step"; readonly step: string; readonly reason: string }
  | { readonly type: "end_run"; readonly outcome: RunOutcome };

export interface PlanInput {
  /** In the order of the file, which decides who goes first. */
  readonly steps: readonly PlanStep[];
  readonly state: RunState;
  /** Steps at once; null: no limit of the workflow's own. */
  readonly concurrency: number | null;
}

export function plan(input: PlanInput): readonly Action[] {
  if (input.state.outcome !== null) return [];
  return input.state.stop === null
    ? planRunning(input)
    : planStopping(input, input.state.stop.outcome, input.state.stop.message);
}

function planRunning({ steps, state, concurrency }: PlanInput): readonly Action[] {
  const actions: Action[] = [];
  let free = concurrency ?? Infinity;
  for (const one of state.steps.values()) if (isActive(one)) free--;
  for (const step of steps) {
    const action = planStep(step, state, free > 0);
    if (action === null) continue;
    actions.push(action);
    if (action.type === "start_work" || action.type === "start_check") free--;
  }
  if (steps.every((step) => stateOf(state, step).kind === "ended"))
    actions.push({ type: "end_run", outcome: "SUCCEEDED" });
  return actions;
}

function planStep(step: PlanStep, state: RunState, mayStart: boolean): Action | null {
  const current = stateOf(state, step);
  switch (current.kind) {
    case "waiting": {
      const skip = skipReason(step, state);
      if (skip === "not_yet") return null;
      if (skip !== null) return { type: "skip", step: step.id, ...skip };
      return mayStart ? { type: "start_work", step: step.id, iteration: 1, attempt: 1, stage: 0 } : null;
    }
    case "ready": {
      if (!mayStart) return null;
      const { iteration, attempt, undecided, stage } = current.progress;
      return current.piece === "work"
        ? { type: "start_work", step: step.id, iteration, attempt: attempt + 1, stage }
        : { type: "start_check", step: step.id, iteration, check: undecided + 1 };
    }
    case "working":
    case "checking":
    case "ended":
      return null;
  }
}

/** Why a waiting step will not run, `not_yet` while that is open, null where it may run. */
function skipReason(step: PlanStep, state: RunState): { reason: string; passes: boolean } | "not_yet" | null {
  // Most steps of a large workflow leave here, at every look.
  if (step.dependsOn.some((id) => state.steps.get(id)?.kind !== "ended")) return "not_yet";
  const dependencies = step.dependsOn.map((id) => ({ id, state: state.steps.get(id) }));
  const blocking = dependencies.find(
    (dependency) => dependency.state?.kind === "ended" && !dependency.state.passes,
  );
  if (blocking?.state?.kind === "ended") {
    return { reason: `step "${blocking.id}" ended ${blocking.state.status}`, passes: false };
  }
  const view = {
    status: (id: string) => (state.steps.has(id) ? statusOf(state.steps.get(id) as StepState) : undefined),
  };
  if (step.condition !== undefined && !step.condition(view))
    return { reason: `condition not met${textOf(step, view)}`, passes: true };
  return null;
}

function textOf({ conditionText }: PlanStep, view: StatusView): string {
  return conditionText === undefined ? "" : `: ${conditionText(view)}`;
}

function planStopping({ steps, state }: PlanInput, outcome: RunOutcome, message: string): readonly Action[] {
  const actions: Action[] = [];
  for (const step of steps) {
    const current = stateOf(state, step);
    if (current.kind === "waiting")
      actions.push({ type: "skip", step: step.id, reason: message, passes: false });
    if (current.kind === "ready") actions.push({ type: "cancel_step", step: step.id, reason: message });
    if (current.kind === "working" || current.kind === "checking") {
      actions.push({ type: "cancel_job", step: step.id, jobId: current.jobId, reason: message });
    }
  }
  return actions.length === 0 ? [{ type: "end_run", outcome }] : actions;
}

function isActive(state: StepState): boolean {
  return state.kind === "working" || state.kind === "checking";
}

function stateOf(state: RunState, step: PlanStep): StepState {
  return state.steps.get(step.id) ?? { kind: "waiting" };
}
