/**
 * Makes one cgroup (version 2) per run, if this process may create cgroups. It counts the run's processes, proves that none
 * is left, and kills processes that outlive the PID namespace. The hierarchy may be mounted anywhere, and no controller is
 * needed; a controller that is delegated to this process also limits the run. A run's cgroup is below the cgroup of this
 * process, so a limit on this process also limits its workers.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { ignore, isMissing } from "@agentcore/contract";
import { unescapeMount } from "./mountinfo.ts";
import type { CgroupController, RunLimitName, RunLimits } from "./run-limits.ts";

export type CgroupParent =
  | {
      readonly available: true;
      readonly directory: string;
      /** Controllers that can limit a run whose cgroup is made here. */
      readonly controllers: readonly CgroupController[];
    }
  | { readonly available: false; readonly directory: string | null; readonly reason: string };

/** Mount point and mount root of the first cgroup2 file system in the text of `/proc/self/mountinfo`. */
export function parseCgroupMount(mountinfo: string): { root: string; mountPoint: string } | null {
  for (const line of mountinfo.split("\n")) {
    const [before, after] = line.split(" - ");
    if (before === undefined || after === undefined || !after.startsWith("cgroup2 ")) continue;
    const fields = before.split(" ");
    const [root, mountPoint] = [fields[3], fields[4]];
    if (root !== undefined && mountPoint !== undefined) {
      return { root: unescapeMount(root), mountPoint: unescapeMount(mountPoint) };
    }
  }
  return null;
}

/** Path of this process in the version 2 hierarchy, from the text of `/proc/self/cgroup`. */
export function parseOwnCgroup(text: string): string | null {
  return /^0::(\/.*)$/m.exec(text)?.[1] ?? null;
}

/** The directory of a cgroup path below a mount; null if the path is outside the mount. */
export function cgroupDirectory(mount: { root: string; mountPoint: string }, own: string): string | null {
  const relative = path.posix.relative(mount.root, own);
  return relative.startsWith("..") ? null : path.posix.join(mount.mountPoint, relative);
}

/** Finds where cgroups for runs can be made, and tests it by making one. */
export function findCgroupParent(): CgroupParent {
  let directory: string | null = null;
  try {
    const mount = parseCgroupMount(readFileSync("/proc/self/mountinfo", "utf8"));
    if (mount === null) return { available: false, directory, reason: "no cgroup version 2 is mounted" };
    const own = parseOwnCgroup(readFileSync("/proc/self/cgroup", "utf8"));
    directory = own === null ? null : cgroupDirectory(mount, own);
    if (directory === null) {
      return { available: false, directory, reason: "the cgroup of this process is not visible from here" };
    }
    const trial = path.join(directory, `agentcore-trial-${process.pid}-${process.hrtime.bigint()}`);
    mkdirSync(trial);
    const canKill = existsSync(path.join(trial, "cgroup.kill"));
    const controllers = controllersOf(trial);
    rmdirSync(trial);
    if (!canKill)
      return { available: false, directory, reason: "the kernel has no cgroup.kill (before 5.14)" };
    return { available: true, directory, controllers };
  } catch (error) {
    return { available: false, directory, reason: (error as Error).message };
  }
}

/** The controllers that are delegated to a cgroup, according to its files. */
export function controllersOf(directory: string): CgroupController[] {
  return (["pids", "memory"] as const).filter((name) => existsSync(path.join(directory, `${name}.max`)));
}

/** The cgroup of one run. */
export class RunCgroup {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** The directory of a run's cgroup, whether it exists or not. */
  static directoryOf(parent: string, marker: string): string {
    return path.join(parent, `agentcore-${marker}`);
  }

  /** Makes the cgroup of a new run; null if that is refused. The run then lacks this proof but still works. */
  static create(parent: string, marker: string): RunCgroup | null {
    const directory = RunCgroup.directoryOf(parent, marker);
    try {
      mkdirSync(directory);
      return new RunCgroup(directory);
    } catch (error) {
      ignore(error, "without a cgroup the run is proved empty by its PID namespace or by a scan");
      return null;
    }
  }

  /** The cgroup that an earlier process made; null if it does not exist. */
  static open(directory: string): RunCgroup | null {
    return existsSync(path.join(directory, "cgroup.procs")) ? new RunCgroup(directory) : null;
  }

