/**
 * Builds the screen of a run as lines, at most as many as there are rows: cost and progress, the tree, the latest output of
 * the selected step, the keys. Pure; the terminal cuts lines to its width.
 */
import { worstStatus, type StepReport } from "@agentcore/workflow";
import { span, type Line } from "../../screen/line.ts";
import { formatDollars, formatElapsed } from "../../screen/run-view.ts";
import { shortId } from "../../screen/short-id.ts";
import { oneLine } from "../../screen/text.ts";
import { approvalText, hasEnded, iterationsText, retryText, shownStatus, statusLabel } from "../status.ts";
import { isActive, type LiveNode, type LiveRun } from "./live-run.ts";
import { rowsThatFit, type Row } from "./live-rows.ts";

export interface FrameSize {
  readonly rows: number;
  readonly columns: number;
}

/** With fewer rows, there is no room for the log. */
const rowsWithLog = 12;
const labelColumns = 10;

export function liveFrame(live: LiveRun, now: number, { rows, columns }: FrameSize): Line[] {
  const body = Math.max(1, rows - 2);
  const logRows = rows < rowsWithLog ? 0 : Math.max(4, Math.floor(rows / 3));
  const shown = rowsThatFit(live, body - logRows, body);
  const tree = shown.map((row) => rowLine(live, row, now));
  const log = logRows === 0 ? [] : logLines(live, body - tree.length, columns);
  return [headLine(live, now), ...[...tree, ...log].slice(0, body), keysLine(live)].slice(0, rows);
}

function headLine(live: LiveRun, now: number): Line {
  const { costUsd, steps, active, ended } = live.totals();
  const { startedAt, capUsd } = live;
  return [
    span(oneLine(live.name), "strong"),
    span(`  ${ended}/${steps} steps`),
    span(active === 0 ? "" : `, ${active} running`, "accent"),
    span(` · ${formatElapsed(startedAt === null ? 0 : now - startedAt)}`),
    span(` · ${formatDollars(costUsd)}${capUsd === null ? "" : ` of ${formatDollars(capUsd)}`}`),
    span(`  run ${shortId(live.run)}`, "dim"),
  ];
}

function keysLine({ remark }: LiveRun): Line {
  if (remark !== null) return [span(oneLine(remark), "warn")];
  return [span("↑↓ select · Enter open or close · Esc follow · q lines only · Ctrl-C stop", "dim")];
}

function rowLine(live: LiveRun, row: Row, now: number): Line {
  switch (row.kind) {
    case "node":
      return nodeLine(live, row.node, now);
    case "folded": {
      const words = [...row.counts].map(([label, count]) => `${count} ${label}`).join(", ");
      return [span(`  ${" ".repeat(labelColumns)} ${"  ".repeat(row.depth)}… ${words}`, "dim")];
    }
    case "beyond":
      return [span(`  ${" ".repeat(labelColumns)} … ${row.count} more ${row.where}`, "dim")];
  }
}

function nodeLine(live: LiveRun, node: LiveNode, now: number): Line {
  const reports = live.reportsOf(node);
  const { text, tone } = statusLabel(worstStatus(reports.map(shownStatus)) ?? "PENDING");
  const isSelected = node === live.selected;
  const mark = node.children.length === 0 ? "" : live.isOpen(node) ? "▾ " : "▸ ";
  const costUsd = live.costUsdOf(node);
  const details = [
    reports.some(({ isFinal }) => isFinal) ? "finally" : "",
    ...(node.report === null
      ? [countText(reports)]
      : [retryText(node.report, now) || placeText(live, node, node.report)]),
    timeText(reports, now),
    costUsd > 0 ? formatDollars(costUsd) : "",
    node.report === null ? "" : approvalText(node.report, live.run) || lastText(node, node.report),
  ].filter((part) => part !== "");
  return [
    span(isSelected ? "❯ " : "  ", "accent"),
    span(text.padEnd(labelColumns), tone),
    span(` ${"  ".repeat(live.depthOf(node))}${mark}`),
    span(oneLine(node.label), isSelected ? "strong" : "plain"),
    span(details.length === 0 ? "" : `  ${details.join(" · ")}`, "dim"),
  ];
}

function countText(reports: readonly StepReport[]): string {
  return `${reports.filter(hasEnded).length}/${reports.length}`;
}

/** Its iteration or attempt. */
function placeText(live: LiveRun, node: LiveNode, report: StepReport): string {
  if (hasEnded(report)) return iterationsText(report);
  const { loops, iterations, attempts } = report;
  const max = live.loopMaxOf(node);
  if (loops && iterations > 0) return `iteration ${iterations}${max === null ? "" : ` of ${max}`}`;
  return attempts > 1 ? `attempt ${attempts}` : "";
}

/** From the first start to the last end, or to now while a step works. */
function timeText(reports: readonly StepReport[], now: number): string {
  const starts = reports.flatMap(({ startedAt }) => startedAt ?? []);
  if (starts.length === 0) return "";
  const ends = reports.some(isActive) ? [now] : reports.flatMap(({ endedAt }) => endedAt ?? []);
  const downtimeMs = Math.max(...reports.map((report) => report.downtimeMs));
  return ends.length === 0 ? "" : formatElapsed(Math.max(...ends) - Math.min(...starts) - downtimeMs);
}

function lastText(node: LiveNode, report: StepReport): string {
  if (report.retryAt !== null) return oneLine(report.reason);
  if (hasEnded(report)) return shownStatus(report) === "SUCCEEDED" ? "" : oneLine(report.reason);
  return isActive(report) && node.children.length === 0 ? node.view.lastAction : "";
}

function logLines(live: LiveRun, rows: number, columns: number): Line[] {
  const { selected } = live;
  if (selected === null || rows < 3) return [];
  const title = `── ${oneLine(selected.id)} `;
  const lines = selected.log.slice(-(rows - 1));
  const empty = lines.length === 0 ? [[span("nothing yet", "dim")]] : [];
  return [[span(title + "─".repeat(Math.max(0, columns - title.length)), "dim")], ...lines, ...empty];
}
