/** A scheduler on a composition: who this process is, how another's death is seen, how its leavings are proved gone. */
import type { OpenedContainment } from "@agentcore/containment";
import type { Log } from "@agentcore/contract";
import { ownerIsDead, processOwner, systemClock, systemIds, systemRandom } from "@agentcore/core";
import {
  createScheduler,
  openSpoolDirectory,
  type ProveGone,
  type Scheduler,
  type SchedulerPolicies,
} from "@agentcore/scheduler";
import { hostname } from "node:os";
import type { Composition } from "./compose.ts";

export interface StartSchedulerOptions {
  readonly log: Log;
  /** Most attempts in flight; the runtime's limits hold besides. */
  readonly concurrency: number;
  /** `own`: only the jobs that this process submits. */
  readonly claims: "any" | "own";
  /** Default: the scheduler's own. */
  readonly policy?: Partial<SchedulerPolicies>;
}

export async function startScheduler(
  { runtime, store, containment, state }: Composition,
  { log, concurrency, claims, policy = {} }: StartSchedulerOptions,
): Promise<Scheduler> {
  return createScheduler({
    store,
    runtime,
    concurrency,
    claims,
    policy,
    spool: openSpoolDirectory(state.spool, log),
    proveGone: proveGoneBySweep(containment),
    process: { host: hostname(), ...processOwner() },
    // The host was compared by the scheduler; a pid of another machine is never looked up here.
    isProcessGone: (owner) => ownerIsDead(owner),
    clock: systemClock,
    random: systemRandom,
    ids: systemIds,
    log,
  });
}

/**
 * An attempt is gone when the registry of runs has nothing of it left. One whose start nobody noted cannot be told apart,
 * so it counts as gone only when nothing at all was left behind.
 */
export function proveGoneBySweep(containment: OpenedContainment): ProveGone {
  return async ({ identity }) => {
    const { runs } = await containment.sweep();
    const left = runs.filter(
      ({ verdict }) => verdict === "left" || verdict === "foreign" || verdict === "unreadable",
    );
    if (identity === null) return left.length === 0;
    const own = runs.find(({ marker }) => marker === identity.marker);
    return own === undefined || own.verdict === "gone" || own.verdict === "emptied";
  };
}
