/** What the kernel says about processes: who was started by whom, and how much processor time they took. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ignore } from "@agentcore/contract";

/** Pids of the direct children. */
export function childrenOf(pid: number): number[] {
  return readProc(`${pid}/task/${pid}/children`)
    .split(" ")
    .filter((text) => text !== "")
    .map(Number);
}

/** Pids of the direct children whose command line holds the word as an argument. */
export function childrenWith(pid: number, word: string): number[] {
  return childrenOf(pid).filter((child) => readProc(`${child}/cmdline`).split("\0").includes(word));
}

/** Does nothing to a process that is gone. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Does nothing to a process that is gone. */
export function killHard(pid: number): void {
  signal(pid, "SIGKILL");
}

/** Kills a process and all that it started, as far as they can be seen, parents first. */
export function killTree(pid: number): void {
  const children = childrenOf(pid);
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    ignore(error, "gone meanwhile");
  }
  for (const child of children) killTree(child);
}

/** User and system time together, in ms; 0 for a process that is gone. */
export function processorMs(pid: number): number {
  const stat = readProc(`${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond()) * 1000;
}

let ticks: number | undefined;
function ticksPerSecond(): number {
  ticks ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  return ticks;
}

/** Resident memory, in MB; 0 for a process that is gone. */
export function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readProc(`${pid}/status`))?.[1] ?? 0) / 1024;
}

/** Open file descriptors; 0 for a process that is gone. */
export function descriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch (error) {
    ignore(error, "gone meanwhile");
    return 0;
  }
}

/** Control groups of these runs that still hold a process. They lie below the group of this process, as our children's do. */
export function populatedCgroups(runs: readonly string[]): string[] {
  const mounts = readProc("self/mountinfo").split("\n");
  const mount = mounts.find((line) => line.includes(" - cgroup2 "))?.split(" ")[4];
  const own = /^0::(.*)$/m.exec(readProc("self/cgroup"))?.[1];
  if (mount === undefined || own === undefined) return [];
  return runs
    .map((run) => join(mount, own, `agentcore-${run}`))
    .filter((directory) => /populated 1/.test(readFile(join(directory, "cgroup.events"))));
}

function readProc(path: string): string {
  return readFile(`/proc/${path}`);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    ignore(error, "gone meanwhile");
    return "";
  }
}
