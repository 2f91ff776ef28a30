/**
 * What one run may use of the machine, and who can hold it to that. A cgroup limits the whole run, where the controller is
 * handed down to it. What no cgroup limits is left to the limits that a process hands on to its children, set by the shell that
 * waits in the box: no program is started for it. What neither can do is said by {@link limitEnforcement}.
 */
import type { Implementation } from "./implementations.ts";

export interface RunLimits {
  /** Processes and threads of the run at once. */
  readonly processes?: number | undefined;
  /** Bytes of the whole run in a cgroup; elsewhere of the data of each process. */
  readonly memoryBytes?: number | undefined;
  /** Bytes of the largest file that it can write. */
  readonly fileBytes?: number | undefined;
}

export const runLimitNames = ["processes", "memory", "file_size"] as const;
export type RunLimitName = (typeof runLimitNames)[number];

/** The controllers of a cgroup that limit a run. */
export type CgroupController = "pids" | "memory";

export interface LimitEnforcement {
  readonly enforced: boolean;
  /** By what and for what, or why not. */
  readonly how: string;
}

export type LimitsEnforced = Readonly<Record<RunLimitName, LimitEnforcement>>;

/** Who holds runs to their limits on this machine. */
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
 * The kernel counts a user's processes in each user namespace alone, so in one of the run's own it counts the run. Elsewhere it
 * would count whatever else the user runs, and root it does not limit anywhere.
 */
function countsOwnProcesses(way: Implementation): boolean {
  return way.name !== "process-group" && way.userNamespace && !way.root;
}

function whyNotCounted(way: Implementation): string {
  return way.name !== "process-group" && way.root
    ? "no pids controller in the run's cgroup, and the kernel does not count root's processes"
    : "no pids controller in the run's cgroup, and no user namespace that counts the run alone";
}

/** Processes of the box itself that are counted with the run's, by its cgroup or in its user namespace. */
export function ownProcesses(way: Implementation, by: "cgroup" | "namespace"): number {
  if (way.name === "process-group") return 0;
  return way.name === "unshare" && by === "namespace" ? 2 : 1;
}

/**
 * Sets what `inCgroup` does not hold, as lines of a POSIX shell that only lower what is set already. No run leaves a memory
 * dump behind: one holds what the worker knew, and is as large as the worker.
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
    // The letter is another one in bash than in dash.
    lines.push(`${lower("u", counted)} || ${lower("p", counted)} || :`);
  }
  if (memoryBytes !== undefined && !inCgroup.has("memory"))
    lines.push(`${lower("d", units(memoryBytes, 1024))} || :`);
  if (fileBytes !== undefined) lines.push(`${lower("f", units(fileBytes, 512))} || :`);
  return lines.join("\n");
}

/** Alone the hard limit cannot go below the soft one, so that a soft one that is lower already stays. */
function lower(letter: string, value: number): string {
  return `ulimit -H${letter} ${value} 2>/dev/null || ulimit -${letter} ${value} 2>/dev/null`;
}

function units(bytes: number, size: number): number {
  return Math.max(1, Math.floor(bytes / size));
}
