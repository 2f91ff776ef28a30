/**
 * Why a firing waits, and until when if time alone decides. `decide` begins exactly the firings that have no reason, so that
 * what views show is what counts.
 */
import type { TriggerDefinition } from "../definition.ts";
import type { Firing } from "../firing.ts";
import type { Pause, TriggerState } from "../trigger-state.ts";
import { usedUpUntil } from "./budget.ts";
import { newTriggerState } from "./initial-state.ts";
import type { MachineState } from "./machine.ts";

export interface WaitReason {
  readonly code:
    | "draining"
    | "paused"
    | "overlap"
    | "max_runs"
    | "concurrency"
    | "delay"
    | "retry"
    | "cooldown"
    | "start_at"
    | "trigger_budget"
    | "daemon_budget";
  /** For people. */
  readonly text: string;
  /** Null: it waits for something else than time. */
  readonly until: number | null;
}

/** What the open firings occupy. */
export interface Occupancy {
  /** Of `max_concurrent_workflows`. An evaluation holds the slot of the run that may follow it. */
  readonly slotsUsed: number;
  /** Triggers with a firing that evaluates or runs. */
  readonly busyTriggers: ReadonlySet<string>;
  /** Idempotency keys of active firings, each with its trigger. */
  readonly activeKeys: ReadonlySet<string>;
  /** By trigger: the waiting firing whose turn it is, one that is tried again before the others. */
  readonly turns: ReadonlyMap<string, Firing>;
  /** By trigger: firings that evaluate for the first time, each of which may become a run. */
  readonly evaluating: ReadonlyMap<string, number>;
}

export const pauseText = ({ note }: Pause): string =>
  note === "" ? "the trigger is paused" : `paused: ${note}`;

export const isRetrying = ({ state }: Firing): boolean => state.kind === "waiting" && state.attempt > 1;

/** An open firing whose run is going, may be about to, or has failed and is tried again. */
export const isActive = (firing: Firing): boolean => firing.state.kind !== "waiting" || isRetrying(firing);

const keyOf = ({ trigger, key }: Firing): string => JSON.stringify([trigger, key]);

export function occupancyOf({ open }: Pick<MachineState, "open">): Occupancy {
  const busyTriggers = new Set<string>();
  const activeKeys = new Set<string>();
  const turns = new Map<string, Firing>();
  const evaluating = new Map<string, number>();
  let slotsUsed = 0;
  for (const firing of open.values()) {
    const { trigger, state } = firing;
    if (state.kind === "analyzing") continue;
    if (isActive(firing) && firing.key !== null) activeKeys.add(keyOf(firing));
    if (state.kind === "waiting") {
      const turn = turns.get(trigger);
      if (turn === undefined || (isRetrying(firing) && !isRetrying(turn))) turns.set(trigger, firing);
      continue;
    }
    slotsUsed += 1;
    busyTriggers.add(trigger);
    if (state.kind === "evaluating") evaluating.set(trigger, (evaluating.get(trigger) ?? 0) + 1);
  }
  return { slotsUsed, busyTriggers, activeKeys, turns, evaluating };
}

/** What holds a waiting firing, time aside; null: nothing. */
export function holdOf(state: MachineState, occupancy: Occupancy, firing: Firing): WaitReason | null {
  const hold = (code: WaitReason["code"], text: string): WaitReason => ({ code, text, until: null });
  const trigger = state.definition.triggers.get(firing.trigger);
  if (state.isDraining || trigger === undefined) return hold("draining", "the daemon is shutting down");
  const own = stateOf(state, trigger);
  if (own.pause !== null) return hold("paused", pauseText(own.pause));
  if (isBehind(trigger, occupancy, firing)) return hold("overlap", "a run of the trigger comes before it");
  if (!isRetrying(firing)) {
    const begun = own.runs + (occupancy.evaluating.get(trigger.id) ?? 0);
    if (begun >= (trigger.maxRuns ?? Infinity))
      return hold("max_runs", "evaluations before it may use up max_runs");
  }
  const { maxConcurrentWorkflows: max } = state.definition;
  return occupancy.slotsUsed >= max ? hold("concurrency", `${max} workflows run, which is the limit`) : null;
}

function isBehind({ id, overlap }: TriggerDefinition, occupancy: Occupancy, firing: Firing): boolean {
  if (!isRetrying(firing) && firing.key !== null && occupancy.activeKeys.has(keyOf(firing))) return true;
  return (
    overlap !== "allow_all" && (occupancy.busyTriggers.has(id) || occupancy.turns.get(id)?.id !== firing.id)
  );
}

const stateOf = ({ triggers }: MachineState, { id }: TriggerDefinition): TriggerState =>
  triggers.get(id) ?? newTriggerState(id);

/** The moments that a waiting firing waits for, past ones too. */
function delaysOf(state: MachineState, firing: Firing): readonly (WaitReason & { readonly until: number })[] {
  const trigger = state.definition.triggers.get(firing.trigger);
  if (firing.state.kind !== "waiting" || trigger === undefined) return [];
  const own = stateOf(state, trigger);
  const { notBefore } = firing.state;
  return [
    isRetrying(firing)
      ? { code: "retry", text: `attempt ${firing.state.attempt} after a failed run`, until: notBefore }
      : { code: "delay", text: "debounce or jitter", until: notBefore },
    { code: "cooldown", text: "the pause after the last run", until: own.cooldownUntil },
    { code: "start_at", text: "the trigger has not begun", until: trigger.startAt ?? 0 },
    {
      code: "trigger_budget",
      text: "the budget of the trigger is used up",
      until: usedUpUntil(trigger.budget, [own]),
    },
    {
      code: "daemon_budget",
      text: "the budget of the daemon is used up",
      until: usedUpUntil(state.definition.budget, state.triggers.values()),
    },
  ];
}

/** The earliest moment at which a waiting firing may begin if nothing else holds it. */
export const readyAt = (state: MachineState, firing: Firing): number =>
  Math.max(0, ...delaysOf(state, firing).map(({ until }) => until));

/** Why a firing waits; null if it does not wait. Of several moments, the last one. */
export function waitReason(
  state: MachineState,
  firing: Firing,
  now: number,
  occupancy: Occupancy = occupancyOf(state),
): WaitReason | null {
  if (firing.state.kind !== "waiting") return null;
  const hold = holdOf(state, occupancy, firing);
  if (hold !== null && hold.code !== "concurrency") return hold;
  const [last] = delaysOf(state, firing)
    .filter(({ until }) => until > now)
    .toSorted((a, b) => b.until - a.until);
  return last ?? hold;
}
