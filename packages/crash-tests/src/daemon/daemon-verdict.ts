/** What became of every delivery, from what was gathered outside of the daemon. Pure. */
import type { Firing, TriggerEvent } from "@agentcore/triggers";
import type { LedgerLine } from "./killed-daemon.ts";

export interface DaemonGathered {
  /** Ids of deliveries, one for each acknowledgement. */
  readonly acknowledged: readonly string[];
  readonly events: readonly Pick<TriggerEvent, "id" | "key" | "source">[];
  readonly firings: readonly Pick<Firing, "event" | "state">[];
  /** Outcomes of stored runs by id; null: not ended. */
  readonly runs: ReadonlyMap<string, string | null>;
  /** Of the workflow, in their order. */
  readonly steps: readonly string[];
  readonly ledger: readonly LedgerLine[];
  readonly overlaps: readonly string[];
  readonly survivors: readonly string[];
  readonly problems: readonly string[];
}

export interface DaemonVerdict {
  readonly acknowledged: number;
  readonly runs: number;
  /** In words, what is wrong; nothing if all is well. */
  readonly findings: readonly string[];
}

export function judgeDaemon(gathered: DaemonGathered): DaemonVerdict {
  const { events, firings, ledger, overlaps, survivors, problems } = gathered;
  const acknowledged = new Set(gathered.acknowledged);
  const byKey = Map.groupBy(events, ({ key }) => key ?? "");
  const firingsOf = Map.groupBy(firings, ({ event }) => event);
  const linesOf = Map.groupBy(ledger, ({ event }) => event);
  const findings = [
    ...problems,
    ...survivors.map((survivor) => `left behind: ${survivor}`),
    ...overlaps.map((event) => `two steps of event ${event} were alive at a time`),
    ...[...acknowledged].filter((key) => !byKey.has(key)).map((key) => `lost: ${key}`),
  ];
  for (const [key, same] of byKey) {
    if (same.length > 1) findings.push(`${key} is stored as ${same.length} events`);
    for (const { id } of same)
      for (const problem of problemsOf(gathered, firingsOf.get(id) ?? [], linesOf.get(id) ?? []))
        findings.push(`${key}: ${problem}`);
  }
  return { acknowledged: acknowledged.size, runs: gathered.runs.size, findings };
}

function problemsOf(
  { runs, steps: wanted }: DaemonGathered,
  firings: readonly Pick<Firing, "event" | "state">[],
  lines: readonly LedgerLine[],
): string[] {
  const problems: string[] = [];
  if (firings.length !== 1) problems.push(`it has ${firings.length} firings`);
  for (const { state } of firings) {
    if (state.kind !== "ended" || state.outcome !== "SUCCEEDED")
      problems.push(`its firing is ${JSON.stringify(state)}`);
    else if (runs.get(state.run) !== "SUCCEEDED")
      problems.push(`its run ${state.run} is recorded as ${runs.get(state.run) ?? "open or missing"}`);
  }
  const began = new Set(lines.map(({ run }) => run));
  if (began.size !== 1) problems.push(`${began.size} runs of it began`);
  const steps = lines.map(({ step }) => step);
  for (const [at, step] of wanted.entries()) {
    const next = steps.indexOf(wanted[at + 1] ?? "");
    if (!steps.includes(step)) problems.push("a step of it never ran");
    else if (next >= 0 && steps.lastIndexOf(step) > next)
      problems.push(`its ${step} step ran again after its end`);
  }
  return problems;
}
