/**
 * Tracks the steps that the planner has to check. It is updated with every change of a step, by following the dependencies
 * backward, so an event costs the same in a run of ten thousand steps as in a run of ten.
 */
import type { PlanStep } from "./plan-step.ts";
import type { StepState } from "./step-state.ts";

/** Steps with the same list of dependencies, such as the instances of a matrix. */
interface WaitingGroup {
  readonly steps: PlanStep[];
  /** Dependencies that have not ended. */
  open: number;
}

/** The instances that took the place of a step. */
interface Taken {
  readonly place: number;
  readonly steps: readonly PlanStep[];
  /** By position: 1 if the instance may start now. */
  readonly mayStart: Uint8Array;
  /** How many may start now. */
  startable: number;
}

export class ReadySteps {
  readonly #steps: readonly PlanStep[];
  readonly #places: ReadonlyMap<string, number>;
  /** By the id of a dependency. */
  readonly #waitingFor = new Map<string, WaitingGroup[]>();
  readonly #unjudged = new Set<PlanStep>();
  /** By position in the file: 1 if the step may start now. */
  readonly #mayStart: Uint8Array;
  /** By the position of the step whose place they took. */
  readonly #taken = new Map<number, Taken>();
  /** By the id of an instance: its position among them. */
  readonly #within = new Map<string, { readonly taken: Taken; readonly at: number }>();
  /** Steps that wait for the time of their next attempt, with that time. */
  readonly #delayed = new Map<PlanStep, number>();
  /** No delayed step may start before. */
  #earliest = Infinity;
  readonly #idle = new Set<PlanStep>();
  readonly #resting = new Set<PlanStep>();
  readonly #restingQuiet = new Set<PlanStep>();
  /** Approvals that may be asked for. */
  readonly #askable = new Set<PlanStep>();
  #idleSpenders = 0;
  #active = 0;

