/**
 * Starts a scheduler on a composition: it sets who this process is, how the death of others is detected, and how their
 * leftovers are proved gone.
 */
import type { OpenedContainment } from "@agentcore/containment";
import { settledWithin, systemClock, systemIds, systemRandom, type Log } from "@agentcore/contract";
import { processOwner, processState } from "@agentcore/core";
import {
  createScheduler,
  type Hosting,
  openSpoolDirectory,
  type ProveGone,
  type Scheduler,
  type SchedulerPolicies,
} from "@agentcore/scheduler";
import { runLabel } from "@agentcore/worker-kit";
import { hostname } from "node:os";
import type { Composition } from "../compose.ts";
import { sharedPlaceOf } from "../state/state-dir.ts";
import { packageVersion } from "../version.ts";

export interface StartSchedulerOptions {
  readonly log: Log;
  /** Most attempts in flight; the runtime's limits apply in addition. */
  readonly concurrency: number;
  /** Time after which ended jobs and workflow runs are deleted. */
  readonly keepEndedMs: number;
  /** `own`: only the jobs that this process submits. */
  readonly claims: "any" | "own";
  /** What it offers as a host. Default: it is none. */
  readonly host?: { readonly name: string | undefined; readonly workers: readonly string[] };
  /** Default: the scheduler's policies. */
  readonly policy?: Partial<SchedulerPolicies>;
}

export async function startScheduler(
  composition: Composition,
  { log, concurrency, keepEndedMs, claims, host, policy = {} }: StartSchedulerOptions,
): Promise<Scheduler> {
  const { runtime, store, spendingOfLost, neverBegan, settleHolds, lack, containment, stores, state } =
    composition;
  return createScheduler({
    store,
    runtime,
    concurrency,
    keepEndedMs,
    journal: stores.journal,
    claims,
    // A job of its own is for no other process.
    ...(claims === "any" && { lack }),
    policy,
    spool: openSpoolDirectory(state.spool, log),
    proveGone: proveGoneBySweep(containment),
    spendingOfLost,
    neverBegan,
    settleHolds,
    process: {
      host: hostname(),
      ...processOwner(),
      ...sharedPlaceOf(state),
      ...(host !== undefined && { hosting: hostingOf(host, concurrency, lack) }),
    },
    // The scheduler has compared the machine: a pid of another machine is never looked up here.
    processState,
    clock: systemClock,
    random: systemRandom,
    ids: systemIds,
    log,
  });
}

function hostingOf(
  { name = hostname(), workers }: NonNullable<StartSchedulerOptions["host"]>,
  capacity: number,
  lack: Composition["lack"],
): Hosting {
  const here = workers.filter((worker) => lack(worker) === null);
  return { name, workers: here, capacity, version: packageVersion(), isDraining: false };
}

/** Longest wait for a store that does not accept the last ends. The next process on the state directory accounts for them. */
const closeMsMax = 10_000;

/** Ends the scheduler and its runs, as far as the store allows it, in bounded time. */
export async function closeScheduler(scheduler: Scheduler): Promise<void> {
  await settledWithin(systemClock, scheduler.close(), closeMsMax);
}

/**
 * An attempt is gone if the registry of runs has no process of it: neither the worker nor a step beside it. The runtime of a dead
 * scheduler may live on for a while and still be ending the attempt; its runs are then found by the attempt's label, even if
 * their start could not be recorded. A run that cannot be checked at all prevents the proof for an attempt whose start is
 * unknown.
 */
export function proveGoneBySweep(containment: OpenedContainment): ProveGone {
  return async ({ jobId, attempt, identity }) => {
    const { runs } = await containment.sweep();
    const label = runLabel(jobId, attempt);
    const there = runs.filter(({ verdict }) => !["gone", "emptied", "unreadable"].includes(verdict));
    if (there.some((run) => run.label === label || run.marker === identity?.marker)) return false;
    return identity !== null || there.every(({ verdict }) => verdict === "owned");
  };
}
