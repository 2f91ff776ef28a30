/**
 * The state of a run: the states of its steps, and why it stops, if it does. Journal events go through `apply` one by one;
 * a resumed run only replays its journal. The state changes in place: a copy for each event would make long runs quadratic.
 */
import { assert, type ErrorCode } from "@agentcore/contract";
import { worstStatus, type PlanStep, type StepStatus } from "./plan-step.ts";
import { ReadySteps } from "./ready-steps.ts";
import type { MatrixLists } from "./matrix-lists.ts";
import {
  progressOf,
  restarted,
  transition,
  noProgress,
  type EndedState,
  type Progress,
  type StepEvent,
  type StepState,
} from "./step-state.ts";

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
  /** The lists of a step's matrix are known: its instances take its place. If there are none, it is skipped. */
  | { readonly type: "expanded"; readonly step: string; readonly lists: MatrixLists }
  /** An ended run is retried: these steps start again. */
  | { readonly type: "retried"; readonly steps: readonly string[] };

/** How much of a run its stop ends: nothing, all steps that do not react to failures, all but those of `finally`, everything. */
export type Halt = "nothing" | "failure" | "steps" | "everything";

/** What a step and those that it waits for, directly or not, came to. */
interface Trace {
  readonly hasFailed: boolean;
  readonly wasCancelled: boolean;
}

/** The instances that took the place of a step. */
interface Expansion {
  readonly lists: MatrixLists;
  readonly steps: readonly PlanStep[];
  readonly ids: readonly string[];
  /** How many have not ended. */
  open: number;
}

const noSteps: ReadonlySet<PlanStep> = new Set();

export class RunState {
  readonly #plan: readonly PlanStep[];
  readonly #byId: Map<string, PlanStep>;
  readonly #steps: Map<string, StepState>;
  readonly #expansions = new Map<string, Expansion>();
  /** How many steps have instances in their place. */
  #replaced = 0;
  /** By instance: the step whose place it took. */
  readonly #placeholders = new Map<string, PlanStep>();
  /** How far the instances were that a retry removed: numbers of attempts are never reused. */
  readonly #removed = new Map<string, Progress>();
  /** The steps of `steps`, and those of `finally`, which wait for all of them. */
  #main: ReadySteps;
  #final: ReadySteps;
  /** By step that has ended. Kept only if a condition needs it. */
  readonly #traces: Map<string, Trace> | null;
  #stop: StopReason | null = null;
  #halt: Halt = "nothing";
  #wasCancelled = false;
  #outcome: RunOutcome | null = null;
  #failed = 0;

  /** `steps`: in the order of the file. All begin as waiting. */
  constructor(steps: readonly PlanStep[]) {
    this.#plan = steps;
    this.#byId = new Map(steps.map((step) => [step.id, step]));
    this.#steps = new Map(steps.map(({ id }) => [id, { kind: "waiting" }]));
    [this.#main, this.#final] = this.#phases();
    this.#traces = steps.some(({ reacts }) => reacts) ? new Map() : null;
  }

  /** Also of a step whose instances took its place. */
  get steps(): ReadonlyMap<string, StepState> {
    return this.#steps;
  }

  /** How many steps there are, as far as known. A step whose instances took its place does not count. */
  get size(): number {
    return this.#steps.size - this.#replaced;
  }

  /** The ids of the instances that took the place of the step; null if none has. */
  expansionOf(id: string): readonly string[] | null {
    return this.#expansions.get(id)?.ids ?? null;
  }

  /** The lists of its matrix, once they are known. */
  listsOf(id: string): MatrixLists | null {
    return this.#expansions.get(id)?.lists ?? null;
  }

  canExpand(id: string): boolean {
    return this.#byId.get(id)?.expand !== undefined && this.#steps.get(id)?.kind === "waiting";
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
    return [...this.#byId.values()].every((step) => this.isHalted(step) || this.#isOver(step.id));
  }

  #isOver(id: string): boolean {
    const kind = this.#steps.get(id)?.kind;
    return kind === "ended" || kind === "expanded";
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
    return this.size - this.#main.open - this.#final.open;
  }

  /** How many of them failed. */
  get failed(): number {
    return this.#failed;
  }

  /** How many steps are at work. */
  get active(): number {
    return this.#main.active + this.#final.active;
  }

  /** How many steps wait for an approval. */
  get asking(): number {
    return this.#main.asking + this.#final.asking;
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
      case "expanded":
        return this.#expand(event.step, event.lists);
      case "retried":
        for (const id of event.steps) this.#reset(id);
        [this.#main, this.#final] = this.#phases();
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
    if (hasFailed(after)) this.#failed += 1;
    this.#phaseOf(step).moved(step, state, after);
    const placeholder = this.#placeholders.get(id);
    const expansion = placeholder === undefined ? undefined : this.#expansions.get(placeholder.id);
    if (placeholder === undefined || expansion === undefined || after.kind !== "ended") return;
    expansion.open -= 1;
    if (expansion.open === 0) this.#join(placeholder, expansion);
  }

  #phaseOf({ isFinal }: PlanStep): ReadySteps {
    return isFinal === true ? this.#final : this.#main;
  }

  #expand(id: string, lists: MatrixLists): void {
    const { step, state } = this.#known(id);
    assert(step.expand !== undefined && state.kind === "waiting", `step "${id}" waits for no list`);
    const steps = step.expand(lists);
    const ids = steps.map((one) => one.id);
    this.#expansions.set(id, { lists, steps, ids, open: steps.length });
    if (steps.length === 0)
      return this.#move(id, { type: "skipped", reason: "the list of its matrix is empty", passes: true });
    this.#replaced += 1;
    this.#steps.set(id, { kind: "expanded" });
    for (const one of steps) {
      const progress = this.#removed.get(one.id);
      this.#byId.set(one.id, one);
      this.#placeholders.set(one.id, step);
      this.#steps.set(one.id, progress === undefined ? { kind: "waiting" } : { kind: "waiting", progress });
    }
    this.#phaseOf(step).expand(step, steps, this.#steps);
  }

