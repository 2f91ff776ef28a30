/** What follows from any state: firings that can never run are skipped, those that may begin do, and queues are cut. */
import type { TriggerDefinition } from "../definition.ts";
import type { Firing } from "../firing.ts";
import type { SkipReason } from "../trigger-event.ts";
import type { Draft } from "./draft.ts";
import { holdOf, isRetrying, occupancyOf, readyAt } from "./waiting.ts";

/** Skips what waits or evaluates and can never run: its trigger was removed, disabled or has ended. */
export function skipWhatCannotRun(draft: Draft): void {
  for (const firing of draft.state.open.values()) {
    if (firing.state.kind === "running" || firing.state.kind === "analyzing") continue;
    const reason = dead(draft, firing);
    if (reason !== null) draft.skip(firing, reason.code, reason.text);
  }
}

function dead(draft: Draft, firing: Firing): SkipReason | null {
  const trigger = draft.definitionOf(firing);
  if (trigger === undefined) return { code: "removed", text: "the trigger is no longer in the file" };
  return isRetrying(firing)
    ? (boundsRefusal(trigger, draft.facts.now) ?? enabledRefusal(trigger))
    : refusalOf(draft, trigger);
}

/** Why the trigger can run no more for now. */
export const refusalOf = (draft: Draft, trigger: TriggerDefinition): SkipReason | null =>
  enabledRefusal(trigger) ??
  boundsRefusal(trigger, draft.facts.now) ??
  runsRefusal(trigger, draft.triggerState(trigger.id).runs);

const enabledRefusal = ({ enabled }: TriggerDefinition): SkipReason | null =>
  enabled ? null : { code: "disabled", text: "the trigger is disabled" };

const boundsRefusal = ({ endAt }: TriggerDefinition, now: number): SkipReason | null =>
  endAt !== null && now >= endAt
    ? { code: "out_of_bounds", text: `the trigger ended at ${new Date(endAt).toISOString()}` }
    : null;

const runsRefusal = ({ maxRuns }: TriggerDefinition, runs: number): SkipReason | null =>
  maxRuns !== null && runs >= maxRuns
    ? { code: "max_runs", text: `the trigger has had its ${maxRuns} runs` }
    : null;

/** Begins in the order of events, over all triggers, until a limit is reached. */
export function beginWhatMay(draft: Draft): void {
  for (let next = nextToBegin(draft); next !== undefined; next = nextToBegin(draft)) {
    if (next.state.kind !== "waiting") return;
    const { attempt } = next.state;
    const isAsked = attempt > 1 || (draft.definitionOf(next)?.evaluate ?? null) === null;
    if (isAsked) begin(draft, next);
    else {
      const asked: Firing = { ...next, state: { kind: "evaluating", startedAt: draft.facts.now, attempt } };
      draft.put(asked);
      draft.effect({ type: "evaluate", firing: asked });
    }
  }
}

function nextToBegin({ state, facts: { now } }: Draft): Firing | undefined {
  const occupancy = occupancyOf(state);
  for (const firing of state.open.values()) {
    const isFree = firing.state.kind === "waiting" && holdOf(state, occupancy, firing) === null;
    if (isFree && readyAt(state, firing) <= now) return firing;
  }
  return undefined;
}

/** Gives a waiting firing its run. */
export function begin(draft: Draft, firing: Firing): void {
  if (firing.state.kind !== "waiting") return;
  const { attempt } = firing.state;
  const { now, nextId } = draft.facts;
  const running: Firing = {
    ...firing,
    state: { kind: "running", run: nextId(), startedAt: now, attempt, cancel: null },
  };
  draft.put(running);
  if (attempt === 1)
    draft.changeTrigger(firing.trigger, { runs: draft.triggerState(firing.trigger).runs + 1 });
  draft.effect({ type: "run", firing: running });
}

/** Drops the oldest events that wait. What a person asked for stays, and so does a run that is tried again. */
export function dropAboveQueue(draft: Draft): void {
  const mayGo = [...draft.state.open.values()].filter(
    (firing) => firing.state.kind === "waiting" && !isRetrying(firing) && !draft.isOnPurpose(firing),
  );
  for (const [id, waiting] of Map.groupBy(mayGo, ({ trigger }) => trigger)) {
    const { maxQueue = Infinity } = draft.state.definition.triggers.get(id) ?? {};
    for (const firing of waiting.slice(0, Math.max(0, waiting.length - maxQueue)))
      draft.skip(
        firing,
        "queue_full",
        `more than ${maxQueue} events waited (max_queue); the oldest is dropped`,
      );
  }
}
