/**
 * Reads facts about a process from `/proc`. A process is always identified by pid *and* start time, because the kernel may
 * reuse a pid at any time. All reads are synchronous, which is faster for these files than the thread pool. Without
 * `/proc`, every function returns null.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { errorCode } from "./error-facts.ts";

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

/** Errors that mean that the process does not exist, has ended, or is not readable by this user. */
const expectedErrors = new Set(["ENOENT", "ESRCH", "EACCES", "EPERM", "ENOTDIR", "EINVAL"]);

/** Runs a read that fails if the process ends meanwhile; returns null then. */
export function nullIfGone<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (expectedErrors.has(errorCode(error) ?? "")) return null;
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
  const text = nullIfGone(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  return text === null ? null : parseStat(text);
}

/** A zombie counts as dead: it runs no code and holds nothing. */
export function isDead(fact: ProcessFact): boolean {
  return fact.state === "Z" || fact.state === "X";
}

/** Whether exactly this process still runs. */
export function isAlive(ref: ProcessRef): boolean {
  const fact = readProcess(ref.pid);
  return fact !== null && fact.startTicks === ref.startTicks && !isDead(fact);
}

/** `pid:[4026531836]`; null if the process does not exist or is not readable by this user. */
export function pidNamespaceOf(pid: number | "self"): string | null {
  return nullIfGone(() => readlinkSync(`/proc/${pid}/ns/pid`));
}

let bootId: string | null = null;

/** Changes with every boot; null on a system without one. */
export function readBootId(): string | null {
  bootId ??= nullIfGone(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1"))?.trim() ?? null;
  return bootId;
}
