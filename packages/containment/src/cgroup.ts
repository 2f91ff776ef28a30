/**
 * One cgroup (version 2) per run, where this process may create one: it counts the run's processes, proves that none is
 * left, and kills what the PID namespace did not. Nothing is assumed about where the hierarchy is mounted, and no controller
 * is needed: one limits the run where it is handed down to us. A run's cgroup lies below the one of this process, so a limit
 * on this process limits our workers too.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { ignore } from "@agentcore/contract";
import { unescapeMount } from "./mountinfo.ts";
import type { CgroupController, RunLimitName, RunLimits } from "./run-limits.ts";

export type CgroupParent =
  | {
      readonly available: true;
      readonly directory: string;
      /** What can limit a run whose cgroup is made here. */
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

/** The directory of a cgroup path as seen through a mount; null if the path lies outside of what is mounted. */
export function cgroupDirectory(mount: { root: string; mountPoint: string }, own: string): string | null {
  const relative = path.posix.relative(mount.root, own);
  return relative.startsWith("..") ? null : path.posix.join(mount.mountPoint, relative);
}

/** Finds where runs' cgroups can be made, and tries it by making one. */
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

/** Those of a cgroup that were handed down to it, which its files show. */
export function controllersOf(directory: string): CgroupController[] {
  return (["pids", "memory"] as const).filter((name) => existsSync(path.join(directory, `${name}.max`)));
}

/** The cgroup of one run. */
export class RunCgroup {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Where the cgroup of a run lies, made or not. */
  static directoryOf(parent: string, marker: string): string {
    return path.join(parent, `agentcore-${marker}`);
  }

  /** Makes the cgroup of a new run; null where that is refused, which costs the proof and not the run. */
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
   * Sets what its controllers can limit, before anything is in it; answers what they hold from now on. `ownProcesses`: of
   * the box, counted with the run's.
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

  /** The limits that the run came up against, by the word of the kernel. */
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

  /** Moves one process into it; what that process starts later is in it too. False where that is refused. */
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
   * Makes the next {@link add} quick: the kernel lets the first move of a process wait for a grace period (about 10 ms), and
   * those soon after it not. So a process is "moved" to where it is, while there is something else to wait for anyway.
   */
  async prepareToAdd(pid: number): Promise<void> {
    try {
      await writeFile(path.join(path.dirname(this.directory), "cgroup.procs"), String(pid));
    } catch (error) {
      ignore(error, "the move itself waits then, or is refused too");
    }
  }

  /** Pids in it and below it, in the numbers of this process. */
  pids(): number[] {
    return this.#directories().flatMap((directory) =>
      (readOrNull(path.join(directory, "cgroup.procs")) ?? "")
        .split("\n")
        .filter((line) => line !== "" && line !== "0")
        .map(Number),
    );
  }

  /** Whether any process, zombies aside, is in it or below it. */
  isPopulated(): boolean {
    return /^populated 1$/m.test(readOrNull(path.join(this.directory, "cgroup.events")) ?? "");
  }

  /** Kills everything in it and below it, also what is being forked meanwhile. False where that is refused. */
  kill(): boolean {
    try {
      writeFileSync(path.join(this.directory, "cgroup.kill"), "1");
      return true;
    } catch (error) {
      ignore(error, "the caller goes on with what else it has and reports what is left");
      return false;
    }
  }

  /** Removes it with all below; false while something is in it. */
  remove(): boolean {
    try {
      for (const directory of this.#directories().reverse()) rmdirSync(directory);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
      ignore(error, "EBUSY while a zombie is still in it; tried again by the caller or by the next sweep");
      return false;
    }
  }

  /** Itself first, then everything below, parents before children. */
  #directories(): string[] {
    const found = [this.directory];
    for (const directory of found) {
      for (const entry of listDirectories(directory)) found.push(path.join(directory, entry));
    }
    return found;
  }
}

/** What a cgroup says that has been removed, or that a payload has turned into one of threads: nothing to be read. */
const nothingThere = new Set(["ENOENT", "ENODEV", "EOPNOTSUPP"]);

/** Null if there is nothing to be read; anything else must not be taken for "nobody is in it". */
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
