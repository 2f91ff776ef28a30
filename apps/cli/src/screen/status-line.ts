/** The line at the bottom of a terminal that is redrawn during a run: elapsed time, spend against ceiling, last action. */
import { span, type Line } from "./line.ts";
import { formatCount, formatDollars, formatElapsed, spentUsd, type RunView } from "./run-view.ts";

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
export const frameMs = 120;

export function statusLine(view: RunView, now: number): Line {
  if (view.phase === "ended") return [];
  const elapsedMs = view.startedAt === null ? 0 : now - view.startedAt;
  const frame = frames[Math.floor(Math.max(0, elapsedMs) / frameMs) % frames.length] ?? "";
  const attempt = view.attempt > 1 ? [span(` · attempt ${view.attempt} of ${view.maxAttempts}`, "dim")] : [];
  return [
    span(`${frame} `, view.phase === "running" ? "accent" : "warn"),
    span(formatElapsed(elapsedMs), "strong"),
    span(` · ${spend(view)}`, "dim"),
    ...attempt,
    span(" · ", "dim"),
    span(view.lastAction),
  ];
}

function spend(view: RunView): string {
  const spent = spentUsd(view);
  const tokens = view.tokens === null ? "" : ` · ${formatCount(view.tokens)} tokens`;
  if (spent === null)
    return `${view.ceilingUsd === null ? "no cost known" : `$0 of ${formatDollars(view.ceilingUsd)}`}${tokens}`;
  return `${formatDollars(spent)}${view.ceilingUsd === null ? "" : ` of ${formatDollars(view.ceilingUsd)}`}${tokens}`;
}
