/** When the machine has to be told that time has passed. */
import type { MachineState } from "./machine.ts";
import { holdOf, occupancyOf, readyAt } from "./waiting.ts";

/**
 * The earliest moment at which a waiting firing can begin, or at which its trigger ends; null: nothing waits for time. A firing
 * that waits for anything else counts again after the decision that frees it.
 */
export function nextWakeAt(state: MachineState): number | null {
  const occupancy = occupancyOf(state);
  let wakeAt = Infinity;
  for (const firing of state.open.values()) {
    if (firing.state.kind !== "waiting") continue;
    const endAt = state.definition.triggers.get(firing.trigger)?.endAt ?? Infinity;
    const at = holdOf(state, occupancy, firing) === null ? readyAt(state, firing) : Infinity;
    wakeAt = Math.min(wakeAt, at, endAt);
  }
  return wakeAt === Infinity ? null : wakeAt;
}
