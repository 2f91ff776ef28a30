/** Deletes old firings and events, at the start of a daemon and then once an hour. */
import { ignore, type Clock, type Log, type Timer } from "@agentcore/contract";
import type { TriggerStore } from "@agentcore/triggers";

export interface PruneEventsOptions {
  readonly store: Pick<TriggerStore, "deleteEnded">;
  readonly keepMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const everyMs = 3_600_000;
/** In one commit. */
const deletedAtOnce = 500;

/** Returns a function that stops it. A failed pass is logged, and the next one tries again. */
export function pruneEventsRegularly({ store, keepMs, clock, log }: PruneEventsOptions): () => void {
  let timer: Timer | undefined;
  let stopped = false;
  const pass = async (): Promise<void> => {
    try {
      const now = clock.now();
      const deleteSome = () => store.deleteEnded({ before: now - keepMs, now, limit: deletedAtOnce });
      while ((await deleteSome()) === deletedAtOnce) if (stopped) return;
    } catch (error) {
      if (stopped) ignore(error, "the store was closed meanwhile; the next daemon continues");
      else log.warn({ error }, "could not delete old events; trying again in an hour");
    }
    if (!stopped) timer = clock.setTimer(everyMs, () => void pass());
  };
  timer = clock.setTimer(0, () => void pass());
  return () => {
    stopped = true;
    timer?.cancel();
  };
}
