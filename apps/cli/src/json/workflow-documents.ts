/** Makes the documents of the workflow commands; their schemas are in the contract. */
import type { RunDetailsDocument, RunDocument, StepDocument } from "@agentcore/contract";
import type { JournalHeader } from "@agentcore/scheduler";
import type { RunResult, StepReport, WaitingApproval, WorkflowEvent } from "@agentcore/workflow";

/** Tokens are 0 in a report if no worker reported any. */
const known = (tokens: number): number | null => (tokens === 0 ? null : tokens);

export const stepJson = (report: StepReport): StepDocument => ({
  ...report,
  artifacts: [...report.artifacts],
  approval: report.approval === null ? null : { ...report.approval, who: [...report.approval.who] },
  tokens: known(report.tokens),
});

export function workflowEventJson(event: Exclude<WorkflowEvent, { type: "run_ended" }>): object {
  return event.type === "step_changed" ? { ...event, step: stepJson(event.step) } : event;
}

export function runResultJson({ spent, steps, ...rest }: RunResult): object {
  return { type: "result", ...rest, tokens: known(spent.tokens), steps: steps.map(stepJson) };
}

/** The report of a step: the reverse of `stepJson`. */
export const stepOf = (step: StepDocument): StepReport =>
  ({ ...step, tokens: step.tokens ?? 0 }) as StepReport;

/** `command`: what answers it. */
export function approvalJson(
  wait: WaitingApproval,
  command: string,
): RunDetailsDocument["approvals"][number] {
  const { step, message, who, askedAt, expiresAt } = wait;
  return { step, message, who: [...who], askedAt, expiresAt, command };
}

/** `state`: as lists show it. The header is as the run wrote it. */
export function runJson(
  id: string,
  header: JournalHeader,
  state: string,
): Omit<RunDocument, "type" | "waitsFor"> {
  const { name, file, workspace, steps, stepsEnded, startedAt, endedAt, message, costUsd, tokens } = header;
  return {
    id,
    name,
    state,
    file,
    workspace,
    steps,
    stepsEnded,
    startedAt,
    lastAt: header["lastAt"] ?? startedAt,
    endedAt: endedAt ?? null,
    downtimeMs: header["downtimeMs"] ?? 0,
    message: message ?? null,
    code: header["code"] ?? null,
    waitsForGroup: header["waitsForGroup"] ?? null,
    costUsd: costUsd ?? null,
    tokens: known(Number(tokens ?? 0)),
  } as Omit<RunDocument, "type" | "waitsFor">;
}
