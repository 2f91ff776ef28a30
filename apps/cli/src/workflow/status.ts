/** The name and color of a step's state, the same on every screen. Pure. */
import { formatDuration } from "@agentcore/contract";
import type { StepReport, WorkflowEvent } from "@agentcore/workflow";
import type { Tone } from "../screen/line.ts";
import { approveCommand } from "../screen/approve-command.ts";
import { shortId } from "../screen/short-id.ts";
import { oneLine } from "../screen/text.ts";

type Status = StepReport["status"];

interface Label {
  readonly text: string;
  readonly tone: Tone;
}

const labels: Readonly<Record<Status, Label>> = {
  PENDING: { text: "PENDING", tone: "dim" },
  READY: { text: "READY", tone: "dim" },
  RUNNING: { text: "RUNNING", tone: "accent" },
  CHECKING: { text: "CHECKING", tone: "accent" },
  WAITING: { text: "WAITING", tone: "warn" },
  SUCCEEDED: { text: "PASS", tone: "good" },
  FAILED: { text: "FAIL", tone: "bad" },
  INCOMPLETE: { text: "INCOMPLETE", tone: "warn" },
  SKIPPED: { text: "SKIP", tone: "dim" },
  CANCELLED: { text: "CANCELLED", tone: "warn" },
};

/** What people see: a step did not run, even if its dependants use what an earlier run left of it. */
export const shownStatus = ({ status, taken }: Pick<StepReport, "status" | "taken">): Status =>
  taken ? "SKIPPED" : status;

export const statusLabel = (status: Status): Label => labels[status];

const ended: ReadonlySet<Status> = new Set(["SUCCEEDED", "FAILED", "INCOMPLETE", "SKIPPED", "CANCELLED"]);
export const hasEnded = ({ status }: Pick<StepReport, "status">): boolean => ended.has(status);

/** `attempt 2 in 25s` for a step that waits before its next attempt; empty for others. */
export function retryText({ retryAt, attempts }: StepReport, now: number): string {
  if (retryAt === null) return "";
  const waitS = Math.ceil(Math.max(0, retryAt - now) / 1000);
  return `attempt ${attempts + 1} in ${formatDuration(waitS * 1000)}`;
}

/** For a step that waits for an approval: what is asked, and the command that answers. Empty for others. */
export function approvalText({ id, status, approval }: StepReport, run: string): string {
  if (status !== "WAITING" || approval === null) return "";
  return `${oneLine(approval.message)}  ${approveCommand(run, id)}  (or reject)`;
}

/** `3 iterations` for a step with a loop, `cached` for one that did not run; empty for others. */
export function iterationsText({ loops, iterations, cached }: StepReport): string {
  if (cached) return "cached";
  if (!loops || iterations === 0) return "";
  return iterations === 1 ? "1 iteration" : `${iterations} iterations`;
}

export function waitingText({ group, holder }: Extract<WorkflowEvent, { type: "run_waiting" }>): string {
  return `WAITING    for the concurrency group "${oneLine(group)}": run ${shortId(holder)} is at work`;
}

export function notificationText(failed: { readonly event: string; readonly problem: string }): string {
  return `WARNING    the notification of "${failed.event}" failed: ${oneLine(failed.problem)}`;
}
