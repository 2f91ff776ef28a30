/** Runs a command so that no process of it can stay behind: probe, start, stop, and proof of emptiness. */
export { createLeaseGuard } from "./lease-guard.ts";
export { createLaunchLine, type LaunchLine } from "./launch-line.ts";
export {
  lookAtLeftRuns,
  openContainment,
  type OpenContainmentOptions,
  type OpenedContainment,
} from "./open.ts";
export * from "./port.ts";
export { probeContainment, type ContainmentProbe, type ImplementationReport } from "./probe.ts";
export type { CgroupParent } from "./cgroup.ts";
export {
  limitEnforcement,
  runLimitNames,
  type LimitEnforcement,
  type LimitsEnforced,
  type RunLimitName,
  type RunLimits,
} from "./run-limits.ts";
export { sweepRegistry, type SweepReport, type SweepVerdict, type SweptRun } from "./sweep.ts";
