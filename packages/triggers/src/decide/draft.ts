/** A decision in the making: the state as it becomes, and what changed. It never leaves `decide`. */
import type { DaemonDefinition, TriggerDefinition } from "../definition.ts";
import { isOpen, type Firing } from "../firing.ts";
import type { SkipReason } from "../trigger-event.ts";
import type { TriggerState } from "../trigger-state.ts";
import { newTriggerState, statesFor } from "./initial-state.ts";
import type { Decision, DecisionFacts, MachineEffect, MachineState } from "./machine.ts";

export class Draft {
  readonly facts: DecisionFacts;
  readonly #open: Map<string, Firing>;
  readonly #triggers: Map<string, TriggerState>;
  readonly #firingsChanged = new Map<string, Firing>();
  readonly #triggersChanged = new Map<string, TriggerState>();
  readonly #effects: MachineEffect[] = [];
  #state: MachineState;

  constructor(state: MachineState, facts: DecisionFacts) {
    this.facts = facts;
    this.#open = new Map(state.open);
    this.#triggers = new Map(state.triggers);
    this.#state = { ...state, open: this.#open, triggers: this.#triggers };
  }

  get state(): MachineState {
    return this.#state;
  }

  define(definition: DaemonDefinition): void {
    this.#state = { ...this.#state, definition };
    for (const [id, state] of statesFor(definition, this.#triggers.values())) this.#triggers.set(id, state);
  }

  drain(): void {
    this.#state = { ...this.#state, isDraining: true };
  }

  definitionOf(firing: Firing): TriggerDefinition | undefined {
    return this.#state.definition.triggers.get(firing.trigger);
  }

  triggerState(id: string): TriggerState {
    return this.#triggers.get(id) ?? newTriggerState(id);
  }

  /** Open firings of a trigger whose runs have not ended, in the order of their events. */
  openOf(trigger: string): Firing[] {
    return [...this.#open.values()].filter(
      ({ trigger: id, state }) => id === trigger && state.kind !== "analyzing",
    );
  }

  /** Whether a person asked for this firing: it is not debounced and not dropped from a full queue. */
  isOnPurpose(firing: Firing): boolean {
    return (this.facts.eventOf(firing.event)?.onlyTrigger ?? null) !== null;
  }

  put(firing: Firing): void {
    this.#firingsChanged.set(firing.id, firing);
    if (isOpen(firing)) this.#open.set(firing.id, firing);
    else this.#open.delete(firing.id);
  }

  skip(firing: Firing, code: SkipReason["code"], text: string): void {
    const attempt = "attempt" in firing.state ? firing.state.attempt : 1;
    const more = attempt > 1 ? `; attempt ${attempt} after a failed run was not made` : "";
    const reason = { code, text: text + more };
    this.put({ ...firing, state: { kind: "skipped", reason, endedAt: this.facts.now } });
  }

  /** Ends a firing in whatever state it is: a run or analysis is asked to stop and ends later, everything else is skipped. */
  stop(firing: Firing, code: SkipReason["code"], text: string): void {
    if (firing.state.kind === "analyzing") {
      this.effect({ type: "cancel_run", firing, reason: text });
      return;
    }
    if (firing.state.kind !== "running") {
      this.skip(firing, code, text);
      return;
    }
    if (firing.state.cancel !== null) return;
    const stopped = { ...firing, state: { ...firing.state, cancel: text } };
    this.put(stopped);
    this.effect({ type: "cancel_run", firing: stopped, reason: text });
  }

  changeTrigger(id: string, change: Partial<TriggerState>): void {
    const changed = { ...this.triggerState(id), ...change };
    this.#triggers.set(id, changed);
    this.#triggersChanged.set(id, changed);
  }

  effect(effect: MachineEffect): void {
    this.#effects.push(effect);
  }

  decision(): Decision {
    return {
      state: this.#state,
      changes: {
        firings: [...this.#firingsChanged.values()],
        triggers: [...this.#triggersChanged.values()],
      },
      effects: this.#effects,
    };
  }
}
