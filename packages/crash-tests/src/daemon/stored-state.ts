/** What a daemon has stored, read from outside. */
import type { Journal } from "@agentcore/scheduler";
import { openKinds, type StoredEvent, type StoredFiring, type TriggerStore } from "@agentcore/triggers";
import { readRun } from "@agentcore/workflow";

/** Whether an event waits to be decided, or a firing is not over. */
export async function isAnythingOpen(store: TriggerStore): Promise<boolean> {
  const open = await store.firings({ kinds: openKinds, limit: 1 });
  return open.length > 0 || (await store.unrouted(1)).length > 0;
}

export async function allEvents(store: TriggerStore): Promise<readonly StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (;;) {
    const before = all.at(-1)?.sequence;
    const page = await store.events({ limit: 1000, ...(before === undefined ? {} : { before }) });
    if (page.length === 0) return all;
    all.push(...page);
  }
}

export async function allFirings(store: TriggerStore): Promise<readonly StoredFiring[]> {
  const all: StoredFiring[] = [];
  for (;;) {
    const before = all.at(-1)?.sequence;
    const page = await store.firings({ limit: 1000, ...(before === undefined ? {} : { before }) });
    if (page.length === 0) return all;
    all.push(...page);
  }
}

/** Outcome of each stored run that a firing names, by its id; null: the run has not ended. */
export async function outcomesOf(
  journal: Journal,
  firings: readonly StoredFiring[],
): Promise<ReadonlyMap<string, string | null>> {
  const outcomes = new Map<string, string | null>();
  for (const { firing } of firings) {
    if (firing.state.kind !== "ended") continue;
    const stored = await readRun(journal, firing.state.run);
    const outcome = stored?.header["outcome"];
    if (stored !== undefined) outcomes.set(firing.state.run, typeof outcome === "string" ? outcome : null);
  }
  return outcomes;
}
