/** A trigger store in memory, for embedding and tests: the whole port, except that nothing survives the process. */
import { assert } from "@agentcore/contract";
import { endedAtOf, isOpen, runOf, type Firing } from "../firing.ts";
import type { Json, TriggerEvent } from "../trigger-event.ts";
import type { TriggerState } from "../trigger-state.ts";
import {
  forgetKeysAfterMs,
  pageSize,
  type AcceptRequest,
  type EventQuery,
  type FiringCount,
  type FiringQuery,
  type StoredEvent,
  type StoredFiring,
  type TriggerChange,
  type TriggerStore,
} from "../trigger-store.ts";

interface Tables {
  /** In the order of their sequences, as all maps here. */
  readonly events: Map<string, StoredEvent>;
  readonly firings: Map<string, StoredFiring>;
  /** Every run that a firing ever had, and its firing. */
  readonly runs: Map<string, string>;
  /** Keys of accepted events. For those of deleted events, the moment from which on they are forgotten. */
  readonly keys: Map<string, { forgetAt: number | null }>;
  readonly triggers: Map<string, TriggerState>;
  readonly sources: Map<string, Json>;
}

export function createMemoryTriggerStore(): TriggerStore {
  const tables: Tables = {
    events: new Map(),
    firings: new Map(),
    runs: new Map(),
    keys: new Map(),
    triggers: new Map(),
    sources: new Map(),
  };
  const { events, firings, triggers, sources } = tables;
  let lastSequence = 0;
  const nextSequence = (): number => (lastSequence += 1);
  // Values are copied on their way in and out, so that no caller changes what was written.
  return {
    accept: async (request) => accept(tables, structuredClone(request), nextSequence),
    unrouted: async (limit) =>
      structuredClone(
        [...events.values()]
          .filter(({ isRouted }) => !isRouted)
          .slice(0, pageSize(limit))
          .map(({ event }) => event),
      ),
    commit: async (change) => commit(tables, structuredClone(change), nextSequence),
    load: async () =>
      structuredClone({
        triggers: [...triggers.values()],
        open: [...firings.values()]
          .filter(({ firing }) => isOpen(firing))
          .map(({ firing }) => ({ firing, event: events.get(firing.event)!.event })),
        sources: Object.fromEntries(sources),
      }),
    event: async (id) => structuredClone(events.get(id) ?? null),
    events: async (query) => structuredClone(selectEvents(tables, query)),
    firing: async (id) => structuredClone(firings.get(id) ?? null),
    firings: async (query) => structuredClone(selectFirings(tables, query)),
    countFirings: async () => countFirings([...firings.values()]),
    deleteEnded: async (request) => deleteEnded(tables, request),
  };
}

const keyOf = ({ source, key }: TriggerEvent): string | null =>
  key === null ? null : JSON.stringify([source, key]);

function accept(
  { events, keys, sources }: Tables,
  request: AcceptRequest,
  nextSequence: () => number,
): ("accepted" | "duplicate")[] {
  for (const [source, state] of Object.entries(request.sources ?? {})) sources.set(source, state);
  return request.events.map((event) => {
    const key = keyOf(event);
    if (events.has(event.id) || (key !== null && keys.has(key))) return "duplicate";
    events.set(event.id, { sequence: nextSequence(), event, isRouted: false });
    if (key !== null) keys.set(key, { forgetAt: null });
    return "accepted";
  });
}

function commit(
  { events, firings, runs, triggers }: Tables,
  change: TriggerChange,
  nextSequence: () => number,
): void {
  for (const firing of change.firings ?? [])
    assert(events.has(firing.event), `the event ${firing.event} of the firing ${firing.id} is not stored`);
  for (const id of change.routed ?? []) {
    const known = events.get(id);
    if (known !== undefined) events.set(id, { ...known, isRouted: true });
  }
  for (const firing of change.firings ?? []) {
    const sequence = firings.get(firing.id)?.sequence ?? nextSequence();
    firings.set(firing.id, { sequence, firing });
    const run = runOf(firing);
    if (run !== null) runs.set(run, firing.id);
  }
  for (const trigger of change.triggers ?? []) triggers.set(trigger.id, trigger);
}

function selectEvents({ events }: Tables, { source, before, limit }: EventQuery): StoredEvent[] {
  return [...events.values()]
    .filter(({ sequence, event }) => {
      const isOfSource = source === undefined || event.source === source;
      return isOfSource && (before === undefined || sequence < before);
    })
    .toReversed()
    .slice(0, pageSize(limit));
}

function selectFirings({ firings, runs }: Tables, query: FiringQuery): StoredFiring[] {
  const { trigger, event, run, kinds, before, limit } = query;
  const fits = ({ sequence, firing }: StoredFiring): boolean =>
    (trigger === undefined || firing.trigger === trigger) &&
    (event === undefined || firing.event === event) &&
    (run === undefined || runs.get(run) === firing.id) &&
    (kinds === undefined || kinds.includes(firing.state.kind)) &&
    (before === undefined || sequence < before);
  return [...firings.values()].filter(fits).toReversed().slice(0, pageSize(limit));
}

function countFirings(firings: readonly StoredFiring[]): FiringCount[] {
  const groups = Map.groupBy(firings, ({ firing: { trigger, state } }) =>
    JSON.stringify([trigger, state.kind, state.kind === "skipped" ? state.reason.code : null]),
  );
  return [...groups.values()].map((group): FiringCount => {
    const { trigger, state } = group[0]!.firing;
    const reason = state.kind === "skipped" ? state.reason.code : null;
    return { trigger, kind: state.kind, reason, count: group.length };
  });
}

function deleteEnded(
  { events, firings, runs, keys }: Tables,
  { before, now, limit }: Parameters<TriggerStore["deleteEnded"]>[0],
): number {
  for (const [key, { forgetAt }] of keys) if (forgetAt !== null && forgetAt <= now) keys.delete(key);
  const endOf = (firing: Firing): number => endedAtOf(firing) ?? Infinity;
  const ended = [...firings.values()]
    .map(({ firing }) => firing)
    .filter((firing) => endOf(firing) < before)
    .sort((a, b) => endOf(a) - endOf(b))
    .slice(0, limit);
  for (const { id } of ended) firings.delete(id);
  for (const [run, firing] of runs) if (!firings.has(firing)) runs.delete(run);
  const needed = new Set([...firings.values()].map(({ firing }) => firing.event));
  const old = [...events.values()]
    .filter(({ event, isRouted }) => isRouted && event.at < before && !needed.has(event.id))
    .sort((a, b) => a.event.at - b.event.at)
    .slice(0, limit - ended.length);
  for (const { event } of old) {
    events.delete(event.id);
    const key = keyOf(event);
    if (key !== null) keys.set(key, { forgetAt: now + forgetKeysAfterMs });
  }
  return ended.length + old.length;
}
