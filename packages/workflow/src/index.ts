/** YAML workflows: parse, plan, run, resume. */
export * from "./definition.ts";
export { agentsJsonSchema, workflowJsonSchema } from "./file/file-schema.ts";
export { nestingMax, parseWorkflow, type ParseRequest, type ParseResult } from "./file/parse-workflow.ts";
export type { KnownWorkers, LookUpWorkers } from "./file/check-workers.ts";
export { formatProblem, type Problem, type ReadFile } from "@agentcore/yaml-file";
export { nodesWithin, workflowGraph, type GraphEdge, type GraphNode, type WorkflowGraph } from "./graph.ts";
export { noSuchStep } from "./no-such-step.ts";
export { mermaidGraph } from "./mermaid.ts";
export * from "./plan/plan.ts";
export * from "./plan/plan-step.ts";
export * from "./plan/run-state.ts";
export * from "./plan/step-state.ts";
export type { BranchOptions } from "./worktree/branch-rules.ts";
export { lowered as lowerBudget } from "./budget/budget-share.ts";
export { dryRun, type DryRun, type DryRunOptions, type PlannedStep } from "./run/dry-run.ts";
export { cacheForecasts, type CacheForecast, type CacheForecastOptions } from "./run/cache-forecast.ts";
export { endRun } from "./run/end-run.ts";
export { replaceFile } from "./own-place.ts";
export { interruptedMessage } from "./steps/submit-job.ts";
export { requestAnswer, requestCancel, type AnswerRequest } from "./run/requests.ts";
export { waitingApprovals, type WaitingApproval } from "./records/waiting-approvals.ts";
export type { Git, GitAnswer, GitOptions } from "@agentcore/contract";
export type { InputValue, InputValues } from "./inputs.ts";
export { isBudgetCode } from "./steps/job-outcome.ts";
export {
  listRuns,
  openRuns,
  readRun,
  readStepsWithin,
  stepsByPath,
  storedSteps,
  type OpenRun,
  type RunListing,
  type StepsByPath,
  type StepWithin,
  type StoredRun,
} from "./records/read-runs.ts";
export { stepInstances, type StepInstance } from "./plan/step-instance.ts";
export { durationMsOf, type StepReport } from "./records/record-files.ts";
export type { RetryChoice } from "./run/retry-run.ts";
export type { RunPorts, RunResult, RunSettings, WorkflowEvent } from "./run-ports.ts";
export type { BaseCommit, RunCreated, RunEntry } from "./records/entry-types.ts";
export {
  cancelRun,
  resumeRun,
  retryRun,
  runNotFound,
  runWorkflow,
  workflowConcurrencyKey,
  type CacheOptions,
  type ResumeOptions,
  type RetryOptions,
  type RunHandle,
  type RunOptions,
  type StartOptions,
} from "./run/run-workflow.ts";