  /**
   * Sets the limits that its controllers support, before the cgroup has processes. Returns the limits that are now
   * enforced. `ownProcesses`: processes of the box, which are counted with the run's.
   */
  limit({ processes, memoryBytes }: RunLimits, ownProcesses: number): Set<RunLimitName> {
    const held = new Set<RunLimitName>();
    if (processes !== undefined && this.#set("pids.max", processes + ownProcesses)) held.add("processes");
    if (memoryBytes !== undefined && this.#set("memory.max", memoryBytes)) {
      held.add("memory");
      // Swapped out is not saved; and half a run that goes on without its other half is no use to anybody.
      this.#set("memory.swap.max", 0);
      this.#set("memory.oom.group", 1);
    }
    return held;
  }

  /** The limits that the run reached, according to the kernel. */
  limitsReached(): RunLimitName[] {
    const counted = (file: string, event: string): boolean =>
      new RegExp(`^${event} [1-9]`, "m").test(readOrNull(path.join(this.directory, file)) ?? "");
    return [
      ...(counted("pids.events", "max") ? (["processes"] as const) : []),
      ...(counted("memory.events", "oom_kill") ? (["memory"] as const) : []),
    ];
  }

  #set(file: string, value: number): boolean {
    try {
      writeFileSync(path.join(this.directory, file), String(value), { flag: "r+" });
      return true;
    } catch (error) {
      ignore(
        error,
        "the controller is not here; the caller limits the run in another way, or says that it is not",
      );
      return false;
    }
  }

  /** Moves one process into the cgroup; its later children are in it too. Returns false if that is refused. */
  add(pid: number): boolean {
    try {
      writeFileSync(path.join(this.directory, "cgroup.procs"), String(pid));
      return true;
    } catch (error) {
      ignore(error, "without a cgroup the run is proved empty by its PID namespace or by a scan");
      return false;
    }
  }

  /**
   * Makes the next {@link add} fast. The kernel delays the first move of a process by a grace period (about 10 ms), but not
   * the moves soon after it. So a process is "moved" to its present cgroup during a wait that is needed anyway.
   */
  async prepareToAdd(pid: number): Promise<void> {
    try {
      await writeFile(path.join(path.dirname(this.directory), "cgroup.procs"), String(pid));
    } catch (error) {
      ignore(error, "the move itself waits then, or is refused too");
    }
  }

  /** Pids in the cgroup and below it, as this process numbers them. */
  pids(): number[] {
    return this.#directories().flatMap((directory) =>
      (readOrNull(path.join(directory, "cgroup.procs")) ?? "")
        .split("\n")
        .filter((line) => line !== "" && line !== "0")
        .map(Number),
    );
  }

  /** Whether any process except zombies is in the cgroup or below it. */
  isPopulated(): boolean {
    return /^populated 1$/m.test(readOrNull(path.join(this.directory, "cgroup.events")) ?? "");
  }

  /**
   * Kills every process in the cgroup and below it, including processes that are being forked. Returns false if that is
   * refused.
   */
  kill(): boolean {
    try {
      writeFileSync(path.join(this.directory, "cgroup.kill"), "1");
      return true;
    } catch (error) {
      ignore(error, "the caller goes on with what else it has and reports what is left");
      return false;
    }
  }

  /** Removes the cgroup and everything below it; returns false while a process is in it. */
  remove(): boolean {
    try {
      for (const directory of this.#directories().reverse()) rmdirSync(directory);
      return true;
    } catch (error) {
      if (isMissing(error)) return true;
      ignore(error, "EBUSY while a zombie is still in it; tried again by the caller or by the next sweep");
      return false;
    }
  }

  /** The cgroup itself first, then everything below it, parents before children. */
  #directories(): string[] {
    const found = [this.directory];
    for (const directory of found) {
      for (const entry of listDirectories(directory)) found.push(path.join(directory, entry));
    }
    return found;
  }
}

/** Errors of a cgroup that was removed, or that a payload has made a threaded one: there is nothing to read. */
const nothingThere = new Set(["ENOENT", "ENODEV", "EOPNOTSUPP"]);

/** Null if there is nothing to read. Other errors must not count as "empty". */
function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, "latin1");
  } catch (error) {
    if (nothingThere.has((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}

function listDirectories(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (nothingThere.has((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
