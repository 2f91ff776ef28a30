/** Deletes old firings and events, at the start of a daemon and then once an hour. */
import type { Clock, Log } from "@agentcore/contract";
import type { TriggerStore } from "@agentcore/triggers";
import { everyHour } from "../state/every-hour.ts";

export interface PruneEventsOptions {
  readonly store: Pick<TriggerStore, "deleteEnded">;
  readonly keepMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** In one commit. */
const deletedAtOnce = 500;

/** Returns a function that stops it. A failed pass is logged, and the next one tries again. */
export function pruneEventsRegularly({ store, keepMs, clock, log }: PruneEventsOptions): () => void {
  return everyHour({
    clock,
    log,
    what: "delete old events",
    pass: async (isStopped) => {
      const now = clock.now();
      const deleteSome = () => store.deleteEnded({ before: now - keepMs, now, limit: deletedAtOnce });
      while ((await deleteSome()) === deletedAtOnce) if (isStopped()) return;
    },
  });
}
