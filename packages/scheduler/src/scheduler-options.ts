/** The options of a scheduler, with their defaults. */
import { hostname } from "node:os";
import {
  type Clock,
  type Denial,
  type Ids,
  type Log,
  type Random,
  type Runtime,
  silentLog,
  systemClock,
  systemIds,
  systemRandom,
} from "@agentcore/contract";
import type { JobStore, OwnerProcess, OwnerProcessState } from "./job-store.ts";
import type { Journal } from "./journal.ts";
import type { NeverBegan } from "./recovery/never-began.ts";
import type { ProveGone } from "./recovery/recovery.ts";
import { emptySpool, type ResultSpool } from "./recovery/spool.ts";
import type { SpendingOfLost } from "./retry/charge.ts";
import type { RetryBudgetOptions } from "./retry/retry-budget.ts";
import type { SchedulerPolicies } from "./submit/policies.ts";

export interface SchedulerOptions {
  readonly store: JobStore;
  /** In this process or behind a wire; the scheduler cannot tell. Closing the scheduler does not close it. */
  readonly runtime: Runtime;
  /** Replaces any of the policy functions. */
  readonly policy?: Partial<SchedulerPolicies>;
  /** Names of the known workers; a job for another one is refused at submit. Default: not checked. */
  readonly workers?: readonly string[];
  /**
   * Why it cannot run the jobs of a worker, which another process on the store may have. Such a job stays in the queue, and it is
   * asked again after 15 s. Must not throw. Default: it has every worker.
   */
  readonly lack?: (worker: string) => Denial | null;
  /** Most attempts in flight here. The runtime's limits apply in addition. Default 64. */
  readonly concurrency?: number;
  /**
   * Which jobs it runs: any in the store, or only those handed to it (by `submit`, `submitAll`, `attach`). Use `own` for a
   * process with one task next to others that work through the queue. Default `any`.
   */
  readonly claims?: "any" | "own";
  /** Most attempts in flight with one concurrency key (the workspace, by default). Default 1. */
  readonly perKey?: number;
  /**
   * After this time without a beat, another owner may take over, if it is unknown whether the process lives (see `processState`).
   * Default 10 s.
   */
  readonly leaseMs?: number;
  /** Limits the retries that outages may cause across all jobs. */
  readonly retryBudget?: RetryBudgetOptions;
  /**
   * How long succeeded and cancelled jobs are kept. Measured by the wall clock and, for jobs that end while this scheduler runs,
   * also by its monotonic clock. Dead letters are kept. Default 7 days.
   */
  readonly keepEndedMs?: number;
  /** Its ended streams are deleted after the same time, with all that belongs to them. Default: none. */
  readonly journal?: Pick<Journal, "deleteEnded" | "endMark">;
  /** Results that a runtime could not deliver. Default: none. */
  readonly spool?: ResultSpool;
  /**
   * Proves that an attempt left behind by a dead scheduler is gone. Default: no proof, so such an attempt is never followed by
   * another. Required with every store that outlives the process.
   */
  readonly proveGone?: ProveGone;
  /**
   * The most that a lost attempt can have spent, by its own records. Default: unknown, and it is charged all that its permit
   * allowed.
   */
  readonly spendingOfLost?: SpendingOfLost;
  /** Whether the worker of a lost attempt provably never began: such an attempt costs its job nothing. Default: never. */
  readonly neverBegan?: NeverBegan;
  /**
   * Where machines share the store: settles what the ledger holds for places of which no scheduler is registered. Called after a
   * takeover from another machine, before the attempts of that machine end, and again until it resolves. Default: does nothing.
   */
  readonly settleHolds?: () => Promise<void>;
  /** How others recognize this process. Default: its host name and pid, no start time. */
  readonly process?: OwnerProcess;
  /**
   * What is known about an owner's process on this machine. An `alive` owner keeps its jobs, however long it does not beat; a
   * `gone` one is taken over from at once. Default: always `unknown`, so leases must run out.
   */
  readonly processState?: (process: OwnerProcess) => OwnerProcessState;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly ids?: Ids;
  readonly log?: Log;
}

export type ResolvedOptions = Required<Omit<SchedulerOptions, "workers" | "policy" | "journal">> &
  Pick<SchedulerOptions, "workers" | "policy" | "journal">;

export function resolveOptions(options: SchedulerOptions): ResolvedOptions {
  return {
    lack: () => null,
    concurrency: 64,
    claims: "any",
    perKey: 1,
    leaseMs: 10_000,
    retryBudget: {},
    keepEndedMs: 7 * 86_400_000,
    spool: emptySpool,
    proveGone: async () => false,
    spendingOfLost: async () => null,
    neverBegan: async () => false,
    settleHolds: async () => {},
    process: { host: hostname(), bootId: null, pid: process.pid, startTicks: null },
    processState: () => "unknown",
    clock: systemClock,
    random: systemRandom,
    ids: systemIds,
    log: silentLog,
    ...withoutUndefined(options),
  };
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
