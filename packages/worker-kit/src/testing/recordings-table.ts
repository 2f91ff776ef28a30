/**
 * The table of an adapter's recordings: what each came to, as plain data for a test to compare and as Markdown for people
 * to read. The document is made from the same rows that the test compares, so neither can go stale alone.
 */
import {
  omitUndefined,
  type CostBasis,
  type ErrorClass,
  type Outcome,
  type StopCause,
} from "@agentcore/contract";
import type { Replay } from "./replay.ts";

export interface RecordingRow {
  /** What the model server did, or what was done to the CLI. */
  readonly what: string;
  /** What ended the run from outside, for a recording that did not end by itself. */
  readonly stop?: StopCause["kind"];
  readonly outcome: Outcome;
  readonly errorClass: ErrorClass | null;
  readonly retryAfterMs?: number;
  /** Input without cached, cached input, output; null where the worker does not say. */
  readonly tokens: readonly [number | null, number | null, number | null];
  readonly costUsd: number | null;
  readonly costBasis: CostBasis;
  readonly session: string | null;
  readonly denied?: readonly string[];
  /** Commands with their exit codes. */
  readonly commands?: readonly (readonly [command: string, exitCode: number | null])[];
  readonly files?: readonly string[];
  /** The class for which the reader would have had the run stopped early. */
  readonly fatal?: ErrorClass;
}

/** What a replay came to, without its events. Absent fields are those that would be empty. */
export function rowOf(what: string, stop: StopCause["kind"] | undefined, replay: Replay): RecordingRow {
  const { report, verdict } = replay;
  const { usage } = report;
  return {
    what,
    ...omitUndefined({ stop }),
    outcome: verdict.outcome,
    errorClass: verdict.errorClass,
    ...(verdict.retryAfterMs === null ? {} : { retryAfterMs: verdict.retryAfterMs }),
    tokens: [usage.inputTokens, usage.cachedInputTokens, usage.outputTokens],
    costUsd: report.costUsd,
    costBasis: report.costBasis,
    session: report.session,
    ...(report.deniedTools.length === 0 ? {} : { denied: report.deniedTools }),
    ...(replay.commands.length === 0
      ? {}
      : { commands: replay.commands.map(({ command, exitCode }) => [command, exitCode] as const) }),
    ...(replay.filesClaimed.length === 0 ? {} : { files: replay.filesClaimed }),
    ...(replay.fatal === null ? {} : { fatal: replay.fatal.class }),
  };
}

const columns = [
  "recording",
  "what happened",
  "stopped by us",
  "outcome",
  "error class",
  "input / cached / output",
  "cost (USD)",
  "refused tools",
  "commands → exit",
  "files",
  "ended early for",
];

/** A Markdown document with one line a recording. */
export function recordingsDocument(intro: string, rows: Readonly<Record<string, RecordingRow>>): string {
  const lines = Object.entries(rows).map(([name, row]) => [
    `\`${name}\``,
    row.what,
    row.stop ?? "",
    row.outcome,
    row.errorClass === null ? "" : `\`${row.errorClass}\``,
    row.tokens.map((count) => count ?? "?").join(" / "),
    row.costUsd === null ? "?" : `${row.costUsd} (${row.costBasis})`,
    (row.denied ?? []).join(", "),
    (row.commands ?? []).map(([command, exit]) => `\`${command}\` → ${exit ?? "?"}`).join("; "),
    (row.files ?? []).join(", "),
    row.fatal === undefined ? "" : `\`${row.fatal}\``,
  ]);
  const cells = [columns, columns.map(() => "---"), ...lines];
  const table = cells.map((line) => `| ${line.map(escapeCell).join(" | ")} |`).join("\n");
  return `${intro.trim()}\n\n${table}\n`;
}

/** The same text whatever the formatter made of the padding. */
export function squeezeMarkdown(text: string): string {
  return text.replace(/[ -]+/g, " ").trim();
}

function escapeCell(cell: string): string {
  return cell.replaceAll("|", "\\|").replaceAll("\n", " ");
}
