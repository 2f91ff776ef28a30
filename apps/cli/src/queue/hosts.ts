/** What is known of the hosts of a store: who is registered, what runs there, and whether its beat rises. */
import { sleep, systemClock } from "@agentcore/contract";
import { processOwner, processState } from "@agentcore/core";
import type { Hosting, JobStore, OwnerProcess, OwnerRecord } from "@agentcore/scheduler";

export interface HostOwner extends OwnerRecord {
  readonly process: OwnerProcess;
  readonly hosting: Hosting;
}

export interface HostLine {
  readonly name: string;
  /**
   * `silent`: it has not renewed its lease for half of it, and stops what it runs. `gone`: its process has ended, and another host
   * takes over its jobs.
   */
  readonly state: "up" | "draining" | "silent" | "gone";
  /** Attempts in flight. */
  readonly running: number;
  readonly capacity: number;
  readonly workers: readonly string[];
  readonly version: string;
  /** Name of the machine. */
  readonly machine: string;
  readonly pid: number;
  readonly startedAt: number;
}

const lookAgainMs = 100;

/** Owners that work on everybody's queue. */
export async function findHosts(store: JobStore): Promise<readonly HostOwner[]> {
  return (await store.owners()).flatMap(({ process, ...rest }) =>
    process?.hosting === undefined ? [] : [{ ...rest, process, hosting: process.hosting }],
  );
}

/** Looks until each host has beaten, for at most half of its lease: a host that does not beat in that time stops its runs. */
export async function lookAtHosts(store: JobStore): Promise<readonly HostLine[]> {
  const hosts = await findHosts(store);
  const beating = await beatingOf(store, hosts);
  const lines: HostLine[] = [];
  for (const host of hosts) {
    const running = (await store.runningOf(host.owner)).length;
    lines.push(lineOf(host, beating.has(host.owner), running));
  }
  return lines.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function beatingOf(store: JobStore, hosts: readonly HostOwner[]): Promise<ReadonlySet<string>> {
  const first = new Map(hosts.map(({ owner, beat }) => [owner, beat]));
  const live = hosts.filter(({ process }) => !isGone(process));
  const beating = new Set<string>();
  const startMs = systemClock.monotonicMs();
  const isDue = ({ owner, leaseMs }: HostOwner): boolean =>
    !beating.has(owner) && systemClock.monotonicMs() - startMs < leaseMs / 2;
  while (live.some(isDue)) {
    await sleep(systemClock, lookAgainMs);
    for (const { owner, beat } of await store.owners())
      if (beat !== (first.get(owner) ?? beat)) beating.add(owner);
  }
  return beating;
}

function lineOf({ process, hosting, at }: HostOwner, isBeating: boolean, running: number): HostLine {
  const { name, capacity, workers, version, isDraining } = hosting;
  const { host: machine, pid } = process;
  const live = isDraining ? "draining" : "up";
  const state = isGone(process) ? "gone" : isBeating ? live : "silent";
  return { name, state, running, capacity, workers, version, machine, pid, startedAt: at };
}

/** Of another machine, only the beat tells. */
function isGone(process: OwnerProcess): boolean {
  const { bootId } = processOwner();
  return bootId !== null && process.bootId === bootId && processState(process) === "gone";
}
