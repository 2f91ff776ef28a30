/**
 * The instances of a run as they are now: a step whose matrix takes a list from a value is one instance until the list is
 * known. The run's state holds the lists, so this is only a view of it.
 */
import type { MatrixLists } from "./matrix-lists.ts";
import type { RunState } from "./run-state.ts";
import { instancesByStep, type InstancesByStep, type StepInstance } from "./step-instance.ts";

interface Expanded {
  readonly lists: MatrixLists;
  readonly instances: readonly StepInstance[];
  readonly byId: ReadonlyMap<string, StepInstance>;
}

export class RunInstances {
  readonly #base: readonly StepInstance[];
  readonly #baseById: ReadonlyMap<string, StepInstance>;
  readonly #baseByStep: InstancesByStep;
  readonly #expanded = new Map<string, Expanded>();
  readonly #state: () => RunState;

  constructor(base: readonly StepInstance[], state: () => RunState) {
    this.#base = base;
    this.#baseById = new Map(base.map((instance) => [instance.id, instance]));
    this.#baseByStep = instancesByStep(base);
    this.#state = state;
  }

  /** Undefined for an unknown id. */
  get(id: string): StepInstance | undefined {
    const known = this.#baseById.get(id);
    const bracket = id.indexOf("[");
    if (known !== undefined || bracket < 0) return known;
    return this.#expansionOf(id.slice(0, bracket))?.byId.get(id);
  }

  /** By the id of the step in the file. */
  ofStep(stepId: string): readonly StepInstance[] {
    return this.#expansionOf(stepId)?.instances ?? this.#baseByStep.get(stepId) ?? [];
  }

  /** In the order of the file. */
  all(): readonly StepInstance[] {
    return this.#base.flatMap((instance) => this.#expansionOf(instance.id)?.instances ?? [instance]);
  }

  /** Null while the step is one instance: its list is not known yet, or is empty. */
  #expansionOf(id: string): Expanded | null {
    const placeholder = this.#baseById.get(id);
    const lists = placeholder?.expand === undefined ? null : this.#state().listsOf(id);
    if (placeholder?.expand === undefined || lists === null) return null;
    const known = this.#expanded.get(id);
    if (known?.lists === lists) return known;
    const instances = placeholder.expand(lists);
    if (instances.length === 0) return null;
    const byId = new Map(instances.map((instance) => [instance.id, instance]));
    const expanded = { lists, instances, byId };
    this.#expanded.set(id, expanded);
    return expanded;
  }
}
