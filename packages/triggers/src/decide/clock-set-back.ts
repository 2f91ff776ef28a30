/**
 * Waits that became longer than they may be, because the clock was set back or the file asks for shorter ones now, are cut to
 * their full length from now on.
 */
import type { TriggerDefinition } from "../definition.ts";
import type { Firing } from "../firing.ts";
import { withoutFarWindows } from "./budget.ts";
import type { Draft } from "./draft.ts";
import { retryDelay } from "./on-run-ended.ts";

export function applyClock(draft: Draft): void {
  const { now } = draft.facts;
  for (const { id, cooldownUntil, spent } of draft.state.triggers.values()) {
    const latest = now + (draft.state.definition.triggers.get(id)?.cooldownMs ?? 0);
    if (cooldownUntil > latest) draft.changeTrigger(id, { cooldownUntil: latest });
    const near = spent === null ? null : withoutFarWindows(spent, now);
    if (near !== spent) draft.changeTrigger(id, { spent: near });
  }
  for (const firing of draft.state.open.values()) {
    const trigger = draft.definitionOf(firing);
    if (firing.state.kind !== "waiting" || trigger === undefined) continue;
    const latest = now + longestDelayMs(trigger, firing.state);
    if (firing.state.notBefore > latest)
      draft.put({ ...firing, state: { ...firing.state, notBefore: latest } });
  }
}

const longestDelayMs = (
  { debounceMs, jitterMs }: TriggerDefinition,
  { attempt }: Extract<Firing["state"], { kind: "waiting" }>,
): number => (attempt > 1 ? retryDelay.maxMs : debounceMs + jitterMs);
