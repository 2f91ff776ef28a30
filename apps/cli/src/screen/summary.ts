/** The summary of an ended run: outcome, files, commands, cost, artifacts, the receipt, and the cure of a failure. */
import {
  cureOf,
  formatDuration,
  type Artifact,
  type ContainmentReceipt,
  type Observations,
  type ResultLine,
} from "@agentcore/contract";
import { paragraph, span, type Line, type Tone } from "./line.ts";
import { formatCount, formatDollars } from "./run-view.ts";
import { oneLine } from "./text.ts";

/** Most entries of one list that are shown; `--json` has all of them. */
const listMax = 12;

export function summaryLines(result: ResultLine, refused: boolean): Line[] {
  return [
    [],
    headline(result, refused),
    ...failure(result),
    ...fileRows(result.observations),
    ...list(
      "commands",
      result.observations.commands.map(
        ({ command, exitCode }) => `${oneLine(command)} → ${exitCode ?? "no exit code"}`,
      ),
    ),
    row("cost", describeCost(result)),
    ...(result.session === null ? [] : [row("session", result.session)]),
    ...result.artifacts.map((artifact) =>
      row(artifactTitle(artifact), `${artifact.path} (${formatBytes(artifact.bytes)})`),
    ),
    ...(result.containment === null ? [] : [receiptLine(result.containment)]),
  ];
}

function headline(result: ResultLine, refused: boolean): Line {
  const succeeded = result.outcome === "succeeded";
  const outcome = refused ? "refused" : result.outcome.replaceAll("_", " ");
  const tone: Tone = succeeded ? "good" : result.outcome === "cancelled" ? "warn" : "bad";
  const attempts = result.attempts > 1 ? ` with ${result.attempts} attempts` : "";
  const code =
    result.code === null
      ? ""
      : `: ${result.code}${result.errorClass === null ? "" : ` (${result.errorClass})`}`;
  return [
    span(`${succeeded ? "✓" : "✗"} ${outcome}`, tone),
    span(`${refused ? "" : ` in ${formatDuration(result.durationMs)}`}${attempts}`, "dim"),
    span(code, tone),
  ];
}

function failure(result: ResultLine): Line[] {
  const words = oneLine(result.summary);
  if (result.outcome === "succeeded") return words === "" ? [] : [row("summary", words)];
  const cure = cureOf(result.code, "command line");
  return [...(words === "" ? [] : [row("why", words)]), ...(cure === "" ? [] : [row("do", cure, "accent")])];
}

function describeCost({ costUsd, costBasis, usage }: ResultLine): string {
  const cost =
    costUsd === null
      ? "none reported"
      : costBasis === "none"
        ? "none"
        : `${formatDollars(costUsd)} (${costBasis})`;
  const tokens = (["inputTokens", "cachedInputTokens", "outputTokens"] as const)
    .filter((key) => usage[key] !== null)
    .map(
      (key) =>
        `${formatCount(usage[key] ?? 0)} ${{ inputTokens: "in", cachedInputTokens: "cached", outputTokens: "out" }[key]}`,
    );
  return tokens.length === 0 ? cost : `${cost}; tokens: ${tokens.join(", ")}`;
}

/** `nothing left running (verified by pid-namespace); sealed (unshare); signals TERM, KILL; empty after 12ms` */
export function describeReceipt(receipt: ContainmentReceipt): string {
  const left =
    receipt.survivors === 0
      ? "nothing left running"
      : receipt.survivors === 1
        ? "1 process left running"
        : `${receipt.survivors} processes left running`;
  return [
    `${left} (verified by ${receipt.provedBy})`,
    `${receipt.level} (${receipt.implementation})`,
    receipt.signals.length === 0 ? "no signal needed" : `signals ${receipt.signals.join(", ")}`,
    receipt.emptyAfterMs === null ? [] : `empty after ${formatDuration(receipt.emptyAfterMs)}`,
  ]
    .flat()
    .join("; ");
}

function receiptLine(receipt: ContainmentReceipt): Line {
  return row("contained", describeReceipt(receipt), receipt.survivors > 0 ? "bad" : "plain");
}

export function artifactTitle({ kind, name }: Artifact): string {
  if (kind === "log") return `${name} log`;
  return kind === "output" || kind === "file" ? name : kind;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit] ?? ""}`;
}

/** Says what is unknown: an empty list would read as "changed nothing". */
function fileRows({ filesChanged, incomplete }: Observations): Line[] {
  if (filesChanged === null) return [row("files", `not known: ${oneLine(incomplete ?? "not compared")}`)];
  const rows = list("files", filesChanged.map(oneLine));
  if (incomplete === undefined) return rows;
  return [...rows, row(rows.length === 0 ? "files" : "", `perhaps more: ${oneLine(incomplete)}`, "dim")];
}

function list(title: string, entries: readonly string[]): Line[] {
  const shown = entries.slice(0, listMax);
  const left = entries.length - shown.length;
  const lines = shown.map((entry, index) => row(index === 0 ? title : "", entry));
  return left > 0 ? [...lines, row("", `… and ${left} more (--json lists all)`, "dim")] : lines;
}

function row(title: string, text: string, tone: Tone = "plain"): Line {
  return paragraph([span(`  ${title.padEnd(11)}`, "dim"), span(text, tone)]);
}
