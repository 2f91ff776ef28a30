/**
 * Probes this machine, chooses the best implementation, and binds it to the real clock, the cgroup hierarchy and the
 * registry of runs. A runtime calls this once at its start, on its main thread.
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
   * Directory for the registry of runs and the cached probe. It is created if missing, and any number of processes can
   * share it. Without it, nothing is recorded: leftovers of a crashed best-effort run are never swept, and each start
   * probes again.
   */
  readonly stateDir?: string;
  /** Use only this implementation, or fail. Default: the first available of bubblewrap, unshare, process-group. */
  readonly implementation?: ImplementationName;
  /** Fail with `AC_CONTAINMENT_UNAVAILABLE` if no implementation is sealed. Default false. */
  readonly requireSealed?: boolean;
  /**
   * Directories that are hidden from every run, except parts that the run names as visible. An empty, read-only directory
   * covers each of them, and no directory above can be renamed. They are resolved at each start; missing ones are ignored.
   * If {@link Containment.hides} is false, they stay visible. Default: none.
   */
  readonly hidden?: readonly string[];
  /** Make a cgroup for each run if this process may. Default true. */
  readonly cgroups?: boolean;
  /** Default: the real one. */
  readonly clock?: Clock;
}

export interface OpenedContainment extends Containment {
  /** The probe's findings, for `doctor`. */
  readonly probe: ContainmentProbe;
  /** Kills processes that earlier owners left behind. Call it before accepting work. Does nothing without a `stateDir`. */
  sweep(): Promise<SweepReport>;
  /** See {@link lookAtLeftRuns}; uses its own `stateDir`. */
  left(): readonly SweptRun[];
}

/**
 * Throws `AC_CONTAINMENT_UNAVAILABLE` if the required containment is missing, and `AC_STORE_UNAVAILABLE` if the directory
 * cannot be used.
 */
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
        // Do not trust the cache if a box can no longer be built.
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
 * Returns the runs of a `stateDir` without a living owner that still have processes. Changes nothing. Throws
 * `AC_STORE_UNAVAILABLE` if the directory cannot be read.
 */
export function lookAtLeftRuns(stateDir: string): readonly SweptRun[] {
  return lookAtRegistry(registryIn(stateDir));
}

function registryIn(stateDir: string): string {
  return path.join(stateDir, "runs");
}

/** From the cache if it has the required implementation, else from a new probe. */
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
