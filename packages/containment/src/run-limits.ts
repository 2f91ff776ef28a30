/**
 * Limits what one run may use of the machine. A cgroup limits the whole run if the controller is delegated to it. Other
 * limits are set as resource limits, which children inherit, by the shell that waits in the box, so no extra program is
 * started. {@link limitEnforcement} reports limits that neither can enforce.
 */
import type { Implementation } from "./implementations.ts";

export interface RunLimits {
  /** Processes and threads of the run at once. */
  readonly processes?: number | undefined;
  /** Bytes of the whole run in a cgroup; otherwise bytes of the data of each process. */
  readonly memoryBytes?: number | undefined;
  /** Size in bytes of the largest file that the run can write. */
  readonly fileBytes?: number | undefined;
}

export const runLimitNames = ["processes", "memory", "file_size"] as const;
export type RunLimitName = (typeof runLimitNames)[number];

/** The controllers of a cgroup that limit a run. */
export type CgroupController = "pids" | "memory";

export interface LimitEnforcement {
  readonly enforced: boolean;
  /** What enforces it and for what, or why nothing does. */
  readonly how: string;
}

export type LimitsEnforced = Readonly<Record<RunLimitName, LimitEnforcement>>;

/** Returns what enforces limits of runs on this machine. */
export function limitEnforcement(
  implementation: Implementation,
  controllers: readonly CgroupController[],
): LimitsEnforced {
  const isLinux = process.platform === "linux";
  const byCgroup = { enforced: true, how: "by the run's cgroup" };
  return {
    processes: controllers.includes("pids")
      ? byCgroup
      : countsOwnProcesses(implementation)
        ? { enforced: true, how: "by RLIMIT_NPROC in the run's user namespace" }
        : { enforced: false, how: whyNotCounted(implementation) },
    memory: controllers.includes("memory")
      ? byCgroup
      : isLinux
        ? { enforced: true, how: "by RLIMIT_DATA, for each process alone" }
        : { enforced: false, how: "only Linux limits it" },
    file_size: { enforced: true, how: "by RLIMIT_FSIZE, for each file alone" },
  };
}

/**
 * The kernel counts a user's processes separately in each user namespace, so in the run's own namespace it counts only the
 * run. Elsewhere it would count all other processes of the user, and it never limits root.
 */
function countsOwnProcesses(way: Implementation): boolean {
  return way.name !== "process-group" && way.userNamespace && !way.root;
}

function whyNotCounted(way: Implementation): string {
  return way.name !== "process-group" && way.root
    ? "no pids controller in the run's cgroup, and the kernel does not count root's processes"
    : "no pids controller in the run's cgroup, and no user namespace that counts the run alone";
}

/** Processes of the box that count together with the run's, in its cgroup or user namespace. */
export function ownProcesses(way: Implementation, by: "cgroup" | "namespace"): number {
  if (way.name === "process-group") return 0;
  return way.name === "unshare" && by === "namespace" ? 2 : 1;
}

/**
 * Sets the limits that are not in `inCgroup`, as lines of a POSIX shell that can only lower existing limits. No run writes
 * a core dump, because it would contain the worker's memory and be as large.
 */
export function limitScript(
  way: Implementation,
  limits: RunLimits,
  inCgroup: ReadonlySet<RunLimitName>,
): string {
  const lines = ["ulimit -c 0"];
  const { processes, memoryBytes, fileBytes } = limits;
  if (processes !== undefined && !inCgroup.has("processes") && countsOwnProcesses(way)) {
    const counted = processes + ownProcesses(way, "namespace");
    // bash and dash use different letters.
    lines.push(`${lower("u", counted)} || ${lower("p", counted)} || :`);
  }
  if (memoryBytes !== undefined && !inCgroup.has("memory"))
    lines.push(`${lower("d", units(memoryBytes, 1024))} || :`);
  if (fileBytes !== undefined) lines.push(`${lower("f", units(fileBytes, 512))} || :`);
  return lines.join("\n");
}

/** The hard limit cannot be set below the soft one separately, so a lower soft limit stays. */
function lower(letter: string, value: number): string {
  return `ulimit -H${letter} ${value} 2>/dev/null || ulimit -${letter} ${value} 2>/dev/null`;
}

function units(bytes: number, size: number): number {
  return Math.max(1, Math.floor(bytes / size));
}
