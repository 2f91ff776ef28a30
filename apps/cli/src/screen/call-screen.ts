/** The calls of an attempt to its provider, as the spend gate metered them: `jobs show`. Data in, lines out. */
import { formatDuration, type AttemptDocument, type CallDocument } from "@agentcore/contract";
import { span, type Line, type Tone } from "./line.ts";
import { formatCount, formatDollars } from "./run-view.ts";
import { table } from "./table.ts";
import { cut, oneLine } from "./text.ts";

const modelColumns = 40;

/** `4 calls, $0.12 so far, $0.03 held, estimated`; empty without calls. */
export function meteredText({ metered, outcome }: Pick<AttemptDocument, "metered" | "outcome">): string {
  if (metered === null) return "";
  const { calls, openCalls, costUsd, tokens, heldUsd, estimated } = metered;
  return [
    calls === 1 ? "1 call" : `${formatCount(calls)} calls`,
    `${formatCount(tokens)} tokens`,
    `${formatDollars(costUsd)}${outcome === null ? " so far" : ""}${estimated ? " (partly estimated)" : ""}`,
    ...(openCalls === 0 ? [] : [`${formatCount(openCalls)} open, which can cost ${formatDollars(heldUsd)}`]),
  ].join(", ");
}

const outcomeTones: Readonly<Record<CallDocument["outcome"], Tone>> = {
  open: "accent",
  completed: "good",
  cut: "bad",
  cancelled: "warn",
  failed: "bad",
};

/** The latest calls of a job. `earlier`: how many came before. */
export function callLines(calls: readonly CallDocument[], earlier: number): Line[] {
  if (calls.length === 0) return [];
  const columns = [
    { title: "  CALL OF", isWhole: true },
    { title: "MODEL" },
    { title: "IN", align: "right" },
    { title: "CACHED", align: "right", mayGo: true },
    { title: "WRITTEN", align: "right", mayGo: true },
    { title: "OUT", align: "right" },
    { title: "COST", align: "right", isWhole: true },
    { title: "TOOK", align: "right", mayGo: true },
    { title: "ENDED", isWhole: true },
    { title: "PRICE", mayGo: true },
  ] as const;
  const rows = calls.map((call) => [
    span(`  attempt ${call.attempt}`),
    span(cut(oneLine(`${call.provider}/${call.model ?? "–"}`), modelColumns)),
    span(countOf(call.inputTokens)),
    span(countOf(call.cacheReadTokens)),
    span(countOf(sumOf(call.cacheWrite5mTokens, call.cacheWrite1hTokens))),
    span(countOf(call.outputTokens)),
    span(costText(call)),
    span(call.endedAt === null ? "–" : formatDuration(Math.max(0, call.endedAt - call.startedAt))),
    span(outcomeText(call), outcomeTones[call.outcome]),
    span(oneLine(call.priceSource ?? "no price"), "dim"),
  ]);
  const more = earlier === 0 ? [] : [[span(`  and ${formatCount(earlier)} earlier`, "dim" as const)]];
  return [...table(columns, rows), ...more];
}

const countOf = (tokens: number | null): string => (tokens === null ? "–" : formatCount(tokens));

const sumOf = (one: number | null, other: number | null): number | null =>
  one === null && other === null ? null : (one ?? 0) + (other ?? 0);

/** `≤`: it has not ended, and can cost that much; `~`: estimated. */
function costText({ outcome, estimated, costUsd }: CallDocument): string {
  return `${outcome === "open" ? "≤" : estimated ? "~" : ""}${callDollars(costUsd)}`;
}

/** Most calls cost some cents: in whole cents, the calls of a run would not add up. */
function callDollars(dollars: number): string {
  return dollars >= 0.01 && dollars < 1 ? `$${dollars.toFixed(4)}` : formatDollars(dollars);
}

function outcomeText({ outcome, status }: CallDocument): string {
  return status === null || status < 400 ? outcome : `${outcome}, ${status}`;
}
