/**
 * The `TriggerStore` of `@agentcore/triggers` on `state.db`. Each method is one write of the database's group commit, or one
 * consistent read; their SQL is in `triggers/`. Several stores, even in different processes, may share one file.
 */
import { systemClock, type Clock } from "@agentcore/contract";
import { prepareChange, type TriggerStore } from "@agentcore/triggers";
import type { StateDatabase } from "./state-database.ts";
import { accept, acceptedAlready, prepareAccept, unrouted } from "./triggers/accept.ts";
import { commit, endUnreadable, load } from "./triggers/decisions.ts";
import { countFirings, event, events, firing, firings } from "./triggers/queries.ts";
import { deleteEnded } from "./triggers/retention.ts";

export interface SqliteTriggerStoreOptions {
  /** For when a firing that cannot be read was ended. Default: the system's. */
  readonly clock?: Clock;
}

export function createSqliteTriggerStore(
  database: StateDatabase,
  { clock = systemClock }: SqliteTriggerStoreOptions = {},
): TriggerStore {
  const read = database.read.bind(database);
  return {
    accept: async (request) => {
      const prepared = prepareAccept(request);
      return database.write(
        (sql) => accept(sql, prepared),
        (sql) => acceptedAlready(sql, prepared),
      );
    },
    unrouted: (limit) => read((sql) => unrouted(sql, limit)),
    commit: async (change) => {
      const prepared = prepareChange(change);
      return database.write((sql) => commit(sql, prepared));
    },
    load: async () => {
      const now = clock.now();
      const { damaged, ...loaded } = await read((sql) => load(sql, now));
      if (damaged.length > 0) await database.write((sql) => endUnreadable(sql, damaged, now));
      return loaded;
    },
    event: (id) => read((sql) => event(sql, id)),
    events: (query) => read((sql) => events(sql, query)),
    firing: (id) => read((sql) => firing(sql, id)),
    firings: (query) => read((sql) => firings(sql, query)),
    countFirings: () => read(countFirings),
    deleteEnded: (request) => database.write((sql) => deleteEnded(sql, request)),
  };
}
