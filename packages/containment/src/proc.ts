/**
 * Reads facts about processes from `/proc`. A process is always identified by pid *and* start time, because the kernel may
 * reuse a pid at any time. Zombies count as dead: they run no code and hold nothing. All reads are synchronous, which is
 * faster for these files than the thread pool.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Identifies one process uniquely until the next boot. */
export interface ProcessRef {
  readonly pid: number;
  /** Field 22 of `/proc/<pid>/stat`: start time in clock ticks since boot. */
  readonly startTicks: number;
}

export interface ProcessFact extends ProcessRef {
  readonly ppid: number;
  readonly session: number;
  /** One letter of `/proc/<pid>/stat`: `R`, `S`, `D`, `T`, `Z`, `X`, … */
  readonly state: string;
  readonly name: string;
}

export type SignalOutcome = "sent" | "gone" | "refused";

/** Errors that mean that the process does not exist, has ended, or is not readable by this user. */
const expectedErrors = new Set(["ENOENT", "ESRCH", "EACCES", "EPERM", "ENOTDIR", "EINVAL"]);

/** Runs a read that fails if the process ends meanwhile; returns null then. */
function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (expectedErrors.has((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}

/** Parses `/proc/<pid>/stat`. The name may contain spaces and parentheses, so fields are counted from the last `)`. */
export function parseStat(text: string): ProcessFact | null {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return null;
  const fields = text.slice(close + 2).split(" ");
  const fact = {
    pid: Number.parseInt(text, 10),
    name: text.slice(open + 1, close),
    state: fields[0] ?? "",
    ppid: Number(fields[1]),
    session: Number(fields[3]),
    startTicks: Number(fields[19]),
  };
  return Number.isInteger(fact.pid) && Number.isInteger(fact.startTicks) ? fact : null;
}

/** The process as it is now; null if there is none. */
export function readProcess(pid: number): ProcessFact | null {
  const text = orNull(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  return text === null ? null : parseStat(text);
}

export function isDead(fact: ProcessFact): boolean {
  return fact.state === "Z" || fact.state === "X";
}

/** Whether exactly this process still runs. */
export function isAlive(ref: ProcessRef): boolean {
  const fact = readProcess(ref.pid);
  return fact !== null && fact.startTicks === ref.startTicks && !isDead(fact);
}

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
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ESRCH") return "gone";
    if (code === "EPERM") return "refused";
    throw error;
  }
}

/** All pids visible in `/proc`; empty on a system without one. */
export function listPids(): number[] {
  const entries = orNull(() => readdirSync("/proc")) ?? [];
  return entries.filter((entry) => /^[1-9]\d*$/.test(entry)).map(Number);
}

/** The same, newest first. The kernel assigns pids in a circle and reports its position. */
export function listNewestPids(): number[] {
  const newest = Number(orNull(() => readFileSync("/proc/loadavg", "latin1"))?.split(" ")[4] ?? 0);
  const [young, old] = [[], []] as [number[], number[]];
  for (const pid of listPids()) (pid <= newest ? young : old).push(pid);
  return [...young.reverse(), ...old.reverse()];
}

/** Every running process. The list is not an exact snapshot of one moment. */
function listProcesses(): ProcessFact[] {
  return listPids()
    .map(readProcess)
    .filter((fact) => fact !== null && !isDead(fact)) as ProcessFact[];
}

/** Children of all threads of a process. Falls back to a scan on kernels built without `children` files. */
export function childrenOf(pid: number): number[] {
  const threads = orNull(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  const children: number[] = [];
  for (const thread of threads) {
    const text = orNull(() => readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1"));
    if (text === null) continue;
    for (const word of text.split(" ")) if (word !== "") children.push(Number(word));
  }
  return children.length > 0 || hasChildrenFiles() ? children : scanForChildren(pid);
}

let childrenFiles: boolean | undefined;
function hasChildrenFiles(): boolean {
  childrenFiles ??= orNull(() => readFileSync(`/proc/self/task/${process.pid}/children`)) !== null;
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

/** `pid:[4026531836]`; null if the process does not exist or is not readable by this user. */
export function pidNamespaceOf(pid: number | "self"): string | null {
  return orNull(() => readlinkSync(`/proc/${pid}/ns/pid`));
}

/** Pid of the process inside its own PID namespace; null if gone. */
export function innermostPid(pid: number): number | null {
  const status = orNull(() => readFileSync(`/proc/${pid}/status`, "latin1"));
  const match = status === null ? null : /^NSpid:.*?(\d+)$/m.exec(status);
  return match === null ? null : Number(match[1]);
}

/** Effective uid of the process; null if gone. */
export function uidOf(pid: number): number | null {
  const status = orNull(() => readFileSync(`/proc/${pid}/status`, "latin1"));
  const match = status === null ? null : /^Uid:\s+\d+\s+(\d+)/m.exec(status);
  return match === null ? null : Number(match[1]);
}

/** Whether the process was started with this variable. False if this user may not read its environment. */
export function hasEnvironmentEntry(pid: number, entry: string): boolean {
  const text = orNull(() => readFileSync(`/proc/${pid}/environ`, "utf8"));
  return text !== null && text.split("\0").includes(entry);
}

/** Changes with every boot; null on a system without one. */
export function readBootId(): string | null {
  return orNull(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1"))?.trim() ?? null;
}
