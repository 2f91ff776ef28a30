/** What became of every event of a soak. Pure. */
import type { Firing, TriggerEvent } from "@agentcore/triggers";
import { judgeDaemon } from "../daemon/daemon-verdict.ts";
import type { Sent } from "./soak-load.ts";
import type { StartNote } from "./soak-place.ts";

export interface SoakGathered {
  readonly sent: readonly Pick<Sent, "id" | "isRun">[];
  readonly starts: readonly StartNote[];
  readonly events: readonly TriggerEvent[];
  readonly firings: readonly Firing[];
  /** Outcomes of stored runs by id; null: not ended. */
  readonly runs: ReadonlyMap<string, string | null>;
  readonly problems: readonly string[];
}

/** In words, what is wrong. */
export function judgeSoak({
  sent,
  starts,
  events,
  firings,
  runs,
  problems,
}: SoakGathered): readonly string[] {
  const wantsRun = new Set(sent.filter(({ isRun }) => isRun).map(({ id }) => id));
  const [withRun, without] = [true, false].map((wanted) =>
    events.filter(({ key }) => wantsRun.has(key ?? "") === wanted),
  ) as [TriggerEvent[], TriggerEvent[]];
  const idsWithRun = new Set(withRun.map(({ id }) => id));
  const { findings } = judgeDaemon({
    acknowledged: [...wantsRun],
    events: withRun,
    firings: firings.filter(({ event }) => idsWithRun.has(event)),
    runs,
    steps: ["only"],
    ledger: starts.map(({ event, run }) => ({ event, run, step: "only" })),
    overlaps: [],
    survivors: [],
    problems,
  });
  return [...findings, ...problemsOfOthers(sent, without, firings)];
}

/** Events that do not match the filter. */
function problemsOfOthers(
  sent: SoakGathered["sent"],
  events: readonly TriggerEvent[],
  firings: readonly Firing[],
): readonly string[] {
  const byKey = Map.groupBy(events, ({ key }) => key ?? "");
  const firingsOf = Map.groupBy(firings, ({ event }) => event);
  const problems: string[] = [];
  for (const { id, isRun } of sent) {
    if (isRun) continue;
    const same = byKey.get(id) ?? [];
    if (same.length !== 1) problems.push(`${id} is stored as ${same.length} events`);
    const states = same.flatMap((event) => firingsOf.get(event.id) ?? []).map(({ state }) => state);
    if (states.length !== same.length || states.some(({ kind }) => kind !== "skipped"))
      problems.push(`${id}: its firings are ${JSON.stringify(states)}`);
  }
  const isSent = new Set(sent.map(({ id }) => id));
  for (const key of byKey.keys()) if (!isSent.has(key)) problems.push(`${key} was never sent`);
  return problems;
}
