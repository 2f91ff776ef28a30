/** The options of a scheduler, with their defaults. */
import { hostname } from "node:os";
import {
  type Clock,
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
  /** In this process or behind a wire; the scheduler cannot tell. It is not closed with the scheduler. */
  readonly runtime: Runtime;
  /** Replace any of the policy functions. */
  readonly policy?: Partial<SchedulerPolicies>;
  /** Names of the workers that there are; a job for another one is refused at submit. Default: not checked. */
  readonly workers?: readonly string[];
  /** Most attempts in flight here. The runtime's own limits hold besides. Default 64. */
  readonly concurrency?: number;
  /**
   * Which jobs it runs: any of the store, or only those that it was handed itself (by `submit`, `submitAll`, `attach`),
   * for a process that does one thing beside others that work through the queue. Default `any`.
   */
  readonly claims?: "any" | "own";
  /** Most attempts in flight with one concurrency key (the workspace, by default). Default 1. */
  readonly perKey?: number;
  /**
   * An owner that shows no sign of life for so long is taken over from, where nobody can tell whether its process lives
   * (see `processState`). Default 10 s.
   */
  readonly leaseMs?: number;
  /** Retries that outages may cause across all jobs. */
  readonly retryBudget?: RetryBudgetOptions;
  /**
   * How long jobs that ended well, or were cancelled, are kept: by the wall clock and, of what ends while this scheduler
   * runs, by its monotonic clock as well. Dead letters stay. Default 7 days.
   */
  readonly keepEndedMs?: number;
  /** Its ended streams are deleted after the same time, with all that belongs to them. Default: none. */
  readonly journal?: Pick<Journal, "deleteEnded" | "endMark">;
  /** Results that a runtime could not deliver. Default: none. */
  readonly spool?: ResultSpool;
  /**
   * Proof that an attempt left behind by a dead scheduler is gone. Default: there is none, so such an attempt is never
   * followed by another. Needed with every store that outlives the process.
   */
  readonly proveGone?: ProveGone;
  /**
   * What an attempt that was lost can have spent at most, by its own records. Default: they do not say, and it is charged
   * all that its permit allowed.
   */
  readonly spendingOfLost?: SpendingOfLost;
  /**
   * Whether it is proved that the worker of a lost attempt never began: such an attempt costs its job nothing. Default: it
   * never is.
   */
  readonly neverBegan?: NeverBegan;
  /** This process, as others may recognize it. Default: its host name and pid, no start time. */
  readonly process?: OwnerProcess;
  /**
   * What is known of an owner's process on this machine. One that is `alive` keeps its jobs, however long it does not beat;
   * one that is `gone` is taken over from at once. Default: always `unknown`, so leases have to run out.
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
