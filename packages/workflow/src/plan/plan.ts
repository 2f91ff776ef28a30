/**
 * The planner: decides what may happen now, from the state of the run alone. The runner performs the actions, writes the
 * results to the journal, and calls the planner again; a resumed run asks the same question of the same state and gets the
 * same result. Only steps that may have become ready are checked.
 */
import type { StatusFunction } from "../expression.ts";
import type { ConditionView, PlanStep, RunView, StepStatus } from "./plan-step.ts";
import type { RunOutcome, RunState } from "./run-state.ts";
import { statusOf } from "./step-state.ts";

export type Action =
  | { readonly type: "start_work" | "start_check"; readonly step: string }
  /** Takes no slot. */
  | { readonly type: "ask"; readonly step: string }
  | { readonly type: "skip"; readonly step: string; readonly reason: string; readonly passes: boolean }
  /** The list that its matrix needs must be known by now. */
  | { readonly type: "expand"; readonly step: string }
  /** For a step between two jobs, which has no end to wait for. */
  | { readonly type: "cancel_step"; readonly step: string; readonly reason: string }
  | { readonly type: "end_run"; readonly outcome: RunOutcome };

export interface PlanInput {
  readonly state: RunState;
  /** Wall clock, in ms, for steps that wait before another attempt. */
  readonly now: number;
  /** Most steps at once; null: the workflow sets no limit. */
  readonly concurrency: number | null;
  /** For conditions; absent: no step left an artifact or a value. */
  readonly view?: RunView;
}

/**
 * In the order of the file, which sets the priority. If a run stops, the runner cancels the jobs that the stop halts: the end of
 * each ends its step.
 */
export function plan({ state, now, concurrency, view = statesOnly(state) }: PlanInput): readonly Action[] {
  if (state.outcome !== null) return [];
  const { left, ready } = state;
  if (ready.open === 0) return [{ type: "end_run", outcome: state.stop?.outcome ?? "SUCCEEDED" }];
  ready.admitDue(now);
  const actions =
    left.size === 0
      ? next(state, view, (concurrency ?? Infinity) - ready.active)
      : [...left].map((step) => leaveOut(step, state, state.stop?.message ?? ""));
  return actions.toSorted((a, b) => state.ready.placeOf(a.step) - state.ready.placeOf(b.step));
}

function statesOnly(state: RunState): RunView {
  const status = (id: string): StepStatus | undefined => {
    const known = state.steps.get(id);
    return known === undefined ? undefined : statusOf(known);
  };
  return { status, artifact: () => null, value: () => null, expanded: (id) => state.expansionOf(id) };
}

type StepAction = Extract<Action, { readonly step: string }>;

/** The instances of a step that is expanded come before later steps, so nothing starts until they are there. */
function next(state: RunState, view: RunView, free: number): readonly StepAction[] {
  const judged = skips(state, view);
  return judged.some(({ type }) => type === "expand")
    ? judged
    : [...judged, ...asks(state), ...starts(state, free)];
}

/** Judges the steps whose last dependency has ended: they are skipped or may start. */
function skips(state: RunState, view: RunView): readonly StepAction[] {
  return [...state.ready.unjudged].flatMap((step): StepAction[] => {
    const call: ConditionView["call"] = (name) => resultOf(name, step, state);
    const skip = skipReason(step, state, { ...view, call });
    if (skip !== null) return [{ type: "skip", step: step.id, ...skip }];
    if (step.expand !== undefined) return [{ type: "expand", step: step.id }];
    state.ready.admit(step);
    return [];
  });
}

/** Why a step whose dependencies have ended will not run; null if it may. */
function skipReason(
  step: PlanStep,
  state: RunState,
  view: ConditionView,
): { readonly reason: string; readonly passes: boolean } | null {
  const blocking = step.reacts === true ? undefined : step.dependsOn.find((id) => !passes(id, state));
  if (blocking !== undefined) {
    const dependency = state.steps.get(blocking);
    const status = dependency === undefined ? "" : statusOf(dependency);
    return { reason: `step "${blocking}" ended ${status}`, passes: false };
  }
  if (step.condition === undefined || step.condition(view)) return null;
  const text = step.conditionText === undefined ? "" : `: ${step.conditionText(view)}`;
  return { reason: `condition not met${text}`, passes: true };
}

function asks({ ready }: RunState): readonly StepAction[] {
  return [...ready.askable].map(({ id }) => ({ type: "ask", step: id }));
}

function passes(id: string, { steps }: RunState): boolean {
  const state = steps.get(id);
  return state?.kind !== "ended" || state.passes;
}

/** Of a status function: in `finally` it is about the whole run, otherwise about what the step waits for. */
function resultOf(name: StatusFunction, { dependsOn, isFinal = false }: PlanStep, state: RunState): boolean {
  const outcome = state.stop?.outcome ?? "SUCCEEDED";
  switch (name) {
    case "always()":
      return true;
    case "success()":
      return isFinal ? outcome === "SUCCEEDED" : dependsOn.every((id) => passes(id, state));
    case "failure()":
      return isFinal ? outcome === "FAILED" : dependsOn.some((id) => state.traceOf(id)?.hasFailed);
    case "cancelled()":
      return isFinal
        ? outcome === "CANCELLED" || outcome === "TIMED_OUT"
        : dependsOn.some((id) => state.traceOf(id)?.wasCancelled);
  }
}

function starts(state: RunState, free: number): readonly StepAction[] {
  const actions: StepAction[] = [];
  if (free <= 0) return actions;
  for (const step of state.ready.startable()) {
    actions.push(startOf(step, state));
    if (actions.length >= free) break;
  }
  return actions;
}

function startOf({ id }: PlanStep, state: RunState): StepAction {
  const current = state.steps.get(id);
  const isCheck = current?.kind === "ready" && current.piece === "check";
  return { type: isCheck ? "start_check" : "start_work", step: id };
}

function leaveOut({ id }: PlanStep, state: RunState, reason: string): StepAction {
  const kind = state.steps.get(id)?.kind;
  return kind === "ready" || kind === "awaiting"
    ? { type: "cancel_step", step: id, reason }
    : { type: "skip", step: id, reason, passes: false };
}
