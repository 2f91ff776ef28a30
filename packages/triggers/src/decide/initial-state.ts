/** The state that a daemon begins with. */
import type { DaemonDefinition } from "../definition.ts";
import type { LoadedTriggers } from "../trigger-store.ts";
import type { TriggerState } from "../trigger-state.ts";
import type { MachineState } from "./machine.ts";

export const newTriggerState = (id: string): TriggerState => ({
  id,
  pause: null,
  failuresInARow: 0,
  runs: 0,
  cooldownUntil: 0,
  lastResult: null,
  spent: null,
});

/** The states that are kept, and a new one for each trigger of the definition that has none. */
export function statesFor(
  definition: DaemonDefinition,
  kept: Iterable<TriggerState>,
): ReadonlyMap<string, TriggerState> {
  const states = new Map([...kept].map((state) => [state.id, state]));
  for (const id of definition.triggers.keys()) if (!states.has(id)) states.set(id, newTriggerState(id));
  return states;
}

/** What the store has kept, under the definition of now. The first decision applies what the definition changed. */
export function initialState(definition: DaemonDefinition, loaded: LoadedTriggers): MachineState {
  return {
    definition,
    triggers: statesFor(definition, loaded.triggers),
    open: new Map(loaded.open.map(({ firing }) => [firing.id, firing])),
    isDraining: false,
  };
}
