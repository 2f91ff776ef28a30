/**
 * Which processes of other machines work on a shared store. Each has a scheduler that is registered there until it signs off, or
 * until another one takes over from it because it is silent. Their pids say nothing here.
 */
import { ignore, systemClock, type Clock, type Timer } from "@agentcore/contract";
import type { ProcessName } from "@agentcore/core";
import type { JobStore } from "@agentcore/scheduler";

/** For each open store, as last read. A process has one, or a few in tests. */
const registered = new Map<symbol, ReadonlySet<string>>();

const lookMs = 1000;

/** Whether a scheduler of the process is registered in a shared store that is open here. */
export function isRegisteredElsewhere(process: ProcessName): boolean {
  const name = nameOf(process);
  return [...registered.values()].some((names) => names.has(name));
}

/** Resolves once they were read; returns what ends the watching. Rejects with `AC_STORE_…`. */
export async function watchOwners(
  jobs: Pick<JobStore, "owners">,
  clock: Clock = systemClock,
): Promise<() => void> {
  const store = Symbol("store");
  let isOver = false;
  const look = async (): Promise<void> => {
    const owners = await jobs.owners();
    if (isOver) return;
    registered.set(
      store,
      new Set(owners.flatMap((owner) => (owner.process === null ? [] : [nameOf(owner.process)]))),
    );
  };
  const again = (): void => {
    look()
      .catch((error: unknown) => ignore(error, "what was read before counts until the store answers"))
      .finally(arm);
  };
  let timer: Timer | null = null;
  const arm = (): void => {
    if (!isOver) timer = clock.setTimer(lookMs, again);
  };
  await look();
  arm();
  return () => {
    isOver = true;
    timer?.cancel();
    registered.delete(store);
  };
}

const nameOf = ({ pid, startTicks, bootId, pidNamespace = null }: ProcessName): string =>
  [bootId, pidNamespace, pid, startTicks].join("/");
