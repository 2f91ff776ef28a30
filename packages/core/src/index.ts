/** The mechanism: what may run, how much it may use, when it must stop. */
export { type RuntimeConfig, type RuntimeConfigInput, runtimeConfigSchema } from "./config/runtime-config.ts";
export { plausibleLimitsOf, plausibleSpending } from "./delegation/plausible.ts";
export { isAnswer } from "./delegation/spending.ts";
export { endingOf } from "./delegation/unstarted.ts";
export { type ReconciledHold, reconcileHolds, type ReconcileOptions } from "./ledger/ledger-reconcile.ts";
export * from "./ledger/ledger.ts";
export * from "./ledger/ledger-decisions.ts";
export { createMemoryLedger } from "./ledger/memory-ledger.ts";
export * from "./ledger/spend-reader.ts";
export * from "./ledger/stored-spend.ts";
export {
  createMachineSignals,
  type MachineSample,
  type MachineSignals,
  type MachineSignalsOptions,
} from "./pressure/machine-signals.ts";
export { createRuntime } from "./runtime/create-runtime.ts";
export type { LeaseGuard } from "./runtime/run-lease.ts";
export * from "./runtime/runtime-options.ts";
export {
  ownerIsDead,
  processOwner,
  type ProcessName,
  processState,
  type ProcessState,
} from "./process-owner.ts";
export { type ServeEnd, type ServeOptions, serveRuntime } from "./serve/serve-runtime.ts";
export { defaultSilenceMs } from "./watchdog/run-limits.ts";
export { createMemoryCallJournal } from "./spend/memory-journal.ts";
export * from "./spend/spend-gate.ts";
export * from "./spend/stored-call.ts";
export { spentByCalls, type SpentByCalls } from "./spend/spent-by-calls.ts";
