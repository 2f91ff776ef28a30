/** The facts about a step in a picture: rows of text, the same in the drawing and on the page. Pure. */
import { formatDuration } from "@agentcore/contract";
import { worstStatus, type GraphNode, type StepReport, type StepsByPath } from "@agentcore/workflow";
import { formatDollars } from "../../screen/run-view.ts";
import { oneLine } from "../../screen/text.ts";
import { iterationsText, shownStatus, statusLabel } from "../status.ts";

type Status = StepReport["status"];

/** A run in the picture; null for a picture of the file alone. */
export interface PictureRun {
  readonly id: string;
  /** `RUNNING` while it has not ended. */
  readonly outcome: string;
  readonly message: string | null;
  readonly durationMs: number;
  readonly costUsd: number;
  readonly steps: StepsByPath;
}

export interface NodeFacts {
  readonly title: string;
  /** Below the title, most important first. */
  readonly rows: readonly string[];
  /** Of the run; null if there is none. */
  readonly state: { readonly status: Status; readonly text: string } | null;
}

export function factsOf(node: GraphNode, run: PictureRun | null): NodeFacts {
  const { step, worker, times, inner, condition } = node;
  const model = step.action.kind === "worker" ? step.action.work.model : null;
  const who = inner === null ? [worker, model].filter(Boolean).join(" · ") : `workflow ${worker}`;
  const extras = extrasOf(node);
  const { action } = step;
  return {
    title: oneLine(step.id),
    rows: [
      `${oneLine(who)}${times === "" ? "" : ` ${times}`}`,
      ...(action.kind === "approval" ? [`“${oneLine(action.message)}”`] : []),
      ...(condition === null ? [] : [`if ${oneLine(condition)}`]),
      ...(step.loop === null ? [] : [`until ${oneLine(step.loop.check.worker)} finds it complete`]),
      ...(extras.length === 0 ? [] : [extras.join(" · ")]),
    ],
    state: run === null ? null : stateOf(run.steps.get(node.path) ?? []),
  };
}

function extrasOf({ step }: GraphNode): string[] {
  const { isFinal, isolation, maxRetries, verify } = step;
  const costUsd = step.budget?.costUsd ?? null;
  return [
    ...(isFinal ? ["finally"] : []),
    ...(maxRetries > 0 ? [`${maxRetries} ${maxRetries === 1 ? "retry" : "retries"}`] : []),
    ...(verify === null ? [] : ["verified"]),
    ...(isolation === "worktree" ? ["own worktree"] : []),
    ...(costUsd === null ? [] : [`up to ${formatDollars(costUsd)}`]),
  ];
}

/** For one instance its label, times and cost; for several, how many ended in each way. The worst decides the color. */
function stateOf(reports: readonly StepReport[]): NodeFacts["state"] {
  const status = worstStatus(reports.map(shownStatus)) ?? "PENDING";
  const [only] = reports;
  const costUsd = reports.reduce((sum, report) => sum + (report.costUsd ?? 0), 0);
  const words = reports.length > 1 ? countsOf(reports) : statusLabel(status).text;
  const parts = [
    words,
    ...(only === undefined || reports.length > 1 ? [] : [iterationsText(only)]),
    timeOf(reports),
    costUsd > 0 ? formatDollars(costUsd) : "",
  ];
  return { status, text: parts.filter((part) => part !== "").join(" · ") };
}

function countsOf(reports: readonly StepReport[]): string {
  const counts = new Map<string, number>();
  for (const report of reports) {
    const { text } = statusLabel(shownStatus(report));
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `${count} ${text}`).join(", ");
}

/** From the first start to the last end. */
function timeOf(reports: readonly StepReport[]): string {
  const starts = reports.flatMap(({ startedAt }) => startedAt ?? []);
  const ends = reports.flatMap(({ endedAt }) => endedAt ?? []);
  if (starts.length === 0 || ends.length === 0) return "";
  const downtimeMs = Math.max(...reports.map((report) => report.downtimeMs));
  return formatDuration(Math.max(0, Math.max(...ends) - Math.min(...starts) - downtimeMs));
}