  constructor(steps: readonly PlanStep[], states: ReadonlyMap<string, StepState>) {
    this.#steps = steps;
    this.#places = new Map(steps.map(({ id }, index) => [id, index]));
    this.#mayStart = new Uint8Array(steps.length);
    const groups = new Map<readonly string[], WaitingGroup>();
    for (const step of steps) {
      const group = groups.get(step.dependsOn) ?? this.#addGroup(step.dependsOn, states);
      groups.set(step.dependsOn, group);
      group.steps.push(step);
      this.#enter(step, states.get(step.id)?.kind ?? "waiting");
      if (group.open === 0 && this.#idle.has(step)) this.#becomeReady(step, states.get(step.id));
    }
  }

  /** Waiting steps whose dependencies have all ended and for which `admit` was not called. */
  get unjudged(): ReadonlySet<PlanStep> {
    return this.#unjudged;
  }

  /** Neither running nor ended. */
  get idle(): ReadonlySet<PlanStep> {
    return this.#idle;
  }

  /** The idle steps and those that wait for an approval: no job has to end before they can. */
  get resting(): ReadonlySet<PlanStep> {
    return this.#resting;
  }

  /** Those of them that do not react to failures. */
  get restingQuiet(): ReadonlySet<PlanStep> {
    return this.#restingQuiet;
  }

  /** How many wait for an approval. */
  get asking(): number {
    return this.#resting.size - this.#idle.size;
  }

  /** Nothing goes on without an answer to an approval. */
  get isWaiting(): boolean {
    return this.#active === 0 && this.#delayed.size === 0 && this.asking > 0;
  }

  /** Approvals that may be asked for now. */
  get askable(): ReadonlySet<PlanStep> {
    return this.#askable;
  }

  /** How many of them can spend. */
  get idleSpenders(): number {
    return this.#idleSpenders;
  }

  /** How many are running. */
  get active(): number {
    return this.#active;
  }

  /** How many have not ended. */
  get open(): number {
    return this.#resting.size + this.#active;
  }

  /** The steps that may start, in the order of the file. */
  *startable(): Iterable<PlanStep> {
    for (let at = this.#mayStart.indexOf(1); at >= 0; at = this.#mayStart.indexOf(1, at + 1)) {
      const taken = this.#taken.get(at);
      const step = this.#steps[at];
      if (taken !== undefined) yield* startableOf(taken);
      else if (step !== undefined) yield step;
    }
  }

  /** The instances take the place of the step. After a retry, a dependency may not have ended again. */
  expand(step: PlanStep, steps: readonly PlanStep[], states: ReadonlyMap<string, StepState>): void {
    const place = this.placeOf(step.id);
    if (this.#idle.has(step)) this.#leave(step, "waiting");
    const taken = { place, steps, mayStart: new Uint8Array(steps.length), startable: 0 };
    this.#taken.set(place, taken);
    const group = this.#addGroup(step.dependsOn, states);
    group.steps.push(...steps);
    for (const [at, one] of steps.entries()) {
      this.#within.set(one.id, { taken, at });
      this.#enter(one, states.get(one.id)?.kind ?? "waiting");
      if (group.open === 0 && this.#idle.has(one)) this.#becomeReady(one, states.get(one.id));
    }
  }

  /** The time of the next attempt that waits for one, or earlier; infinite if none does. */
  get nextRetryAt(): number {
    return this.#delayed.size === 0 ? Infinity : this.#earliest;
  }

  /** Lets the steps start whose wait is over. */
  admitDue(now: number): void {
    if (now < this.nextRetryAt) return;
    this.#earliest = Infinity;
    for (const [step, at] of this.#delayed) {
      if (at > now) this.#earliest = Math.min(this.#earliest, at);
      else {
        this.#delayed.delete(step);
        this.admit(step);
      }
    }
  }

  /** In the order of the file; that of an instance is the place of its step. */
  placeOf(id: string): number {
    return this.#places.get(id) ?? this.#within.get(id)?.taken.place ?? -1;
  }

  /** The step's condition is met. It is not evaluated again. */
  admit(step: PlanStep): void {
    this.#unjudged.delete(step);
    if (step.asks === true) this.#askable.add(step);
    else this.#mark(step, 1);
  }

  #mark({ id }: PlanStep, mark: 0 | 1): void {
    const within = this.#within.get(id);
    if (within === undefined) {
      this.#mayStart[this.placeOf(id)] = mark;
      return;
    }
    const { taken, at } = within;
    taken.startable += mark - (taken.mayStart[at] ?? 0);
    taken.mayStart[at] = mark;
    this.#mayStart[taken.place] = taken.startable > 0 ? 1 : 0;
  }

  /** The state of the step has changed. A step that has ended must not change; after a retry a new object is needed. */
  moved(step: PlanStep, before: StepState, after: StepState): void {
    this.#leave(step, before.kind);
    this.#enter(step, after.kind);
    if (after.kind === "ready") this.#becomeReady(step, after);
    if (after.kind !== "ended") return;
    for (const group of this.#waitingFor.get(step.id) ?? []) {
      group.open -= 1;
      if (group.open > 0) continue;
      for (const one of group.steps) if (this.#idle.has(one)) this.#unjudged.add(one);
    }
  }

  #addGroup(dependsOn: readonly string[], states: ReadonlyMap<string, StepState>): WaitingGroup {
    const group: WaitingGroup = { steps: [], open: 0 };
    for (const id of dependsOn) {
      if (states.get(id)?.kind === "ended") continue;
      group.open += 1;
      const groups = this.#waitingFor.get(id);
      if (groups === undefined) this.#waitingFor.set(id, [group]);
      else groups.push(group);
    }
    return group;
  }

  #becomeReady(step: PlanStep, state: StepState | undefined): void {
    if (state?.kind === "ready" && state.retry !== undefined) {
      this.#delayed.set(step, state.retry.at);
      this.#earliest = Math.min(this.#earliest, state.retry.at);
    } else if (state?.kind === "ready") this.admit(step);
    else this.#unjudged.add(step);
  }

  #enter(step: PlanStep, kind: StepState["kind"]): void {
    if (isActive(kind)) this.#active += 1;
    else if (kind !== "ended" && kind !== "expanded") {
      this.#resting.add(step);
      if (step.reacts !== true) this.#restingQuiet.add(step);
    }
    if (!isIdle(kind)) return;
    this.#idle.add(step);
    if (step.spends) this.#idleSpenders += 1;
  }

  #leave(step: PlanStep, kind: StepState["kind"]): void {
    this.#unjudged.delete(step);
    this.#delayed.delete(step);
    this.#mark(step, 0);
    this.#askable.delete(step);
    this.#resting.delete(step);
    this.#restingQuiet.delete(step);
    if (isActive(kind)) this.#active -= 1;
    if (!isIdle(kind)) return;
    this.#idle.delete(step);
    if (step.spends) this.#idleSpenders -= 1;
  }
}

function* startableOf({ steps, mayStart }: Taken): Iterable<PlanStep> {
  for (let at = mayStart.indexOf(1); at >= 0; at = mayStart.indexOf(1, at + 1)) {
    const step = steps[at];
    if (step !== undefined) yield step;
  }
}

const isActive = (kind: StepState["kind"]): boolean => kind === "working" || kind === "checking";
const isIdle = (kind: StepState["kind"]): boolean => kind === "waiting" || kind === "ready";
