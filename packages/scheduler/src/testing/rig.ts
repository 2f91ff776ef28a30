/** A scheduler on a memory store, a fake runtime and a virtual clock, for tests of this package. */
import type { Ids, JobSubmission, Log, Random } from "@agentcore/contract";
import type { JobStore } from "../job-store.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import type { SchedulerOptions } from "../scheduler-options.ts";
import { createScheduler, type Scheduler } from "../scheduler.ts";
import { createFakeRuntime, type FakeRuntime, type FakeRuntimeOptions } from "./fake-runtime.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

export interface Rig {
  readonly clock: VirtualClock;
  readonly store: JobStore;
  readonly runtime: FakeRuntime;
  readonly scheduler: Scheduler;
  readonly warnings: readonly string[];
  /** Another scheduler on the same store. */
  another(options?: Partial<SchedulerOptions>): Promise<Scheduler>;
}

export interface RigOptions
  extends Omit<Partial<SchedulerOptions>, "runtime">, Omit<FakeRuntimeOptions, "clock"> {}

/** Always the middle, so that a test can compute the jitter. */
export const middle: Random = { next: () => 0.5 };

export function countingIds(prefix: string): Ids {
  let count = 0;
  return {
    next: () => {
      count += 1;
      return `${prefix}-${String(count).padStart(6, "0")}`;
    },
  };
}

export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const { decide, execute, unstarted, ...rest } = options;
  const clock = createVirtualClock();
  const store = rest.store ?? createMemoryStore();
  const warnings: string[] = [];
  const note = (_fields: unknown, message: string): void => void warnings.push(message);
  const log: Log = { debug: () => {}, info: () => {}, warn: note, error: note };
  const runtime = createFakeRuntime({
    clock,
    decide,
    execute,
    unstarted,
  });
  const process = { host: "h", bootId: "b", pid: 1, startTicks: 1 };
  const base = { store, runtime, clock, random: middle, log, ids: countingIds("id"), process, ...rest };
  const scheduler = await createScheduler(base);
  return {
    clock,
    store,
    runtime,
    scheduler,
    warnings,
    another: (more = {}) => createScheduler({ ...base, ids: countingIds("other"), ...more }),
  };
}

let workspaces = 0;

/** A job that the fake runtime knows by its instructions; in a separate workspace unless one is named. */
export function simpleJob(overrides: Partial<JobSubmission> = {}): JobSubmission {
  workspaces += 1;
  return {
    task: { worker: "shell", workspace: `/projects/${workspaces}`, instructions: "true" },
    ...overrides,
  };
}
