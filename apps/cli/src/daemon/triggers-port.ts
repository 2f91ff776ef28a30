/** Triggers, events and firings for the API. */
import type { TriggersPort } from "@agentcore/api";
import { systemClock } from "@agentcore/contract";
import { waitReason, type TriggerEngine, type TriggerStore, type TriggerView } from "@agentcore/triggers";
import type { OpenSources } from "./open-sources.ts";

export interface TriggersPortOptions {
  readonly engine: TriggerEngine;
  readonly store: TriggerStore;
  readonly sources: OpenSources;
}

const nextFiresShown = 5;

export function triggersPort({ engine, store, sources }: TriggersPortOptions): TriggersPort {
  const list = async (): Promise<readonly TriggerView[]> => {
    const counts = await store.countFirings();
    const now = systemClock.now();
    const { definition, triggers } = engine.state;
    return [...definition.triggers.values()].map((trigger) => {
      const source = definition.sources.get(trigger.on)!;
      const state = triggers.get(trigger.id)!;
      const isOpen = state.pause === null && trigger.enabled;
      return {
        definition: trigger,
        source: source.type,
        state,
        nextFireAt: isOpen ? engine.nextSlotAt(trigger.on) : null,
        nextFires: isOpen ? engine.nextSlots(trigger.on, nextFiresShown) : [],
        now,
        counts: counts.filter((count) => count.trigger === trigger.id),
      };
    });
  };
  return {
    list,
    pause: async (trigger, note) => void (await engine.pause(trigger, note)),
    resume: async (trigger) => void (await engine.resume(trigger)),
    fire: async (trigger, payload) => (await engine.fire(trigger, payload)).id,
    backfill: (trigger, range) => engine.backfill(trigger, range),
    replay: async (event, trigger) => (await engine.replay(event, trigger)).id,
    emit: async (emission) => {
      const emissions = await sources.topics().emit(emission);
      const events = emissions.flatMap(({ event }) => event ?? []);
      return { events, duplicates: emissions.length - events.length };
    },
    event: (id) => store.event(id),
    events: (query) => store.events(query),
    firing: (id) => store.firing(id),
    firings: (query) => store.firings(query),
    whyWaits: (firing) => waitReason(engine.state, firing, systemClock.now()),
    cancelFiring: (id, reason) => engine.cancel(id, reason),
  };
}
