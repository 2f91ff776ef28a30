/**
 * The interface between policy (the scheduler) and mechanism (the runtime). `@agentcore/core` implements it in process, and
 * `agentcore runtime --stdio` over JSON lines; a scheduler cannot tell which. All methods may be called at any time, in any
 * order.
 */
import { z } from "zod";
import { lazySchema } from "./lazy-schema.ts";
import type { RunIdentity } from "./adapter.ts";
import type { CancelRequest } from "./cancellation.ts";
import type { ErrorCode } from "./error-codes.ts";
import type { PermitDecision, PermitRequest, Evidence, BudgetLevel, BreakerLevel } from "./permit.ts";
import type { WorkerResult } from "./result.ts";
import type { WorkerTask } from "./task.ts";
import type { WorkerEvent } from "./worker-event.ts";
import { budgetLevelSchema, breakerLevelSchema } from "./permit.ts";
import { containmentLevelSchema } from "./result.ts";
import { noRefusedKeys, refusedKeysSchema, type RefusedKeys } from "./spend-gate.ts";

export interface Runtime {
  /** Decides at once. A granted permit keeps its holds until `execute` ends or `releasePermit` is called. */
  requestPermit(request: PermitRequest): Promise<PermitDecision>;
  /**
   * Runs the task under a live permit, which it consumes. Rejects with `AC_PERMIT_INVALID` for a permit that this runtime
   * did not issue, that was used, or that does not fit the task. Events arrive in order; `result` never rejects afterwards.
   */
  execute(permitId: string, task: WorkerTask, observer?: ExecutionObserver): Promise<WorkerResult>;
  /** Gives back a permit that was never executed. Does nothing if the permit has ended. */
  releasePermit(permitId: string): Promise<void>;
  /**
   * Stops an execution; it still ends with exactly one result. The first reason counts; a further request with `force`
   * kills it at once. Does nothing if the execution has ended.
   */
  cancel(permitId: string, request: CancelRequest<string>): Promise<void>;
  load(): Promise<LoadReport>;
  /** Reports the state of the scheduler's queue, as a signal for backpressure. */
  reportQueue(queue: { readonly depth: number; readonly oldestWaitMs: number }): void;
  /**
   * From the first call on, the runtime grants and runs only while it has a lease: until this moment of its client's monotonic
   * clock, on the same machine. When the lease runs out, it kills all runs and proves them gone, and refuses with
   * `AC_LEASE_LOST` until a later call. A runtime that never got a lease needs none. For a scheduler on a store that machines
   * share, where another machine takes over the jobs of one that is silent.
   */
  renewLease(untilMs: number): void;
  /** Returns a function that unsubscribes. */
  onEscalation(listener: (escalation: Escalation) => void): () => void;
  /** Grants no more permits, and resolves when the last execution has ended. */
  drain(): Promise<void>;
  /** Cancels all runs, proves them gone, and closes. Idempotent. */
  close(): Promise<void>;
}

export interface ExecutionObserver {
  onEvent?(event: WorkerEvent): void;
  /** The worker's identity, known before the worker is released; a scheduler stores it for the sweep after a crash. */
  onStarted?(identity: RunIdentity): void;
}

export const pressureLevels = ["accept", "degrade", "defer", "reject"] as const;
export const pressureLevelSchema = z.enum(pressureLevels);
/** The levels of backpressure, from mild to severe. */
export type PressureLevel = z.infer<typeof pressureLevelSchema>;

export const loadReportSchema = lazySchema(() =>
  z.strictObject({
    permitsLive: z.int().nonnegative(),
    executing: z.int().nonnegative(),
    pressure: pressureLevelSchema,
    /** The signal that decides the level, such as `memory` or `event_loop`; null at `accept`. */
    pressureSignal: z.string().nullable(),
    eventLoopDelayMs: z.number().nonnegative(),
    memoryAvailableBytes: z.number().nonnegative().nullable(),
    containment: containmentLevelSchema,
    draining: z.boolean(),
    budgets: z.array(budgetLevelSchema),
    breakers: z.array(breakerLevelSchema),
    refusedKeys: refusedKeysSchema.default(noRefusedKeys),
  }),
);
export type LoadReport = {
  readonly permitsLive: number;
  readonly executing: number;
  readonly pressure: PressureLevel;
  readonly pressureSignal: string | null;
  readonly eventLoopDelayMs: number;
  readonly memoryAvailableBytes: number | null;
  readonly containment: "sealed" | "best-effort";
  readonly draining: boolean;
  readonly budgets: readonly BudgetLevel[];
  readonly breakers: readonly BreakerLevel[];
  /** Requests that the spend gate refused for their key, since the start. All zero without a spend gate. */
  readonly refusedKeys: RefusedKeys;
};

/** The stages of the watchdog's defense, from mild to severe. */
export const defenseStages = [
  "shed",
  "throttle",
  "open_breaker",
  "isolate_worker",
  "isolate_workspace",
  "global_stop",
  "notify",
] as const;
export const defenseStageSchema = z.enum(defenseStages);
export type DefenseStage = z.infer<typeof defenseStageSchema>;

export interface Escalation {
  readonly stage: DefenseStage;
  readonly code: ErrorCode;
  /** The target: `worker:codex`, `workspace:/path`, `global`. */
  readonly target: string;
  readonly message: string;
  readonly evidence: Evidence;
  readonly at: number;
}
