/**
 * The state of a run: the states of its steps, and why it stops, if it does. Journal events go through `apply` one by one;
 * a resumed run only replays its journal. The state changes in place: a copy for each event would make long runs quadratic.
 */
import { assert, type ErrorCode } from "@agentcore/contract";
import type { PlanStep } from "./plan-step.ts";
import { ReadySteps } from "./ready-steps.ts";
import { transition, type StepEvent, type StepState } from "./step-state.ts";

export type RunOutcome = "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "CANCELLED";

export interface StopReason {
  readonly outcome: Exclude<RunOutcome, "SUCCEEDED">;
  readonly message: string;
  /** More specific than the outcome, such as that the budget is used up. */
  readonly code?: ErrorCode;
  /** The step whose end stops the run. */
  readonly step?: string;
}

export type PlanEvent =
  | { readonly type: "step"; readonly step: string; readonly event: StepEvent }
  | { readonly type: "stop_requested"; readonly reason: StopReason }
  | { readonly type: "run_ended"; readonly outcome: RunOutcome }
  /** An ended run is retried: these steps start again. */
  | { readonly type: "retried"; readonly steps: readonly string[] };

export class RunState {
  readonly #plan: readonly PlanStep[];
  readonly #byId: ReadonlyMap<string, PlanStep>;
  readonly #steps: Map<string, StepState>;
  #ready: ReadySteps;
  #stop: StopReason | null = null;
  #outcome: RunOutcome | null = null;

  /** `steps`: in the order of the file. All begin as waiting. */
  constructor(steps: readonly PlanStep[]) {
    this.#plan = steps;
    this.#byId = new Map(steps.map((step) => [step.id, step]));
    this.#steps = new Map(steps.map(({ id }) => [id, { kind: "waiting" }]));
    this.#ready = new ReadySteps(steps, this.#steps);
  }

  get steps(): ReadonlyMap<string, StepState> {
    return this.#steps;
  }

  get ready(): ReadySteps {
    return this.#ready;
  }

  /** Set once; the first reason wins. Nothing new starts after that. */
  get stop(): StopReason | null {
    return this.#stop;
  }

  get outcome(): RunOutcome | null {
    return this.#outcome;
  }

  /** How many steps have ended. */
  get ended(): number {
    return this.#plan.length - this.#ready.idle.size - this.#ready.active;
  }

  apply(event: PlanEvent): void {
    switch (event.type) {
      case "step":
        return this.#move(event.step, event.event);
      case "stop_requested":
        this.#stop ??= event.reason;
        return;
      case "run_ended":
        this.#outcome ??= event.outcome;
        return;
      case "retried":
        for (const id of event.steps) {
          const { step, state } = this.#known(id);
          this.#steps.set(id, transition(step, state, { type: "reset" }));
        }
        this.#ready = new ReadySteps(this.#plan, this.#steps);
        this.#stop = null;
        this.#outcome = null;
    }
  }

  #move(id: string, event: StepEvent): void {
    const { step, state } = this.#known(id);
    const after = transition(step, state, event);
    if (after === state) return;
    this.#steps.set(id, after);
    this.#stop ??= stopAfter(step, after);
    this.#ready.moved(step, state, after);
  }

  #known(id: string): { readonly step: PlanStep; readonly state: StepState } {
    const [step, state] = [this.#byId.get(id), this.#steps.get(id)];
    assert(step !== undefined && state !== undefined, `the journal names an unknown step "${id}"`);
    return { step, state };
  }
}

/** A failed step stops the run unless its rules let the run continue. */
function stopAfter(step: PlanStep, state: StepState): StopReason | null {
  if (state.kind !== "ended" || state.passes) return null;
  if (state.status !== "FAILED" && state.status !== "CANCELLED") return null;
  return {
    outcome: "FAILED",
    step: step.id,
    message: `step "${step.id}" ${state.status === "FAILED" ? "failed" : "was cancelled"}: ${state.reason}`,
  };
}
