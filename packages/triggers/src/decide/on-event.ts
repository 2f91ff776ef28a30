/** An event at the triggers of its source: each gets one firing, which waits or is skipped with the reason. */
import { formatDuration } from "@agentcore/contract";
import type { TriggerDefinition } from "../definition.ts";
import type { Firing } from "../firing.ts";
import type { ChainLink, SkipReason, TriggerEvent } from "../trigger-event.ts";
import type { Draft } from "./draft.ts";
import { matchesFilter } from "../matches-filter.ts";
import { keyOf } from "./payload.ts";
import { refusalOf } from "./settle.ts";
import { isActive, isRetrying, pauseText } from "./waiting.ts";

/** Firings that a person asked for and that wait at one trigger; further ones are refused. */
const onPurposeMax = 1_000;
/** Of a longer chain, the newest links are shown. */
const linksShown = 10;

export function onEvent(draft: Draft, event: TriggerEvent): void {
  if (event.skipped !== null) return;
  for (const trigger of draft.state.definition.triggers.values()) {
    const fires = event.onlyTrigger === null ? trigger.on === event.source : event.onlyTrigger === trigger.id;
    if (fires) arrive(draft, trigger, event);
  }
}

function arrive(draft: Draft, trigger: TriggerDefinition, event: TriggerEvent): void {
  const { now, nextId, random } = draft.facts;
  const isAsked = event.onlyTrigger !== null;
  const delayMs = isAsked ? 0 : trigger.debounceMs + Math.floor(random() * trigger.jitterMs);
  const firing: Firing = {
    id: nextId(),
    trigger: trigger.id,
    event: event.id,
    at: event.at,
    key: keyOf(trigger, event),
    state: { kind: "waiting", notBefore: now + delayMs, attempt: 1 },
  };
  const refusal = eventRefusal(draft, trigger, event);
  if (refusal !== null) draft.skip(firing, refusal.code, refusal.text);
  else join(draft, trigger, firing, isAsked);
}

function eventRefusal(draft: Draft, trigger: TriggerDefinition, event: TriggerEvent): SkipReason | null {
  const refuse = (code: SkipReason["code"], text: string): SkipReason => ({ code, text });
  if (event.onlyTrigger === null && trigger.enabled && !matchesFilter(trigger.filter, event.payload))
    return refuse("filter", "the event does not match the filter");
  const general = refusalOf(draft, trigger);
  if (general !== null) return general;
  const { pause } = draft.triggerState(trigger.id);
  if (pause !== null) return refuse("paused", pauseText(pause));
  if (trigger.startAt !== null && event.at < trigger.startAt)
    return refuse("out_of_bounds", `the trigger begins at ${new Date(trigger.startAt).toISOString()}`);
  if (event.chain.length > trigger.maxChainDepth)
    return refuse(
      "chain_depth",
      `${event.chain.length} runs led to it, and max_chain_depth is ${trigger.maxChainDepth}: ${chainText(event.chain)}`,
    );
  return null;
}

function chainText(chain: readonly ChainLink[]): string {
  const shown = chain
    .slice(-linksShown)
    .map(({ daemon, trigger, run }) => `${daemon}/${trigger} (run ${run})`);
  return [...(chain.length > linksShown ? ["…"] : []), ...shown].join(" → ");
}

/** Puts a firing beside the open ones of its trigger: some may give way, or it is skipped itself. */
function join(draft: Draft, trigger: TriggerDefinition, firing: Firing, isAsked: boolean): void {
  const open = draft.openOf(trigger.id);
  const debounced = isAsked ? [] : open.filter((other) => isDebouncedBy(draft, trigger, other, firing));
  const others = open.filter((other) => !debounced.includes(other));
  const holders = others.filter(
    (other) => firing.key !== null && other.key === firing.key && !isStopping(other),
  );
  const refusal =
    keyRefusal(trigger, holders) ??
    (isAsked
      ? onPurposeRefusal(others.filter((other) => draft.isOnPurpose(other)))
      : overlapRefusal(trigger, others));
  if (refusal !== null) {
    draft.skip(firing, refusal.code, refusal.text);
    return;
  }
  for (const other of debounced)
    draft.skip(
      other,
      "debounced",
      `a later event came within ${formatDuration(trigger.debounceMs)} (debounce)`,
    );
  for (const other of holders) draft.stop(other, "replaced", "a newer event has its key (latest-wins)");
  if (trigger.overlap === "cancel_other" && !isAsked)
    for (const other of others)
      if (draft.state.open.has(other.id)) draft.stop(other, "replaced", "a newer event came (cancel_other)");
  draft.put(firing);
}

/** By the times of the events, so that events which are decided late, after a restart, are debounced as they came. */
const isDebouncedBy = (
  draft: Draft,
  { debounceMs }: TriggerDefinition,
  other: Firing,
  firing: Firing,
): boolean =>
  other.state.kind === "waiting" &&
  !isRetrying(other) &&
  other.key === firing.key &&
  firing.at - other.at < debounceMs &&
  !draft.isOnPurpose(other);

const isStopping = ({ state }: Firing): boolean => state.kind === "running" && state.cancel !== null;

function keyRefusal({ dedup }: TriggerDefinition, [holder]: readonly Firing[]): SkipReason | null {
  if (holder === undefined || dedup === "latest-wins") return null;
  const text =
    dedup === "coalesce" ? `joined firing ${holder.id}` : `refused: firing ${holder.id} is not over`;
  return { code: "key_taken", text: `${text}, which has the same key` };
}

function onPurposeRefusal(waiting: readonly Firing[]): SkipReason | null {
  return waiting.length >= onPurposeMax
    ? { code: "queue_full", text: `${onPurposeMax} firings that were asked for wait already` }
    : null;
}

function overlapRefusal({ overlap }: TriggerDefinition, others: readonly Firing[]): SkipReason | null {
  if (!others.some(isActive)) return null;
  if (overlap === "skip") return { code: "overlap", text: "a run of the trigger was going (overlap: skip)" };
  const isBuffered = overlap === "buffer_one" && others.some((other) => !isActive(other));
  return isBuffered
    ? { code: "overlap", text: "a run was going, and an event waited already (overlap: buffer_one)" }
    : null;
}
