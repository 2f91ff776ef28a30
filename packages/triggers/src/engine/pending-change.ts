/** Several decisions, one after another, as one commit: of a firing or trigger only the last state counts. */
import type { Decision, MachineEffect, MachineState } from "../decide/machine.ts";
import type { Firing } from "../firing.ts";
import type { TriggerState } from "../trigger-state.ts";

export class PendingChange {
  state: MachineState;
  readonly effects: MachineEffect[] = [];
  readonly #firings = new Map<string, Firing>();
  readonly #triggers = new Map<string, TriggerState>();

  constructor(state: MachineState) {
    this.state = state;
  }

  add({ state, changes, effects }: Decision): void {
    this.state = state;
    for (const firing of changes.firings) this.#firings.set(firing.id, firing);
    for (const trigger of changes.triggers) this.#triggers.set(trigger.id, trigger);
    this.effects.push(...effects);
  }

  changes(): Decision["changes"] {
    return { firings: [...this.#firings.values()], triggers: [...this.#triggers.values()] };
  }
}
