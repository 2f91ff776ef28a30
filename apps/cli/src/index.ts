/**
 * AgentCore as a library: everything that the command line composes, in your own process. See README.md and
 * docs/embedding.md. Every type that its functions take and return is exported here.
 */
export { createAgentCore } from "./create-agent-core.ts";
export type { AgentCore, AgentCoreOptions, JobInput, WorkerName } from "./create-agent-core.ts";
export { run, type RunEnd, type RunOptions } from "./library/run.ts";
export type {
  AnswerOptions,
  FollowOptions,
  RetryWorkflowOptions,
  RunWorkflowOptions,
  WorkflowRunDetails,
  WorkflowRunHandle,
  WorkflowRunInfo,
  Workflows,
} from "./library/workflows.ts";
export type { Config, ConfigInput } from "./config/schema.ts";
export {
  adapterContractVersion,
  AgentCoreError,
  capabilities,
  errorCodes,
  isAgentCoreError,
} from "@agentcore/contract";
export type {
  Artifact,
  CancelRequest,
  Capability,
  ContainmentReceipt,
  CostBasis,
  Dedup,
  ErrorClass,
  ErrorCode,
  Escalation,
  Evidence,
  Job,
  JobContext,
  JobLimits,
  JobSubmission,
  Log,
  Observations,
  Outcome,
  OutputReader,
  OutputSpec,
  PlanContext,
  Priority,
  RetryPolicy,
  RunEvent,
  Runtime,
  Usage,
  WorkerAdapter,
  WorkerError,
  WorkerEvent,
  WorkerPlan,
  WorkerReport,
  WorkerResult,
  WorkerTask,
} from "@agentcore/contract";
export type {
  CancelAnswer,
  DeadLetterQuery,
  DeadLetters,
  Decision,
  JobEnd,
  JobHandle,
  JobQuery,
  JobRecord,
  QueueStats,
  Reason,
  Scheduler,
  Spending,
  SubmitOutcome,
  WhyReport,
} from "@agentcore/scheduler";
export type {
  BranchOptions,
  InputValue,
  InputValues,
  RunResult as WorkflowResult,
  StepReport,
  WorkflowEvent,
} from "@agentcore/workflow";
