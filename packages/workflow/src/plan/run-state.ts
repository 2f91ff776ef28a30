/**
 * The state of a whole run: the states of its steps and why it stops, if it does. Journal events go through `applyEvent`
 * one by one; a resumed run is the fold of its journal and nothing else.
 */
import { assert, type ErrorCode } from "@agentcore/contract";
import type { PlanStep } from "./plan-step.ts";
import { transition, type StepEvent, type StepState } from "./step-state.ts";

export type RunOutcome = "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "CANCELLED";

export interface StopReason {
  readonly outcome: Exclude<RunOutcome, "SUCCEEDED">;
  readonly message: string;
  /** Says more than the outcome, such as that the budget is used up. */
  readonly code?: ErrorCode;
  /** The step whose end stops the run. */
  readonly step?: string;
}

export interface RunState {
  readonly steps: ReadonlyMap<string, StepState>;
  /** Set once; the first reason wins. Nothing new starts from then on. */
  readonly stop: StopReason | null;
  readonly outcome: RunOutcome | null;
}

export type PlanEvent =
  | { readonly type: "step"; readonly step: string; readonly event: StepEvent }
  | { readonly type: "stop_requested"; readonly reason: StopReason }
  | { readonly type: "run_ended"; readonly outcome: RunOutcome }
  /** Somebody retries a run that has ended: these steps begin anew. */
  | { readonly type: "retried"; readonly steps: readonly string[] };

export function initialState(steps: readonly PlanStep[]): RunState {
  return { steps: new Map(steps.map((step) => [step.id, { kind: "waiting" }])), stop: null, outcome: null };
}

/** A map that may be changed, with what the given one holds. */
export type Into = <K, V>(map: ReadonlyMap<K, V>) => Map<K, V>;

export const copied: Into = (map) => new Map(map);

/** `steps` must be those the state was made of. `into` may give the state's own map where nobody else has the state. */
export function applyEvent(
  steps: ReadonlyMap<string, PlanStep>,
  state: RunState,
  event: PlanEvent,
  into: Into = copied,
): RunState {
  switch (event.type) {
    case "step": {
      const step = steps.get(event.step);
      const before = state.steps.get(event.step);
      assert(step !== undefined && before !== undefined, `the journal names an unknown step "${event.step}"`);
      const after = transition(step, before, event.event);
      if (after === before) return state;
      const next = into(state.steps).set(event.step, after);
      return { ...state, steps: next, stop: state.stop ?? stopAfter(step, after) };
    }
    case "stop_requested":
      return { ...state, stop: state.stop ?? event.reason };
    case "run_ended":
      return { ...state, outcome: state.outcome ?? event.outcome };
    case "retried":
      return retried(steps, state, event.steps);
  }
}

function retried(steps: ReadonlyMap<string, PlanStep>, state: RunState, ids: readonly string[]): RunState {
  const after = new Map(state.steps);
  for (const id of ids) {
    const [step, before] = [steps.get(id), after.get(id)];
    assert(step !== undefined && before !== undefined, `the journal names an unknown step "${id}"`);
    after.set(id, transition(step, before, { type: "reset" }));
  }
  return { steps: after, stop: null, outcome: null };
}

/** A step that fails without leave to go on takes the run with it. */
function stopAfter(step: PlanStep, state: StepState): StopReason | null {
  if (state.kind !== "ended" || state.passes) return null;
  if (state.status !== "FAILED" && state.status !== "CANCELLED") return null;
  return {
    outcome: "FAILED",
    step: step.id,
    message: `step "${step.id}" ${state.status === "FAILED" ? "failed" : "was cancelled"}: ${state.reason}`,
  };
}