  /** All instances have ended, and so has the step whose place they took. */
  #join(step: PlanStep, { ids }: Expansion): void {
    const states = ids.flatMap((id) => this.#steps.get(id) ?? []);
    const before = this.#known(step.id).state;
    const after = joined(states);
    this.#steps.set(step.id, after);
    this.#traces?.set(step.id, {
      hasFailed: ids.some((id) => this.#traces?.get(id)?.hasFailed),
      wasCancelled: ids.some((id) => this.#traces?.get(id)?.wasCancelled),
    });
    this.#phaseOf(step).moved(step, before, after);
  }

  /** For a step whose instances took its place: they are gone, and it waits for its list again. */
  #reset(id: string): void {
    const { step, state } = this.#known(id);
    const expansion = this.#expansions.get(id);
    this.#traces?.delete(id);
    if (expansion !== undefined) {
      for (const one of expansion.ids) {
        const gone = this.#steps.get(one);
        if (gone !== undefined && hasFailed(gone)) this.#failed -= 1;
        if (gone !== undefined) this.#removed.set(one, restarted(progressOf(gone)));
        for (const map of [this.#byId, this.#steps, this.#placeholders]) map.delete(one);
        this.#traces?.delete(one);
      }
      this.#expansions.delete(id);
      if (expansion.ids.length > 0) this.#replaced -= 1;
      this.#steps.set(id, { kind: "waiting" });
      return;
    }
    if (hasFailed(state)) this.#failed -= 1;
    this.#steps.set(id, transition(step, state, { type: "reset" }));
    const placeholder = this.#placeholders.get(id);
    if (placeholder !== undefined) this.#steps.set(placeholder.id, { kind: "expanded" });
  }

  #phases(): [main: ReadySteps, final: ReadySteps] {
    for (const expansion of this.#expansions.values())
      expansion.open = expansion.ids.filter((id) => this.#steps.get(id)?.kind !== "ended").length;
    return [false, true].map((isFinal) => {
      const steps = this.#plan.filter((step) => (step.isFinal === true) === isFinal);
      const ready = new ReadySteps(steps, this.#steps);
      for (const step of steps) {
        const expansion = this.#expansions.get(step.id);
        if (expansion !== undefined && expansion.ids.length > 0)
          ready.expand(step, expansion.steps, this.#steps);
      }
      return ready;
    }) as [ReadySteps, ReadySteps];
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

const hasFailed = (state: StepState): boolean => state.kind === "ended" && state.status === "FAILED";

/** The end of a step whose instances have all ended: the worst status, and whether all of them pass. */
function joined(states: readonly StepState[]): EndedState {
  const ended = states.filter((state) => state.kind === "ended");
  const status = worstStatus(ended.map((state) => state.status));
  const passes = ended.every((state) => state.passes);
  return { kind: "ended", status: status ?? "SUCCEEDED", reason: "", progress: noProgress, passes };
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
