/** The policy layer: a durable queue that feeds a runtime. */
export * from "./claim-order.ts";
export { isDraining, withDraining } from "./hosting.ts";
export type * from "./decision.ts";
export {
  jobDecisionsDocument,
  jobDetailsDocument,
  jobDocument,
  type WhyFacts,
  withCallsSoFar,
} from "./documents/job-documents.ts";
export * from "./documents/answer-documents.ts";
export { jobResult, resultLine, type JobResult } from "./documents/result-line.ts";
export type { RunEventListener } from "./run-events.ts";
export * from "./job-query.ts";
export * from "./job-record.ts";
export type * from "./job-store.ts";
export { excludeNothing, submitResultOf } from "./job-store.ts";
export * from "./job-transition.ts";
export * from "./journal.ts";
export type * from "./queue-waits.ts";
export { waitsMax } from "./queue-waits.ts";
export { reservedLabelPrefix, runLabel, runOfPiece } from "./piece.ts";
export { createMemoryJournal, type MemoryJournal } from "./memory/memory-journal.ts";
export { createMemoryStore, type MemoryStoreOptions } from "./memory/memory-store.ts";
export type { DoubtfulAttempt, NeverBegan } from "./recovery/never-began.ts";
export type { AbandonedAttempt, ProveGone } from "./recovery/recovery.ts";
export type { LostSpending, SpendingOfLost } from "./retry/charge.ts";
export { openSpoolDirectory, type ResultSpool } from "./recovery/spool.ts";
export type { RetryBudgetOptions } from "./retry/retry-budget.ts";
export {
  backoffCapMs,
  decideRetry,
  errorClassOf,
  type RetryAnswer,
  type RetryPolicyFunction,
  type RetryQuestion,
} from "./retry/retry-policy.ts";
export type { SchedulerOptions } from "./scheduler-options.ts";
export { createScheduler, type CloseOptions, type Scheduler } from "./scheduler.ts";
export type {
  DeadLetterQuery,
  DeadLetters,
  EditJob,
  FailedReplay,
  Replayed,
  ReplayedBatch,
} from "./submit/dead-letters.ts";
export { editJob, type JobEdit } from "./submit/edit-job.ts";
export type { JobEnd } from "./submit/job-end.ts";
export type { JobHandle } from "./submit/job-handle.ts";
export { decideDedup, defaultPolicies, type SchedulerPolicies } from "./submit/policies.ts";
export { checkPayload } from "./submit/submission.ts";
export { QueueClient, type QueueClientOptions, type SubmitOutcome } from "./submit/queue-client.ts";
export type { WaitingFor } from "./submit/explain-waits.ts";
export type { WhyReport } from "./submit/why.ts";
export { defaultIntensity, type RestartIntensity } from "./wire/restart-intensity.ts";
export {
  runtimeProcess,
  type RuntimeCommand,
  type RuntimeProcess,
  type StartRuntimeProcess,
} from "./wire/runtime-process.ts";
export {
  superviseRuntime,
  type SupervisedRuntime,
  type SupervisedRuntimeOptions,
} from "./wire/supervised-runtime.ts";
export type { RuntimeStatus } from "./wire/runtime-supervisor.ts";
// For stores that keep jobs in tables.
export * from "./stored/change-listeners.ts";
export * from "./stored/changes-jobs.ts";
export * from "./stored/damaged-job.ts";
export * from "./stored/stored-history.ts";
export * from "./stored/stored-job.ts";
export * from "./stored/stored-journal.ts";
export * from "./stored/stored-submission.ts";
