/**
 * The state of a run: the states of its steps, and why it stops, if it does. Journal events go through `apply` one by one;
 * a resumed run only replays its journal. The state changes in place: a copy for each event would make long runs quadratic.
 */
import { assert, type ErrorCode } from "@agentcore/contract";
import type { PlanStep, StepStatus } from "./plan-step.ts";
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

/** How much of a run its stop ends: nothing, all steps that do not react to failures, all but those of `finally`, everything. */
export type Halt = "nothing" | "failure" | "steps" | "everything";

/** What a step and those that it waits for, directly or not, came to. */
interface Trace {
  readonly hasFailed: boolean;
  readonly wasCancelled: boolean;
}

const noSteps: ReadonlySet<PlanStep> = new Set();

export class RunState {
  readonly #plan: readonly PlanStep[];
  readonly #byId: ReadonlyMap<string, PlanStep>;
  readonly #steps: Map<string, StepState>;
  /** The steps of `steps`, and those of `finally`, which wait for all of them. */
  #main: ReadySteps;
  #final: ReadySteps;
  /** By step that has ended. Kept only if a condition needs it. */
  readonly #traces: Map<string, Trace> | null;
  #stop: StopReason | null = null;
  #halt: Halt = "nothing";
  #wasCancelled = false;
  #outcome: RunOutcome | null = null;

  /** `steps`: in the order of the file. All begin as waiting. */
  constructor(steps: readonly PlanStep[]) {
    this.#plan = steps;
    this.#byId = new Map(steps.map((step) => [step.id, step]));
    this.#steps = new Map(steps.map(({ id }) => [id, { kind: "waiting" }]));
    [this.#main, this.#final] = phases(steps, this.#steps);
    this.#traces = steps.some(({ reacts }) => reacts) ? new Map() : null;
  }

  get steps(): ReadonlyMap<string, StepState> {
    return this.#steps;
  }

  /** The steps that the planner decides on now: those of `finally` once all others have ended. */
  get ready(): ReadySteps {
    return this.isInFinally ? this.#final : this.#main;
  }

  get isInFinally(): boolean {
    return this.#main.open === 0;
  }

  /** Set once; the first reason wins. Only steps that it does not halt start after that. */
  get stop(): StopReason | null {
    return this.#stop;
  }

  get halt(): Halt {
    return this.#halt;
  }

  /** Whether the stop ends this step. */
  isHalted({ reacts = false, isFinal = false }: PlanStep): boolean {
    if (this.#halt === "nothing" || this.#halt === "everything") return this.#halt === "everything";
    return !isFinal && (this.#halt === "steps" || !reacts);
  }

  /** Steps that are neither running nor ended, and that the stop ends. */
  get left(): ReadonlySet<PlanStep> {
    const { ready } = this;
    if (this.#halt === "everything") return ready.resting;
    if (this.#halt === "nothing" || this.isInFinally) return noSteps;
    return this.#halt === "steps" ? ready.resting : ready.restingQuiet;
  }

  /** The run is stopped, and no step starts any more. */
  get isEnding(): boolean {
    if (this.#stop === null) return false;
    return this.#plan.every((step) => this.isHalted(step) || this.#steps.get(step.id)?.kind === "ended");
  }

  /** Nothing is at work, and somebody has to approve something. */
  get isWaiting(): boolean {
    return this.#outcome === null && this.ready.isWaiting;
  }

  /** Null before the step has ended, or if no condition can ask. */
  traceOf(id: string): Trace | null {
    return this.#traces?.get(id) ?? null;
  }

  get outcome(): RunOutcome | null {
    return this.#outcome;
  }

  /** How many steps have ended. */
  get ended(): number {
    return this.#plan.length - this.#main.open - this.#final.open;
  }

  apply(event: PlanEvent): void {
    switch (event.type) {
      case "step":
        return this.#move(event.step, event.event);
      case "stop_requested":
        return this.#stopFor(event.reason);
      case "run_ended":
        this.#outcome ??= event.outcome;
        return;
      case "retried":
        for (const id of event.steps) {
          const { step, state } = this.#known(id);
          this.#steps.set(id, transition(step, state, { type: "reset" }));
          this.#traces?.delete(id);
        }
        [this.#main, this.#final] = phases(this.#plan, this.#steps);
        this.#stop = null;
        this.#halt = "nothing";
        this.#wasCancelled = false;
        this.#outcome = null;
    }
  }

  /** The time limit does not cut `finally`. A cancel does, if `finally` has begun or it is not the first. */
  #stopFor(reason: StopReason): void {
    const { outcome } = reason;
    if (outcome === "TIMED_OUT" && this.isInFinally) return;
    this.#stop ??= reason;
    if (outcome === "FAILED") {
      if (this.#halt === "nothing") this.#halt = "failure";
      return;
    }
    const isCancel = outcome === "CANCELLED";
    const isWhole = this.#halt === "everything" || (isCancel && (this.isInFinally || this.#wasCancelled));
    this.#halt = isWhole ? "everything" : "steps";
    this.#wasCancelled ||= isCancel;
  }

  #move(id: string, event: StepEvent): void {
    const { step, state } = this.#known(id);
    const after = transition(step, state, event);
    if (after === state) return;
    this.#steps.set(id, after);
    const stop = stopAfter(step, after);
    if (stop !== null) this.#stopFor(stop);
    if (after.kind === "ended") this.#trace(step, after.status);
    (step.isFinal === true ? this.#final : this.#main).moved(step, state, after);
  }

  #trace({ id, dependsOn }: PlanStep, status: StepStatus): void {
    const traces = this.#traces;
    if (traces === null) return;
    traces.set(id, {
      hasFailed: status === "FAILED" || dependsOn.some((above) => traces.get(above)?.hasFailed),
      wasCancelled: status === "CANCELLED" || dependsOn.some((above) => traces.get(above)?.wasCancelled),
    });
  }

  #known(id: string): { readonly step: PlanStep; readonly state: StepState } {
    const [step, state] = [this.#byId.get(id), this.#steps.get(id)];
    assert(step !== undefined && state !== undefined, `the journal names an unknown step "${id}"`);
    return { step, state };
  }
}

function phases(
  steps: readonly PlanStep[],
  states: ReadonlyMap<string, StepState>,
): [main: ReadySteps, final: ReadySteps] {
  return [
    new ReadySteps(
      steps.filter(({ isFinal }) => isFinal !== true),
      states,
    ),
    new ReadySteps(
      steps.filter(({ isFinal }) => isFinal === true),
      states,
    ),
  ];
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
