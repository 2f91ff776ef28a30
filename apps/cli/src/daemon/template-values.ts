/** The values that the templates of `evaluate` and `analyze` refer to. */
import type { Json, RunRequest, TemplateValues } from "@agentcore/triggers";
import type { StepReport } from "@agentcore/workflow";
import { lastResultOf } from "./run-context.ts";

export function valuesOf(
  { trigger, event, lastResult, executionCount }: Omit<RunRequest, "run">,
  workspace: string,
): TemplateValues {
  return {
    event: event.payload,
    trigger_id: trigger?.id ?? "",
    last_result: lastResultOf(lastResult),
    timestamp: new Date(event.at).toISOString(),
    workspace,
    execution_count: String(executionCount),
  };
}

/** Of each step: its status, why it failed, and the values that it left. */
export function stepsValue(steps: readonly StepReport[]): Json {
  return Object.fromEntries(
    steps.map(({ id, status, reason, values }) => [id, { status, reason, outputs: values }]),
  );
}
