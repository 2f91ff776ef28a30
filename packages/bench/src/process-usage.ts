/** What the kernel says about a running process and everything that it started. */
import { readFileSync } from "node:fs";
import { ignore } from "@agentcore/contract";

const ticksPerSecond = 100;

export interface ProcessUsage {
  readonly rssMb: number;
  /** Pages that several of them use count once. */
  readonly pssMb: number;
  readonly cpuMs: number;
  /** Resident memory of each, in MB. */
  readonly each: string;
}

export function usageOf(pid: number): ProcessUsage {
  const pids = withChildren(pid);
  const rss = pids.map((each) => field(each, "VmRSS", "status") / 1024);
  const pss = pids.map((each) => field(each, "Pss", "smaps_rollup") / 1024);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const each = rss.map((mb) => mb.toFixed(0)).join(" + ");
  return { rssMb: sum(rss), pssMb: sum(pss), cpuMs: sum(pids.map(cpuMs)), each };
}

function withChildren(pid: number): readonly number[] {
  const text = readProc(`${pid}/task/${pid}/children`);
  return [pid, ...text.split(" ").filter(Boolean).map(Number).flatMap(withChildren)];
}

function field(pid: number, name: string, file: string): number {
  const text = readProc(`${pid}/${file}`);
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

function cpuMs(pid: number): number {
  const stat = readProc(`${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond) * 1000;
}

/** Nothing of a process that has ended meanwhile. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch (error) {
    ignore(error, "a worker that is over");
    return "";
  }
}
