/** What happens to a host of a fleet, drawn from the seed. */
import { setTimeout as pause } from "node:timers/promises";
import type { Draws } from "../draws.ts";
import { killHard, signal } from "../processes.ts";
import type { FleetHost } from "./fleet-host.ts";

/**
 * `power`: every process of the host is gone at once. `cut`: no packet comes from the database or gets there. `stopped`: the
 * process is stopped by SIGSTOP and continued later.
 */
export const faultKinds = [
  "power",
  "scheduler",
  "runtime",
  "worker",
  "cut",
  "stopped scheduler",
  "stopped runtime",
] as const;
export type FaultKind = (typeof faultKinds)[number];

const shares = [
  ...(["power", "power", "scheduler", "scheduler", "runtime", "runtime", "worker", "worker"] as const),
  ...(["cut", "cut", "stopped scheduler", "stopped runtime"] as const),
] as const;

/** How long a host is cut off, or a process stopped, in ms: up to six leases. */
const outageMs = [5_000, 60_000] as const;
/** Most that a host's clock is wrong by. */
const skewMsMax = 3_600_000;
/** More in one life of a scheduler would be the restart intensity's business, which has a test of its own. */
const runtimeFaultsMax = 3;

export class FaultyHost {
  readonly host: FleetHost;
  readonly #draws: Draws;
  #runtimeFaults = 0;

  constructor(host: FleetHost, draws: Draws) {
    this.host = host;
    this.#draws = draws;
  }

  /** With a clock of its own, which may be an hour ahead or behind. */
  async powerOn(): Promise<void> {
    this.#runtimeFaults = 0;
    await this.host.powerOn(this.#draws.whole(-skewMsMax, skewMsMax));
  }

  /** Resolves with its kind once it is over and the host works again. */
  async suffer(): Promise<FaultKind> {
    const draws = this.#draws;
    await pause(draws.whole(0, 4000));
    if (this.host.isSchedulerOver) this.#restart();
    const drawn = draws.pick(shares);
    const ofRuntime = drawn === "runtime" || drawn === "stopped runtime";
    const kind = ofRuntime && this.#runtimeFaults >= runtimeFaultsMax ? "scheduler" : drawn;
    await this.#apply(kind, draws.whole(...outageMs), draws.whole(0, 3000));
    return kind;
  }

  async #apply(kind: FaultKind, outage: number, downMs: number): Promise<void> {
    const { host } = this;
    switch (kind) {
      case "power":
        await host.powerOff();
        await pause(downMs * 5);
        return this.powerOn();
      case "scheduler":
        await host.killScheduler();
        await pause(downMs);
        return this.#restart();
      case "runtime":
        this.#runtimeFaults += 1;
        return host.runtimePids().forEach(killHard);
      case "worker":
        return host.workerPids().slice(0, 1).forEach(killHard);
      case "cut":
        host.link.cut();
        await pause(outage);
        return host.link.restore();
      case "stopped scheduler":
        if (host.schedulerPid !== null) signal(host.schedulerPid, "SIGSTOP");
        await pause(outage);
        return host.continueScheduler();
      case "stopped runtime": {
        this.#runtimeFaults += 1;
        const runtimes = host.runtimePids();
        for (const pid of runtimes) signal(pid, "SIGSTOP");
        await pause(outage);
        return runtimes.forEach((pid) => signal(pid, "SIGCONT"));
      }
    }
  }

  #restart(): void {
    this.#runtimeFaults = 0;
    this.host.startScheduler();
  }
}
