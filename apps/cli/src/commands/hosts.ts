/**
 * `agentcore hosts list|drain|resume`: the processes that work on the queue of a store. A drain lasts until it is lifted or the host's
 * process ends.
 */
import { AgentCoreError, sleep, systemClock } from "@agentcore/contract";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { findHosts, lookAtHosts, type HostLine } from "../queue/hosts.ts";
import { withStores, type StateOptions } from "../queue/open-queue.ts";
import { span, type Span } from "../screen/line.ts";
import { table } from "../screen/table.ts";
import { plainScreen } from "../screen/terminal.ts";
import type { JobStore } from "@agentcore/scheduler";

interface DrainOptions extends StateOptions {
  /** Return once nothing runs there. */
  readonly wait?: boolean;
}

/** Between two looks at what still runs. */
const lookAgainMs = 250;

export async function listHosts(options: StateOptions, io: Io): Promise<number> {
  const hosts = await withStores(options, io, ({ jobs }) => lookAtHosts(jobs), "reads");
  if (options.json === true) for (const host of hosts) io.stdout.json({ type: "host", ...host });
  else if (hosts.length === 0)
    plainScreen(io.stdout).print([[span("No hosts: nothing works on the queue.", "dim")]]);
  else plainScreen(io.stdout).print(table(columns, hosts.map(cellsOf)));
  return exitCodes.succeeded;
}

export async function drainHost(name: string, options: DrainOptions, io: Io): Promise<number> {
  return setDraining(name, true, options, io);
}

export async function resumeHost(name: string, options: StateOptions, io: Io): Promise<number> {
  return setDraining(name, false, options, io);
}

async function setDraining(name: string, draining: boolean, options: DrainOptions, io: Io): Promise<number> {
  const running = await withStores(
    options,
    io,
    async ({ jobs }) => {
      const owners = (await findHosts(jobs)).filter(({ hosting }) => hosting.name === name);
      for (const { owner } of owners) await jobs.setDraining(owner, draining);
      if (owners.length === 0) throw new AgentCoreError("AC_HOST_NOT_FOUND", `no host has the name ${name}`);
      return options.wait === true ? untilNothingRuns(jobs, name) : runningOn(jobs, name);
    },
    "writes",
  );
  if (options.json === true) io.stdout.json({ type: "host_drain", name, draining, running });
  else if (draining) io.stdout.write(`${name}  draining, ${running} running\n`);
  else io.stdout.write(`${name}  takes jobs again\n`);
  return exitCodes.succeeded;
}

/** A host may start again as a new owner meanwhile. */
async function runningOn(jobs: JobStore, name: string): Promise<number> {
  let running = 0;
  for (const { owner, hosting } of await findHosts(jobs))
    if (hosting.name === name) running += (await jobs.runningOf(owner)).length;
  return running;
}

async function untilNothingRuns(jobs: JobStore, name: string): Promise<number> {
  for (;;) {
    const running = await runningOn(jobs, name);
    if (running === 0) return 0;
    await sleep(systemClock, lookAgainMs);
  }
}

const columns = [
  { title: "name", isWhole: true },
  { title: "state" },
  { title: "running", align: "right" as const },
  { title: "machine", mayGo: true },
  { title: "version", mayGo: true },
  { title: "workers" },
];

const styles = { up: undefined, draining: undefined, silent: "warn", gone: "warn" } as const;

function cellsOf({ name, state, running, capacity, machine, version, workers }: HostLine): Span[] {
  const of = `${running}/${capacity}`;
  return [
    span(name),
    span(state, styles[state]),
    span(of),
    span(machine),
    span(version),
    span(workers.join(" ")),
  ];
}
