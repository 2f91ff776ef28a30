/** Lists, relates and signals processes by what `/proc` says. The facts about one process are read in the contract. */
import { readdirSync, readFileSync } from "node:fs";
import {
  errorCode,
  isAlive,
  isDead,
  nullIfGone,
  readProcess,
  type ProcessFact,
  type ProcessRef,
} from "@agentcore/contract";

export type SignalOutcome = "sent" | "gone" | "refused";

/** Signals exactly this process, or the process group that it leads; never another process that reuses its pid. */
export function signalProcess(
  ref: ProcessRef,
  signal: NodeJS.Signals,
  to: "process" | "group" = "process",
): SignalOutcome {
  if (!isAlive(ref)) return "gone";
  try {
    process.kill(to === "group" ? -ref.pid : ref.pid, signal);
    return "sent";
  } catch (error) {
    const code = errorCode(error);
    if (code === "ESRCH") return "gone";
    if (code === "EPERM") return "refused";
    throw error;
  }
}

/** All pids visible in `/proc`; empty on a system without one. */
export function listPids(): number[] {
  const entries = nullIfGone(() => readdirSync("/proc")) ?? [];
  return entries.filter((entry) => /^[1-9]\d*$/.test(entry)).map(Number);
}

/** The same, newest first. The kernel assigns pids in a circle and reports its position. */
export function listNewestPids(): number[] {
  const newest = Number(nullIfGone(() => readFileSync("/proc/loadavg", "latin1"))?.split(" ")[4] ?? 0);
  const [young, old] = [[], []] as [number[], number[]];
  // Node sorts the names of a directory as texts, where 999 comes after 1000.
  for (const pid of listPids().toSorted((a, b) => b - a)) (pid <= newest ? young : old).push(pid);
  return [...young, ...old];
}

/** Every running process. The list is not an exact snapshot of one moment. */
function listProcesses(): ProcessFact[] {
  return listPids()
    .map(readProcess)
    .filter((fact) => fact !== null && !isDead(fact)) as ProcessFact[];
}

/** Children of all threads of a process. Falls back to a scan on kernels built without `children` files. */
export function childrenOf(pid: number): number[] {
  const threads = nullIfGone(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  const children: number[] = [];
  for (const thread of threads) {
    const text = nullIfGone(() => readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1"));
    if (text === null) continue;
    for (const word of text.split(" ")) if (word !== "") children.push(Number(word));
  }
  return children.length > 0 || hasChildrenFiles() ? children : scanForChildren(pid);
}

let childrenFiles: boolean | undefined;
function hasChildrenFiles(): boolean {
  childrenFiles ??= nullIfGone(() => readFileSync(`/proc/self/task/${process.pid}/children`)) !== null;
  return childrenFiles;
}

function scanForChildren(parent: number): number[] {
  return listProcesses()
    .filter((fact) => fact.ppid === parent)
    .map((fact) => fact.pid);
}

/** All processes below `root`, without it. */
export function descendantsOf(root: number): ProcessFact[] {
  const found: ProcessFact[] = [];
  const seen = new Set<number>([root]);
  const pending = [root];
  for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
    for (const child of childrenOf(parent)) {
      if (seen.has(child)) continue;
      seen.add(child);
      pending.push(child);
      const fact = readProcess(child);
      if (fact !== null && !isDead(fact)) found.push(fact);
    }
  }
  return found;
}

/** Pid of the process inside its own PID namespace; null if gone. */
export function innermostPid(pid: number): number | null {
  const status = nullIfGone(() => readFileSync(`/proc/${pid}/status`, "latin1"));
  const match = status === null ? null : /^NSpid:.*?(\d+)$/m.exec(status);
  return match === null ? null : Number(match[1]);
}

/** Effective uid of the process; null if gone. */
export function uidOf(pid: number): number | null {
  const status = nullIfGone(() => readFileSync(`/proc/${pid}/status`, "latin1"));
  const match = status === null ? null : /^Uid:\s+\d+\s+(\d+)/m.exec(status);
  return match === null ? null : Number(match[1]);
}

/** Whether the process was started with this variable. False if this user may not read its environment. */
export function hasEnvironmentEntry(pid: number, entry: string): boolean {
  const text = nullIfGone(() => readFileSync(`/proc/${pid}/environ`, "utf8"));
  return text !== null && text.split("\0").includes(entry);
}
