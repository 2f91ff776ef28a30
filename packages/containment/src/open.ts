/**
 * Composition: probe this machine, choose the best implementation, and bind it to the real clock, the cgroup hierarchy
 * and the registry of runs. This is what a runtime calls once at its start, on its main thread.
 */
import path from "node:path";
import { AgentCoreError, type Clock, systemClock } from "@agentcore/contract";
import { findCgroupParent } from "./cgroup.ts";
import { createContainment } from "./containment.ts";
import type { Implementation } from "./implementations.ts";
import type { Containment, ImplementationName } from "./port.ts";
import { forgetProbe, probeKey, readProbe, writeProbe } from "./probe-cache.ts";
import { probeImplementations, type ContainmentProbe, type ImplementationReport } from "./probe.ts";
import { openRegistry } from "./registry.ts";
import { lookAtRegistry, sweepRegistry, type SweepReport, type SweptRun } from "./sweep.ts";

export interface OpenContainmentOptions {
  /**
   * Directory for the registry of runs and the cached probe, made if missing; shared by any number of processes.
   * Without it nothing is recorded: what a crash leaves of a best-effort run is then never swept, and each start probes.
   */
  readonly stateDir?: string;
  /** Exactly this one, or an error. Default: the first available of bubblewrap, unshare, process-group. */
  readonly implementation?: ImplementationName;
  /** Refuse with `AC_CONTAINMENT_UNAVAILABLE` what is not sealed. Default false. */
  readonly requireSealed?: boolean;
  /**
   * Directories that no run sees or reaches, as far as it does not name what stays visible: an empty, read-only directory
   * lies over each of them, and nothing above it can be renamed. Looked up again at each start; one that does not exist is
   * left out. Where {@link Containment.hides} is false they are as visible as everything else. Default: none.
   */
  readonly hidden?: readonly string[];
  /** Make a cgroup for each run where this process may. Default true. */
  readonly cgroups?: boolean;
  /** Default: the real one. */
  readonly clock?: Clock;
}

export interface OpenedContainment extends Containment {
  /** What was found out about this machine, for `doctor`. */
  readonly probe: ContainmentProbe;
  /** Kills what earlier processes left behind. Call it before taking work. Finds nothing without a `stateDir`. */
  sweep(): Promise<SweepReport>;
  /** See {@link lookAtLeftRuns}, for its own `stateDir`. */
  left(): readonly SweptRun[];
}

/** Throws `AC_CONTAINMENT_UNAVAILABLE` where what is demanded is not there, `AC_STORE_UNAVAILABLE` for the directory. */
export async function openContainment(options: OpenContainmentOptions = {}): Promise<OpenedContainment> {
  const clock = options.clock ?? systemClock;
  const cacheFile =
    options.stateDir === undefined ? null : path.join(options.stateDir, "containment-probe.json");
  const implementations = await probeOnce(cacheFile, clock, options);
  const implementation = choose(implementations, options);
  if (implementation === null) throw unavailable(implementations, options);
  const cgroup =
    options.cgroups === false
      ? ({ available: false, directory: null, reason: "not wanted" } as const)
      : findCgroupParent();
  const registryDir = options.stateDir === undefined ? null : registryIn(options.stateDir);
  const containment = createContainment({
    implementation,
    clock,
    cgroupParent: cgroup.available ? cgroup.directory : null,
    controllers: cgroup.available ? cgroup.controllers : [],
    registry: registryDir === null ? null : openRegistry(registryDir),
    hidden: options.hidden ?? [],
  });
  return {
    ...containment,
    probe: { implementations, cgroup },
    start: async (command) => {
      try {
        return await containment.start(command);
      } catch (error) {
        // A box that was possible and is not any more must not be believed in again.
        if (cacheFile !== null && (error as AgentCoreError).code === "AC_WORKER_SPAWN")
          forgetProbe(cacheFile);
        throw error;
      }
    },
    sweep: async () => (registryDir === null ? { runs: [] } : sweepRegistry(registryDir, clock)),
    left: () => (registryDir === null ? [] : lookAtRegistry(registryDir, clock)),
  };
}

/**
 * The runs of a `stateDir` that nobody works on any more and of which something is alive. Makes, kills and removes
 * nothing: for people who ask. Throws `AC_STORE_UNAVAILABLE` where the directory cannot be read.
 */
export function lookAtLeftRuns(stateDir: string): readonly SweptRun[] {
  return lookAtRegistry(registryIn(stateDir));
}

function registryIn(stateDir: string): string {
  return path.join(stateDir, "runs");
}

/** From the cache where that has what is wanted, else by a fresh probe. */
async function probeOnce(
  cacheFile: string | null,
  clock: Clock,
  options: OpenContainmentOptions,
): Promise<readonly ImplementationReport[]> {
  if (cacheFile === null) return probeImplementations(clock);
  const key = probeKey();
  const cached = readProbe(cacheFile, key);
  if (cached !== null && choose(cached, options) !== null) return cached;
  const implementations = await probeImplementations(clock);
  writeProbe(cacheFile, key, implementations);
  return implementations;
}

function isWanted(report: ImplementationReport, options: OpenContainmentOptions): boolean {
  return (
    (options.implementation === undefined || report.implementation === options.implementation) &&
    (options.requireSealed !== true || report.level === "sealed")
  );
}

function choose(
  reports: readonly ImplementationReport[],
  options: OpenContainmentOptions,
): Implementation | null {
  return reports.find((report) => isWanted(report, options) && report.way !== null)?.way ?? null;
}

function unavailable(
  reports: readonly ImplementationReport[],
  options: OpenContainmentOptions,
): AgentCoreError {
  const wanted = reports.filter((report) => isWanted(report, options));
  const reasons = wanted.map((report) => `${report.implementation}: ${report.reason}`);
  return new AgentCoreError(
    "AC_CONTAINMENT_UNAVAILABLE",
    `no ${options.requireSealed === true ? "sealed " : ""}containment is available here. ${reasons.join(". ")}`,
    { evidence: Object.fromEntries(wanted.map((report) => [report.implementation, report.reason])) },
  );
}
