/**
 * The `TriggerStore` of `@agentcore/triggers` on PostgreSQL. Each method is one write of the store or one consistent read; their
 * SQL is in the files beside it.
 */
import { systemClock, type Clock } from "@agentcore/contract";
import { prepareChange, type TriggerStore } from "@agentcore/triggers";
import type { PostgresLane } from "../store/postgres-store.ts";
import { accept, prepareAccept, unrouted } from "./accept.ts";
import { commit, endUnreadable, load } from "./decisions.ts";
import { countFirings, event, events, firing, firings } from "./queries.ts";
import { deleteEnded } from "./retention.ts";

export interface PostgresTriggerStoreOptions {
  /** For when a firing that cannot be read was ended. Default: the system's. */
  readonly clock?: Clock;
}

export function createPostgresTriggerStore(
  store: PostgresLane,
  { clock = systemClock }: PostgresTriggerStoreOptions = {},
): TriggerStore {
  return {
    accept: async (request) => {
      const prepared = prepareAccept(request);
      return store.write((sql) => accept(sql, prepared));
    },
    unrouted: (limit) => store.read((sql) => unrouted(sql, limit)),
    commit: async (change) => {
      const prepared = prepareChange(change);
      return store.write((sql) => commit(sql, prepared));
    },
    load: async () => {
      const now = clock.now();
      const { damaged, ...loaded } = await store.read((sql) => load(sql, now));
      if (damaged.length > 0) await store.write((sql) => endUnreadable(sql, damaged, now));
      return loaded;
    },
    event: (id) => store.read((sql) => event(sql, id)),
    events: (query) => store.read((sql) => events(sql, query)),
    firing: (id) => store.read((sql) => firing(sql, id)),
    firings: (query) => store.read((sql) => firings(sql, query)),
    countFirings: () => store.read(countFirings),
    deleteEnded: (request) => store.write((sql) => deleteEnded(sql, request)),
  };
}
